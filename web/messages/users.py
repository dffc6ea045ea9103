"""The sentences of the user's own pages: notices, and the state of the second step."""

from __future__ import annotations

SAVED = "Saved"
NO_SUCH_THEME = "There is no such theme."

SIGNED_OUT_THERE = "Signed out there"
SIGNED_OUT_ELSEWHERE = "Signed out everywhere else"
DEVICE_FORGOTTEN = "Device forgotten"
DEVICE_WILL_BE_MAILED = "We’ll email you when it signs in again."

# Beside "Authenticator app".
ON_WITHOUT_PASSWORD = "On, but not used: you have no password"  # noqa: S105 - a sentence
OFF_WITHOUT_PASSWORD = "Off: you have no password"  # noqa: S105 - a sentence
OFF = "Off. Add it to protect your account. It takes two minutes"
OFF_WITH_PASSKEY = "Off. After your password we ask for a passkey or a recovery code"
ON = "On. After your password we ask for its code or a recovery code"
ON_WITH_PASSKEY = "On. After your password we ask for its code, a passkey or a recovery code"
