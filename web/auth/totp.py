"""Accepts each authenticator code once, within its own 30 seconds and the 30 before and after."""

from __future__ import annotations

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.mfa.utils import decrypt

from savings import users


def use_code(user_id: int, secret: str, code: str) -> bool:
    """Use up a code that allauth has accepted; False if it or a later one was used before.

    allauth remembers a code for 30 seconds in the cache, and not at all when activating the app, but a code is valid
    for 90 seconds.
    """
    if code == app_settings.TOTP_INSECURE_BYPASS_CODE:
        return True
    steps = [step for step in yield_hotp_counters_from_time() if _is_code_of(secret, step, code)]
    return bool(steps) and users.use_totp_step(user_id, max(steps))


def use_code_of(authenticator: Authenticator, code: str) -> bool:
    """Use up a code that this authenticator has accepted. Accepted recovery codes are already used up."""
    if authenticator.type != Authenticator.Type.TOTP:
        return True
    return use_code(authenticator.user_id, decrypt(authenticator.data["secret"]), code)


def _is_code_of(secret: str, step: int, code: str) -> bool:
    return compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, step)))
