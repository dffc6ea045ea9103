"""The second steps of the demo's staff. Their keys are public, so the codes of an authenticator app can be shown."""

from __future__ import annotations

import time

from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value

from savings.models import User

_PERIOD_SECONDS = 30
KEYS = {
    "staff@example.com": "ASUSUDEMOSTAFFKEYASUSUDEMOSTAFF2",
    "finance@example.com": "ASUSUDEMOFINANCEKEYASUSUDEMOASU2",
    "approver@example.com": "ASUSUDEMOAPPROVERKEYASUSUDEMOAS2",
    "auditor@example.com": "ASUSUDEMOAUDITORKEYASUSUDEMOASU2",
    "operations@example.com": "ASUSUDEMOOPERATIONSKEYASUSUDEMO2",
    "admin@example.com": "ASUSUDEMOADMINKEYASUSUDEMOADMIN2",
}


def add(user: User) -> None:
    """Add an authenticator app with the public key to a member of the demo's staff."""
    TOTP.activate(user, KEYS[user.email])


def codes() -> dict[str, str]:
    """Return the current code of each member of staff, by email address."""
    step = int(time.time()) // _PERIOD_SECONDS
    return {email: format_hotp_value(hotp_value(key, step)) for email, key in KEYS.items()}


def seconds_left() -> int:
    """Return for how many seconds the current codes stay valid."""
    return _PERIOD_SECONDS - int(time.time()) % _PERIOD_SECONDS
