"""The next user of a browser sees nothing of the previous one: waiting forms, notices, searches, htmx's history."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from savings.models import Payment, User
from tests.factories import PASSWORD, make_plan, make_user, start_circle
from tests.provider import Provider
from tests.web.form_filling import filled_in

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def ada() -> User:
    return make_user("ada@example.com", name="Ada")


@pytest.fixture
def bola() -> User:
    return make_user("bola@example.com", name="Bola")


def sign_in(client: Client, user: User, after: str = "?next=/profile/unsent/") -> str:
    typed = {"login": user.email, "password": PASSWORD}
    return str(client.post(f"/accounts/login/{after}", typed)["Location"])


def end_session(client: Client) -> None:
    """Expire the session; the browser still has all its cookies."""
    Session.objects.all().delete()
    cache.clear()


def left_behind(client: Client, user: User, path: str = "/profile/", **typed: Any) -> None:
    """Sign a user in, open a form, end their session, and send the form."""
    sign_in(client, user)
    form = client.get(path)
    assert form.status_code == 200
    end_session(client)
    client.post(path, typed or {"name": "Adaeze", "theme": "dark"})


def test_a_form_that_waited_is_not_shown_to_the_next_person(client: Client, ada: User, bola: User) -> None:
    left_behind(client, ada)
    sign_in(client, bola)
    page = client.get("/profile/unsent/")
    assert page["Location"] == "/dashboard/"
    assert "unsent" not in client.session


def test_it_is_gone_for_its_owner_too_after_another_user_signed_in(
    client: Client, ada: User, bola: User
) -> None:
    left_behind(client, ada)
    sign_in(client, bola)
    client.post("/accounts/logout/")
    sign_in(client, ada)
    assert client.get("/profile/unsent/")["Location"] == "/dashboard/"


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_its_owner_finds_it_once(client: Client, ada: User, headers: dict[str, str]) -> None:
    sign_in(client, ada)
    client.get("/profile/")
    end_session(client)
    response = client.post("/profile/", {"name": "Adaeze", "theme": "dark"}, headers=headers)
    where = response.get("HX-Redirect") or response["Location"]
    assert where == "/accounts/login/?next=/profile/unsent/"
    assert sign_in(client, ada) == "/profile/unsent/"
    page = client.get("/profile/unsent/")
    assert 'action="/profile/"' in page.text
    assert "Adaeze" in page.text
    assert client.get("/profile/unsent/")["Location"] == "/dashboard/"


def test_after_signing_out_it_is_still_for_that_person_alone(client: Client, ada: User, bola: User) -> None:
    sign_in(client, ada)
    client.get("/profile/")
    client.post("/accounts/logout/")
    client.post("/profile/", {"name": "Adaeze", "theme": "dark"})
    sign_in(client, bola)
    assert client.get("/profile/unsent/")["Location"] == "/dashboard/"


def test_a_form_of_an_unknown_user_is_not_stored(client: Client) -> None:
    response = client.post("/profile/", {"name": "Adaeze"})
    assert response["Location"] == "/accounts/login/?next=/profile/"
    assert not client.session.keys()


@pytest.mark.parametrize("cookie", ["1", "1:x", ":", "x:y", "99999999999999999999999:x"])
def test_a_forged_owner_is_nobody(client: Client, ada: User, bola: User, cookie: str) -> None:
    client.get("/accounts/login/")
    client.cookies["whose"] = cookie.replace("1", str(bola.pk), 1)
    client.post("/profile/", {"name": "Adaeze"})
    sign_in(client, bola)
    assert client.get("/profile/unsent/")["Location"] == "/dashboard/"


def test_the_owner_is_good_for_the_forms_of_one_sign_in(client: Client, ada: User, bola: User) -> None:
    """A cookie from an earlier sign-in is invalid with the CSRF cookie of a later one."""
    sign_in(client, ada)
    client.get("/profile/")
    adas = client.cookies["whose"].value
    client.post("/accounts/logout/")
    sign_in(client, bola)
    client.get("/profile/")
    client.cookies["whose"] = adas
    end_session(client)
    client.post("/profile/", {"name": "Adaeze"})
    sign_in(client, ada)
    assert client.get("/profile/unsent/")["Location"] == "/dashboard/"


def test_a_form_of_an_earlier_person_is_no_form_of_the_one_signed_in(ada: User, bola: User) -> None:
    """Its CSRF token changed at the sign-in: Ada's tab cannot act for Bola, and its form is not stored."""
    client = Client(enforce_csrf_checks=True)

    def token_on(path: str) -> str:
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get(path).text)
        assert found
        return found[1]

    def enter(user: User) -> None:
        token = token_on("/accounts/login/")
        typed = {"login": user.email, "password": PASSWORD, "csrfmiddlewaretoken": token}
        assert client.post("/accounts/login/", typed).status_code == 302

    enter(ada)
    adas_form = {"name": "Adaeze", "theme": "dark", "csrfmiddlewaretoken": token_on("/profile/")}
    client.post("/accounts/logout/", {"csrfmiddlewaretoken": adas_form["csrfmiddlewaretoken"]})
    enter(bola)
    token_on("/profile/")
    assert client.post("/profile/", adas_form).status_code == 403
    end_session(client)
    assert client.post("/profile/", adas_form).status_code == 403
    assert "unsent" not in client.session
    bola.refresh_from_db()
    assert (bola.name, bola.theme) == ("Bola", "")


def test_money_that_waited_is_paid_by_its_owner(client: Client, ada: User, provider: Provider) -> None:
    sign_in(client, ada)
    typed = filled_in(client, "/stash/fund/", amount="2,500")
    end_session(client)
    client.post("/stash/fund/", typed)
    sign_in(client, ada)
    page = client.get("/profile/unsent/")
    assert not Payment.objects.exists()
    client.post("/stash/fund/", dict(page.context["pairs"]))
    assert Payment.objects.get().transaction.user == ada


def test_a_form_with_a_reference_says_itself_whose_it_is(client: Client, ada: User, bola: User) -> None:
    """All cookies were cleared; the reference was signed for one user."""
    for user, is_shown in ((bola, False), (ada, True)):
        client.force_login(ada)
        typed = filled_in(client, "/stash/fund/", amount="2,500")
        client.logout()
        client.post("/stash/fund/", typed)
        sign_in(client, user)
        page = client.get("/profile/unsent/")
        assert (page.status_code == 200) is is_shown
        client.logout()


def test_it_waits_an_hour(client: Client, ada: User) -> None:
    left_behind(client, ada)
    with time_machine.travel(timezone.now() + datetime.timedelta(minutes=61)):
        sign_in(client, ada)
        assert client.get("/profile/unsent/")["Location"] == "/dashboard/"


def test_a_preview_does_not_wait(client: Client, ada: User) -> None:
    left_behind(client, ada, "/plans/start/", name="Rent")
    end_session(client)
    client.post("/plans/start/preview/", {"name": "Car"})
    sign_in(client, ada)
    assert "Car" not in client.get("/profile/unsent/").text


def test_a_notice_that_nobody_has_read_is_not_for_the_next_person(
    client: Client, ada: User, bola: User
) -> None:
    sign_in(client, ada)
    plan = make_plan(ada, name="Surprise for Bola")
    client.post(f"/plans/{plan.pk}/close/")
    end_session(client)
    assert "Surprise" not in client.get("/accounts/login/").text
    sign_in(client, bola)
    assert "Surprise" not in client.get("/dashboard/").text


def test_its_own_reader_still_gets_it(client: Client, ada: User) -> None:
    sign_in(client, ada)
    plan = make_plan(ada, name="Surprise")
    assert "Surprise is closed" in client.post(f"/plans/{plan.pk}/close/", follow=True).text
    assert "Surprise is closed" not in client.get("/plans/").text


def test_a_search_is_not_reopened_for_the_next_user(client: Client, ada: User, bola: User) -> None:
    for user, leads_to in ((bola, "/transactions/"), (ada, "/transactions/?q=secret")):
        sign_in(client, ada)
        client.get("/transactions/")
        end_session(client)
        after = client.get("/transactions/?q=secret")["Location"].partition("/accounts/login/")[2]
        assert sign_in(client, user, after) == leads_to
        client.post("/accounts/logout/")


def test_a_link_that_the_next_person_was_sent_still_leads_them(client: Client, ada: User, bola: User) -> None:
    circle = start_circle()
    sign_in(client, ada)
    client.get("/dashboard/")
    client.post("/accounts/logout/")
    for link in (f"/circles/join/{circle.invite_code}/", "/statements/1/download/?token=abc%3Adef"):
        asked = client.get(link)
        # An invitation is a page of its own, with a link to sign in.
        to_sign_in = asked["Location"] if asked.status_code == 302 else asked.context["sign_in_url"]
        assert sign_in(client, bola, to_sign_in.partition("/accounts/login/")[2]) == link
        client.post("/accounts/logout/")


def test_signing_out_clears_what_htmx_keeps_in_the_browser(client: Client, ada: User) -> None:
    sign_in(client, ada)
    assert client.post("/accounts/logout/")["Clear-Site-Data"] == '"cache", "storage"'


def test_the_cookie_is_set_once_and_not_for_scripts(client: Client, ada: User) -> None:
    sign_in(client, ada)
    client.get("/profile/")
    cookie = client.cookies["whose"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert "whose" not in client.get("/profile/").cookies
