"""Every change of a user's sign-in, by allauth or the site, sends a mail."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import allauth
import pytest
from allauth.account import signals
from allauth.mfa import signals as mfa_signals
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.dispatch import Signal
from django.test import Client
from django.test.testcases import TestCase

from savings.models import User
from tests.factories import PASSWORD, make_user
from tests.web.mails import code_sent_to, newest, subjects
from tests.web.staff import app_code

pytestmark = pytest.mark.django_db

WORDS = "four quiet old words"
# Ways that the settings disable.
SWITCHED_OFF = {"account/email/login_code", "account/email/password_reset_key"}
# allauth's mails about events that change no credential.
NO_CHANGE = {
    "user_logged_in": "a device not seen before is told by our own mail",
    "user_logged_out": "",
    "user_signed_up": "the code for the address is a mail itself",
    "email_confirmed": "the first proof is followed by the welcome",
    "email_confirmation_sent": "is a mail itself",
    "authentication_step_completed": "",
    "_add_email": "asks whether one may be added",
    "login_code_rejected": "",
    "password_reset_code_rejected": "",
    "email_verification_code_rejected": "",
    "authentication_failed": "",
    "email_added": "with one address for each person this is its change",
    "email_removed": "with one address for each person this is its change",
}


def signed_in(user: User) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def act(client: Client, path: str, **form: str) -> None:
    """Send a form and run the on-commit hooks."""
    with TestCase.captureOnCommitCallbacks(execute=True):
        client.post(f"/accounts/{path}", form)


def change_password(user: User) -> None:
    act(signed_in(user), "password/change/", oldpassword=PASSWORD, password1=WORDS)


def set_password(user: User) -> None:
    client = signed_in(user)
    user.set_unusable_password()
    user.save()
    client.force_login(user)
    passkey = Authenticator.objects.create(user=user, type="webauthn", data={"name": "x"})
    act(client, "password/set/", password1=WORDS)
    passkey.delete()


def reset_password(user: User) -> None:
    client = Client()
    act(client, "password/reset/", email=user.email)
    act(client, "password/reset/confirm/", code=code_sent_to(user.email))
    act(client, "password/reset/complete/", password1=WORDS)


def change_address(user: User) -> None:
    client = signed_in(user)
    act(client, "email/", action_add="1", email="new@example.com")
    act(client, "confirm-email/", code=code_sent_to("new@example.com"))


def add_app(user: User) -> Client:
    client = signed_in(user)
    secret = client.get("/accounts/2fa/totp/activate/").context["form"].secret
    act(client, "2fa/totp/activate/", code=app_code(secret))
    return client


def remove_app(user: User) -> None:
    act(add_app(user), "2fa/totp/deactivate/")


def make_recovery_codes(user: User) -> None:
    act(add_app(user), "2fa/recovery-codes/generate/")


def use_recovery_code(user: User) -> None:
    add_app(user)
    codes = Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    act(client, "2fa/authenticate/", code=codes[0])


def rename_passkey(user: User) -> None:
    passkey = Authenticator.objects.create(user=user, type="webauthn", data={"name": "Mine"})
    act(signed_in_by_passkey(user), f"2fa/webauthn/keys/{passkey.pk}/edit/", name="Yours")


def remove_passkey(user: User) -> None:
    passkey = Authenticator.objects.create(user=user, type="webauthn", data={"name": "Mine"})
    act(signed_in_by_passkey(user), f"2fa/webauthn/keys/{passkey.pk}/remove/")


def signed_in_by_passkey(user: User) -> Client:
    client = Client()
    client.force_login(user)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


# Each signal of a changed credential with its arguments, and the mail that must follow.
TOLD: list[tuple[Signal, Callable[[User], object], str]] = [
    (signals.password_changed, change_password, "Your password was changed"),
    (signals.password_set, set_password, "Your account has a password now"),
    (signals.password_reset, reset_password, "Your password was reset"),
    (signals.email_changed, change_address, "Your email address was changed"),
    (mfa_signals.authenticator_added, add_app, "Two-step sign-in is on"),
    (mfa_signals.authenticator_removed, remove_app, "The authenticator app was removed"),
    (mfa_signals.authenticator_removed, remove_passkey, "A passkey was removed"),
    (mfa_signals.authenticator_reset, make_recovery_codes, "You have new recovery codes"),
    (mfa_signals.authenticator_used, use_recovery_code, "A recovery code was used"),
]


@pytest.mark.parametrize(("signal", "happens", "subject"), TOLD, ids=[its[1].__name__ for its in TOLD])
def test_each_change_is_notified_to_the_email_address_at_that_time(
    signal: Signal, happens: Callable[[User], object], subject: str
) -> None:
    user = make_user("ada@example.com")
    happens(user)
    assert subject in subjects("ada@example.com")


def test_a_renamed_passkey_is_notified() -> None:
    user = make_user()
    rename_passkey(user)
    assert subjects(user.email) == ["A passkey was renamed"]


def test_every_signal_of_allauth_is_thought_of() -> None:
    named = {
        id(signal): name
        for module in (signals, mfa_signals)
        for name, signal in vars(module).items()
        if isinstance(signal, Signal)
    }
    told = {named[id(signal)] for signal, _, _ in TOLD}
    assert set(named.values()) == told | NO_CHANGE.keys()


def test_every_mail_of_allauth_has_words_of_ours() -> None:
    root, sends = Path(allauth.__file__).parent, r'send_(?:notification_)?mail\(\s*"([^"]+)"'
    sources = [path for part in ("account", "mfa") for path in (root / part).rglob("*.py")]
    prefixes = {name for path in sources for name in re.findall(sends, path.read_text())}
    assert len(prefixes) > 10
    for name in prefixes - SWITCHED_OFF:
        for part in ("subject", "message"):
            assert (settings.BASE_DIR / f"templates/{name}_{part}.txt").exists(), name


def test_a_recovery_code_that_was_used_says_how_many_are_left() -> None:
    user = make_user()
    use_recovery_code(user)
    assert "You have 9 left" in newest(user.email).text
