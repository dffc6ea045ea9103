"""The second steps of the demo's staff, whose keys everybody knows: what an authenticator app would show for them."""

from __future__ import annotations

import time

from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value

from savings.models import User

_PERIOD_SECONDS = 30
KEYS = {
    "staff@example.com": "ASUSUDEMOSTAFFKEYASUSUDEMOSTAFF2",
    "admin@example.com": "ASUSUDEMOADMINKEYASUSUDEMOADMIN2",
}


def add(user: User) -> None:
    """Give a member of the demo's staff the app with their key."""
    TOTP.activate(user, KEYS[user.email])


def codes() -> dict[str, str]:
    """Return the code that signs each member of staff in now, by email address."""
    step = int(time.time()) // _PERIOD_SECONDS
    return {email: format_hotp_value(hotp_value(key, step)) for email, key in KEYS.items()}


def seconds_left() -> int:
    """Return for how many seconds the codes of now are shown."""
    return _PERIOD_SECONDS - int(time.time()) % _PERIOD_SECONDS
