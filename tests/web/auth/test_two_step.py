"""Two-step sign-in: an authenticator app, and recovery codes in case it is lost."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData
from pytest_django import DjangoCaptureOnCommitCallbacks
from pytest_django.fixtures import Settings

from savings import users
from savings.models import User
from tests.factories import PASSWORD, make_user
from tests.web.mails import subjects

pytestmark = pytest.mark.django_db


def code_of(secret: str, *, steps: int = 0) -> str:
    """The code of an authenticator app now, or a number of 30-second steps later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def next_code_of(secret: str) -> str:
    """The next code, because the current one was used up to activate the app."""
    return code_of(secret, steps=1)


@pytest.fixture
def secret(saver: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> str:
    """The secret of the saver's authenticator app, which is set up."""
    client = Client()
    client.force_login(saver)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    secret = str(client.get("/accounts/2fa/totp/activate/").context["form"].secret)
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})
    assert response["Location"] == "/accounts/2fa/recovery-codes/"
    return secret


@pytest.fixture
def halfway(client: Client, saver: User, secret: str) -> Client:
    """A browser in which the password was entered, but not yet the code."""
    response = client.post("/accounts/login/", {"login": saver.email, "password": PASSWORD})
    assert response["Location"] == "/accounts/2fa/authenticate/"
    return client


def passkey() -> dict[str, object]:
    """The stored data of a passkey: the response of the device that made it."""
    credential = AttestedCredentialData.create(
        bytes(16), b"key", ES256({1: 2, 3: -7, -1: 1, -2: b"x", -3: b"y"})
    )
    flags = AuthenticatorData.FLAG.USER_PRESENT | AuthenticatorData.FLAG.ATTESTED
    made = AttestationObject.create(
        "none", AuthenticatorData.create(bytes(32), flags, 0, bytes(credential)), {}
    )
    said = b'{"type": "webauthn.create", "challenge": "eHh4", "origin": "https://testserver"}'
    answer = {"clientDataJSON": websafe_encode(said), "attestationObject": websafe_encode(made)}
    return {
        "name": "Mine",
        "credential": {"id": websafe_encode(b"key"), "rawId": websafe_encode(b"key"), "response": answer},
    }


def test_a_passkey_is_offered_to_those_who_have_one(halfway: Client, saver: User) -> None:
    assert "data-passkey" not in halfway.get("/accounts/2fa/authenticate/").text
    Authenticator.objects.create(user=saver, type="webauthn", data=passkey())
    page = halfway.get("/accounts/2fa/authenticate/").text
    assert "recovery codes, or use a passkey." in page
    assert 'data-passkey="get"' in page


def is_in(client: Client) -> bool:
    return client.get("/profile/").status_code == 200


def test_the_qr_code_is_drawn_without_a_style(saver_client: Client) -> None:
    saver_client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = saver_client.get("/accounts/2fa/totp/activate/").text
    assert '<svg class="qr"' in page
    assert "style=" not in page
    assert "data:" not in page
    assert "otpauth://totp/" in page
    assert "issuer=Asusu" in page


def test_a_wrong_code_turns_nothing_on(saver_client: Client) -> None:
    saver_client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    secret = saver_client.get("/accounts/2fa/totp/activate/").context["form"].secret
    response = saver_client.post("/accounts/2fa/totp/activate/", {"code": "000000x"})
    assert response.status_code == 422
    assert secret in response.text
    assert not Authenticator.objects.exists()


def test_setting_it_up_asks_for_the_password_first(saver_client: Client) -> None:
    response = saver_client.get("/accounts/2fa/totp/activate/")
    assert response["Location"] == "/accounts/reauthenticate/?next=%2Faccounts%2F2fa%2Ftotp%2Factivate%2F"


def test_setting_it_up_is_notified_by_mail(saver: User, secret: str) -> None:
    assert subjects(saver.email) == ["Two-step sign-in is on"]


def test_the_password_alone_does_not_let_one_in(halfway: Client) -> None:
    assert not is_in(halfway)
    assert halfway.get("/accounts/")["Location"].startswith("/accounts/login/")


def test_the_code_does(halfway: Client, secret: str) -> None:
    response = halfway.post("/accounts/2fa/authenticate/", {"code": next_code_of(secret)})
    assert response["Location"] == "/dashboard/"
    assert is_in(halfway)


def test_the_requested_page_survives_the_second_step(client: Client, saver: User, secret: str) -> None:
    client.post("/accounts/login/?next=/stash/", {"login": saver.email, "password": PASSWORD})
    response = client.post("/accounts/2fa/authenticate/", {"code": next_code_of(secret)})
    assert response["Location"] == "/stash/"


def test_a_code_works_once(halfway: Client, saver: User, secret: str) -> None:
    code = next_code_of(secret)
    halfway.post("/accounts/2fa/authenticate/", {"code": code})
    second = Client()
    second.post("/accounts/login/", {"login": saver.email, "password": PASSWORD})
    assert second.post("/accounts/2fa/authenticate/", {"code": code}).status_code == 422
    assert not is_in(second)


@pytest.fixture
def noon() -> Iterator[time_machine.Traveller]:
    """The start of a 30-second step."""
    with time_machine.travel(datetime.datetime(2026, 3, 4, 12, tzinfo=datetime.UTC), tick=False) as traveller:
        yield traveller


def sign_in(saver: User, code: str) -> bool:
    """Sign in with the password and a code in a new browser, and return whether it worked."""
    client = Client()
    client.post("/accounts/login/", {"login": saver.email, "password": PASSWORD})
    return "Location" in client.post("/accounts/2fa/authenticate/", {"code": code})


def test_the_code_that_turned_it_on_signs_nobody_in(
    noon: time_machine.Traveller, saver: User, secret: str
) -> None:
    code = code_of(secret)
    for _ in range(3):
        assert not sign_in(saver, code)
        noon.shift(29)


def test_the_activation_code_does_not_reauthenticate(
    noon: time_machine.Traveller, saver_client: Client, secret: str
) -> None:
    response = saver_client.post("/accounts/2fa/reauthenticate/", {"code": code_of(secret)})
    assert response.status_code == 422


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_code_counts_half_a_minute_longer_and_earlier(
    noon: time_machine.Traveller, saver: User, secret: str, steps: int
) -> None:
    noon.shift(300)
    assert sign_in(saver, code_of(secret, steps=steps))


@pytest.mark.parametrize("steps", [-2, 2])
def test_and_no_longer(noon: time_machine.Traveller, saver: User, secret: str, steps: int) -> None:
    noon.shift(300)
    assert not sign_in(saver, code_of(secret, steps=steps))


def test_a_code_typed_as_its_half_minute_ends_is_accepted(
    noon: time_machine.Traveller, saver: User, secret: str
) -> None:
    noon.shift(329)
    code = code_of(secret)
    noon.shift(5)
    assert sign_in(saver, code)


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_used_code_is_refused_as_long_as_it_would_count(
    noon: time_machine.Traveller, saver: User, secret: str, steps: int
) -> None:
    noon.shift(300)
    code = code_of(secret, steps=steps)
    assert sign_in(saver, code)
    for _ in range(3):
        cache.clear()
        assert not sign_in(saver, code)
        noon.shift(30)


def test_a_code_used_to_sign_in_does_not_prove_who_is_signed_in(
    noon: time_machine.Traveller, halfway: Client, secret: str
) -> None:
    code = next_code_of(secret)
    halfway.post("/accounts/2fa/authenticate/", {"code": code})
    noon.shift(31)
    assert halfway.post("/accounts/2fa/reauthenticate/", {"code": code}).status_code == 422
    later = halfway.post("/accounts/2fa/reauthenticate/", {"code": next_code_of(secret)})
    assert later.status_code == 302


def test_each_code_is_used_up_for_one_person(saver: User) -> None:
    other = make_user()
    assert users.use_totp_step(saver.pk, 7)
    assert users.use_totp_step(other.pk, 7)
    assert [users.use_totp_step(saver.pk, step) for step in (7, 6, 8, 8)] == [False, False, True, False]


def test_wrong_codes_are_limited(halfway: Client, secret: str) -> None:
    for _ in range(5):
        response = halfway.post("/accounts/2fa/authenticate/", {"code": "000000x"})
        assert response.status_code == 422
    response = halfway.post("/accounts/2fa/authenticate/", {"code": next_code_of(secret)})
    assert response.status_code == 429
    assert "Too many tries. Wait 5 minutes, then try again." in response.text
    assert not is_in(halfway)


def test_a_recovery_code_works_once(halfway: Client, saver: User) -> None:
    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    assert len(codes) == 10
    halfway.post("/accounts/2fa/authenticate/", {"code": codes[0]})
    assert is_in(halfway)
    second = Client()
    second.post("/accounts/login/", {"login": saver.email, "password": PASSWORD})
    assert second.post("/accounts/2fa/authenticate/", {"code": codes[0]}).status_code == 422
    second.post("/accounts/2fa/authenticate/", {"code": codes[1]})
    assert is_in(second)
    assert "8 left" in second.get("/accounts/").text


def test_recovery_codes_are_shown_and_kept_after_the_password(
    client: Client,
    saver: User,
    secret: str,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    client.force_login(saver)
    assert "reauthenticate" in client.get("/accounts/2fa/recovery-codes/")["Location"]
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = client.get("/accounts/2fa/recovery-codes/").text
    file = client.get("/accounts/2fa/recovery-codes/download/")
    assert all(code in page and code in file.text for code in codes)
    assert "attachment" in file["Content-Disposition"]
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/accounts/2fa/recovery-codes/generate/")
    assert not any(code in client.get("/accounts/2fa/recovery-codes/").text for code in codes)
    assert "You have new recovery codes" in subjects(saver.email)


def test_removing_the_app_takes_the_recovery_codes_along(client: Client, saver: User, secret: str) -> None:
    client.force_login(saver)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/2fa/totp/deactivate/")
    assert not Authenticator.objects.exists()
    assert "The authenticator app was removed" in subjects(saver.email)
    assert client.get("/accounts/2fa/recovery-codes/").status_code == 404


def test_the_second_step_must_come_within_a_quarter_of_an_hour(halfway: Client, secret: str) -> None:
    with time_machine.travel(timezone.now() + datetime.timedelta(minutes=16)):
        response = halfway.post("/accounts/2fa/authenticate/", {"code": next_code_of(secret)})
        assert response["Location"] == "/accounts/login/"
        assert not is_in(halfway)


def test_nothing_in_the_database_shows_the_secrets(secret: str) -> None:
    for authenticator in Authenticator.objects.all():
        assert secret not in str(authenticator.data)
        assert all(code not in str(authenticator.data) for code in _codes(authenticator))


def _codes(authenticator: Authenticator) -> list[str]:
    wrapped = authenticator.wrap()
    return wrapped.generate_codes() if authenticator.type == "recovery_codes" else []


def test_a_new_secret_key_keeps_the_second_steps_of_the_old(
    halfway: Client, secret: str, settings: Settings
) -> None:
    halfway.cookies.clear()
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-" + "y" * 40
    user = Authenticator.objects.get(type="totp").user
    halfway.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    halfway.post("/accounts/2fa/authenticate/", {"code": next_code_of(secret)})
    assert is_in(halfway)


@pytest.mark.parametrize(
    ("kinds", "sentence"),
    [
        ((), "Off. Add it to protect your account"),
        (("webauthn",), "Off. After your password we ask for a passkey or a recovery code"),
        (("totp",), "On. After your password we ask for its code or a recovery code"),
        (("totp", "webauthn"), "On. After your password we ask for its code, a passkey or a recovery code"),
    ],
)
def test_the_security_page_says_what_is_asked_after_the_password(
    saver_client: Client, saver: User, kinds: tuple[str, ...], sentence: str
) -> None:
    for kind in kinds:
        saver.authenticator_set.create(type=kind, data={"name": "Phone", "secret": "x"})
    page = saver_client.get("/accounts/").text
    assert sentence in page
    assert ("Off. Add it" in page) == (not kinds)
    assert ("Each signs you in without a password" in page) == ("webauthn" in kinds)


def test_the_security_page_says_when_no_recovery_code_is_left(
    saver_client: Client, saver: User, secret: str
) -> None:
    codes = saver.authenticator_set.get(type="recovery_codes")
    codes.data["used_mask"] = 2**10 - 1
    codes.save()
    assert "None left. Make new ones" in saver_client.get("/accounts/").text


def test_the_security_page_claims_no_password_where_there_is_none(saver_client: Client, saver: User) -> None:
    saver.set_unusable_password()
    saver.save()
    saver_client.force_login(saver)
    page = saver_client.get("/accounts/").text
    assert "Off. Add it" not in page
    assert "/accounts/password/set/" in page
