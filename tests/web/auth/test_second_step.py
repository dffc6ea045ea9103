"""The admin requires a second step in this session, from everyone and on every URL."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib import admin
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import URLPattern, URLResolver
from pytest_django.fixtures import Settings

from savings.demo import second_steps
from savings.models import User
from tests.factories import PASSWORD, make_user
from tests.web.mails import code_sent_to
from tests.web.staff import SECRET, app_code, make_staff, sign_in
from web.messages import sign_in as messages

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

SET_UP = "/accounts/second-step/"
PROVE = "/accounts/2fa/reauthenticate/"


def with_password(user: User) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    return client


def is_open(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def set_up(client: Client) -> str:
    """Set up an authenticator app, and return the URL it redirects to."""
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    secret = client.get("/accounts/2fa/totp/activate/").context["form"].secret
    return str(client.post("/accounts/2fa/totp/activate/", {"code": app_code(secret)})["Location"])


def paths(patterns: list[URLPattern | URLResolver], before: str = "/admin/") -> Iterator[str]:
    for pattern in patterns:
        here = before + re.sub(r"<[^>]*>", "1", str(pattern.pattern).replace("(?P<url>.*)$", "nowhere"))
        if isinstance(pattern, URLResolver):
            yield from paths(pattern.url_patterns, here)
        else:
            # The list of an app's models is a regular expression.
            yield re.sub(r"\^\(\?P1\(?(\w+).*", r"\1/", here).replace("^(?P1", "")


PATHS = sorted({*paths(admin.site.get_urls())} | {"/admin/savings/", "/admin/auth/"})


def test_a_lost_secret_key_is_said_beside_the_code(settings: Settings) -> None:
    staff = make_staff()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 10, []
    client = with_password(staff)
    response = client.post("/accounts/2fa/authenticate/", {"code": app_code(SECRET)})
    assert response.status_code == 422
    assert response.context["form"].errors == {"code": [messages.UNREADABLE_SECOND_STEP]}


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["plain", "htmx"])
@pytest.mark.parametrize("method", ["get", "post", "head", "put", "delete"])
def test_every_address_of_the_admin_is_shut_without_one(method: str, headers: dict[str, str]) -> None:
    client = Client()
    client.force_login(make_user(is_staff=True, is_superuser=True))
    assert len(PATHS) > 100
    for path in PATHS:
        answer = getattr(client, method)(path, headers=headers)
        assert answer.get("HX-Redirect" if headers else "Location") == SET_UP, (path, answer.status_code)


def test_and_with_one_of_which_this_session_knows_nothing() -> None:
    staff = make_staff(is_superuser=True)
    client = Client()
    client.force_login(staff)
    for path in PATHS:
        for answer in (client.get(path), client.post(path)):
            assert answer.status_code == 302
            assert answer["Location"].startswith(PROVE), path


def test_a_form_that_was_sent_changes_nothing() -> None:
    boss, saver = make_user(is_staff=True, is_superuser=True), make_user()
    client = Client()
    client.force_login(boss)
    form = {"email": saver.email, "name": "Renamed", "theme": "", "is_active": "on"}
    client.post(f"/admin/savings/user/{saver.pk}/change/", form)
    saver.refresh_from_db()
    assert saver.name != "Renamed"


def test_staff_are_led_through_the_set_up_and_back_to_their_page() -> None:
    client = with_password(make_user(is_staff=True, is_superuser=True))
    assert client.get("/admin/savings/user/")["Location"] == SET_UP
    page = client.get(SET_UP).text
    assert "The back office needs one" in page
    assert "/accounts/2fa/totp/activate/" in page
    assert "/accounts/2fa/webauthn/add/" in page
    codes = set_up(client)
    assert 'href="/admin/savings/user/">Continue to the back office' in client.get(codes).text
    assert client.get("/admin/savings/user/").status_code == 200
    assert "Continue to the back office" not in client.get(codes).text


def test_a_superuser_made_by_the_command_gets_in() -> None:
    call_command(
        "createsuperuser", email="boss@example.com", name="Boss", interactive=False, stdout=io.StringIO()
    )
    boss = User.objects.get(email="boss@example.com")
    boss.set_password(PASSWORD)
    boss.save()
    client = Client()
    login = client.post("/accounts/login/?next=/admin/", {"login": boss.email, "password": PASSWORD})
    assert login["Location"].startswith("/accounts/confirm-email/")
    client.post("/accounts/confirm-email/", {"code": code_sent_to(boss.email)})
    assert client.get("/admin/")["Location"] == SET_UP
    set_up(client)
    assert is_open(client)


def test_signing_in_with_it_opens_the_admin() -> None:
    staff = make_staff(is_superuser=True)
    client = Client()
    client.post("/accounts/login/?next=/admin/", {"login": staff.email, "password": PASSWORD})
    answer = client.post("/accounts/2fa/authenticate/", {"code": app_code()})
    assert answer["Location"] == "/admin/"
    assert is_open(client)


def test_a_recovery_code_opens_it_too_and_goes_on_after_new_ones() -> None:
    staff = make_user(is_staff=True, is_superuser=True)
    set_up(with_password(staff))
    client = with_password(staff)
    recovery = Authenticator.objects.get(user=staff, type="recovery_codes")
    client.post("/accounts/2fa/authenticate/", {"code": recovery.wrap().get_unused_codes()[0]})
    assert is_open(client)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/2fa/recovery-codes/generate/")
    assert is_open(client)


def test_a_session_from_before_gives_the_code_once_and_goes_on() -> None:
    staff = make_user(is_staff=True, is_superuser=True)
    before, other = with_password(staff), with_password(staff)
    set_up(other)
    secret = Authenticator.objects.get(user=staff, type="totp")
    Authenticator.objects.filter(pk=secret.pk).delete()
    TOTP.activate(staff, SECRET)
    answer = before.get("/admin/savings/user/?q=ada")
    assert answer["Location"] == f"{PROVE}?next=%2Fadmin%2Fsavings%2Fuser%2F%3Fq%3Dada"
    # The current code was used to set up the app.
    answer = before.post(answer["Location"], {"code": app_code(steps_ahead=1)})
    assert answer["Location"] == "/admin/savings/user/?q=ada"
    assert is_open(before)


def test_a_session_from_before_cannot_put_another_second_step_in_its_place() -> None:
    staff = make_user(is_staff=True, is_superuser=True)
    thief, owner = with_password(staff), with_password(staff)
    set_up(owner)
    thief.post("/accounts/reauthenticate/", {"password": PASSWORD})
    for path in ("totp/deactivate/", "webauthn/add/", "recovery-codes/", "recovery-codes/generate/"):
        for answer in (thief.get(f"/accounts/2fa/{path}"), thief.post(f"/accounts/2fa/{path}")):
            assert answer["Location"].startswith(PROVE), path
    assert Authenticator.objects.filter(user=staff, type="totp").exists()
    assert not is_open(thief)


def test_removing_the_last_second_step_requires_a_new_one() -> None:
    client = with_password(make_user(is_staff=True, is_superuser=True))
    set_up(client)
    assert is_open(client)
    client.post("/accounts/2fa/totp/deactivate/")
    assert not Authenticator.objects.exists()
    assert client.get("/admin/")["Location"] == SET_UP


def test_a_second_step_of_somebody_else_does_not_count() -> None:
    staff = make_staff(is_superuser=True)
    client = sign_in(staff)
    Authenticator.objects.filter(user=staff).delete()
    TOTP.activate(staff, SECRET)
    assert not is_open(client)


def test_the_reset_ends_the_sessions_and_begins_again() -> None:
    staff = make_user(is_staff=True, is_superuser=True)
    client = with_password(staff)
    set_up(client)
    call_command("reset_second_step", staff.email, stdout=io.StringIO())
    assert client.get("/profile/").status_code == 302
    assert with_password(staff).get("/admin/")["Location"] == SET_UP


def test_savers_are_not_asked(saver_client: Client) -> None:
    assert saver_client.get("/profile/").status_code == 200
    assert saver_client.get(SET_UP)["Location"] == "/accounts/"
    saver_client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert saver_client.get("/accounts/2fa/totp/activate/").status_code == 200
    assert saver_client.get("/admin/", follow=True).status_code == 403


def test_the_codes_of_the_demos_staff_let_them_in(settings: Settings) -> None:
    settings.DEBUG = True
    for email in second_steps.KEYS:
        second_steps.add(make_user(email, is_staff=True))
    out = io.StringIO()
    call_command("demo_code", stdout=out)
    lines = [line.split("  ") for line in out.getvalue().splitlines()[:-1]]
    printed = {email: code for code, email in lines}
    assert set(printed) == set(second_steps.KEYS)
    for email, code in printed.items():
        client = with_password(User.objects.get(email=email))
        client.post("/accounts/2fa/authenticate/", {"code": code})
        assert is_open(client)


def test_a_server_prints_no_codes() -> None:
    with pytest.raises(CommandError, match="DEBUG=1"):
        call_command("demo_code")
