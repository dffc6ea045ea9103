"""Staff in tests, signed in with the second step that the admin requires."""

from __future__ import annotations

import time
from typing import Any

from allauth.account.internal.flows.login import (
    _AUTHENTICATION_METHODS_USER_SESSION_KEY,
    AUTHENTICATION_METHODS_SESSION_KEY,
)
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.contrib.auth.models import Permission
from django.test import Client

from savings.models import User
from tests.factories import make_user

SECRET = "ASUSUTESTSTAFFKEYASUSUTESTSTAFF2"


def make_staff(*permissions: str, **fields: Any) -> User:
    """A member of staff with these permissions and an authenticator app."""
    user = make_user(is_staff=True, **fields)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    TOTP.activate(user, SECRET)
    return user


def app_code(secret: str = SECRET, *, steps_ahead: int = 0) -> str:
    """The code of an authenticator app now, or a number of 30-second steps later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps_ahead))


def sign_in(user: User, client: Client | None = None) -> Client:
    """A browser in which a user is signed in with an authenticator app, which is set up if missing."""
    client = client or Client()
    step = (
        Authenticator.objects.filter(user=user, type="totp").first() or TOTP.activate(user, SECRET).instance
    )
    client.force_login(user)
    session = client.session
    record = {"method": "mfa", "at": time.time(), "id": step.pk, "type": "totp"}
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [record]
    session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(user.pk)
    session.save()
    return client
