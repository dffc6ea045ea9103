"""The user's own pages: profile, theme and security."""

from __future__ import annotations

import datetime
import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from savings.models import Device, OutboxRow, User
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db


def signed_in(user: User, **headers: str) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD}, headers=headers)
    return client


def is_in(client: Client) -> bool:
    return client.get("/profile/").status_code == 200


def test_name_preferences_and_theme_are_saved(saver_client: Client, saver: User) -> None:
    version = saver.version
    response = saver_client.post("/profile/", {"name": "  Adaeze   Òbí ", "theme": "dark"})
    assert response["Location"] == "/profile/"
    saver.refresh_from_db()
    assert (saver.name, saver.theme, saver.wants_receipts) == ("Adaeze Òbí", "dark", False)
    assert saver.version > version
    page = saver_client.get("/profile/").text
    assert 'data-theme="dark"' in page
    assert "Saved" in page


@pytest.mark.parametrize(
    "switch",
    [
        "wants_receipts",
        "wants_autosave_notices",
        "wants_goal_reached",
        "wants_rank_changes",
        "wants_weekly_digest",
    ],
)
def test_each_kind_of_mail_has_a_switch_of_its_own(saver_client: Client, saver: User, switch: str) -> None:
    assert saver_client.get("/profile/").context["form"][switch].value() is True
    saver_client.post("/profile/", {"name": "Ada", switch: "on"})
    saver.refresh_from_db()
    on = {name for name in vars(saver) if name.startswith("wants_") and getattr(saver, name)}
    assert on == {switch}


def test_switching_a_mail_off_cancels_waiting_ones(saver_client: Client, saver: User) -> None:
    for kind in ("rank_changed", "weekly_digest", "welcome"):
        OutboxRow.objects.create(kind=kind, dedupe_key=kind, user=saver)
    saver_client.post("/profile/", {"name": "Ada", "wants_weekly_digest": "on"})
    assert {row.kind for row in saver.outbox_rows.all()} == {"weekly_digest", "welcome"}


@pytest.mark.parametrize("name", ["", "x" * 200, "Ada\u202e", "\u200d\u200d", "Ada\x00"])
def test_a_bad_name_is_said_beside_its_field_and_the_rest_is_kept(
    saver_client: Client, saver: User, name: str
) -> None:
    response = saver_client.post("/profile/", {"name": name, "theme": "dark"})
    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.text
    assert response.context["form"]["theme"].value() == "dark"
    assert saver.name in response.text
    saver.refresh_from_db()
    assert saver.theme == ""


def test_a_theme_that_is_not_one_is_refused(saver_client: Client, saver: User) -> None:
    assert saver_client.post("/profile/", {"name": "Ada", "theme": "pink"}).status_code == 422
    assert saver_client.post("/profile/theme/", {"theme": "pink"}).status_code == 400


@pytest.mark.parametrize(
    ("back", "leads_to"),
    [
        ("/stash/", "/stash/"),
        ("", "/profile/"),
        ("https://evil.example/", "/profile/"),
        ("//evil.example/", "/profile/"),
    ],
)
def test_the_menu_switches_the_theme_and_goes_back(
    saver_client: Client, saver: User, back: str, leads_to: str
) -> None:
    version = saver.version
    response = saver_client.post("/profile/theme/", {"theme": "light", "next": back})
    assert response["Location"] == leads_to
    saver.refresh_from_db()
    assert saver.theme == "light"
    assert saver.version > version


def test_profile_is_a_part_for_htmx(saver_client: Client) -> None:
    response = saver_client.post("/profile/", {"name": ""}, headers={"HX-Request": "true"})
    assert response.status_code == 422
    assert "<html" not in response.text


def test_security_shows_where_one_is_signed_in(saver: User) -> None:
    here = signed_in(saver, **{"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Firefox/130.0"})
    signed_in(saver, **{"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Safari/604.1"})
    sessions = here.get("/accounts/").context["sessions"]
    assert [row[1:] for row in sessions] == [
        ("Firefox on Windows", True, "device"),
        ("Safari on iPhone", False, "phone"),
    ]


def test_devices_of_one_browser_and_system_are_one_row(saver: User) -> None:
    here = signed_in(saver)
    for number in range(3):
        Device.objects.create(user=saver, token_hash=f"{number}" * 64, label="Firefox on Linux")
    page = here.get("/accounts/")
    groups = {group.label: len(group.devices) for group in page.context["device_groups"]}
    assert groups["Firefox on Linux"] == 3
    assert "3 devices" in page.text


def test_security_shows_three_sessions_and_folds_the_others(saver: User) -> None:
    here, *_ = [signed_in(saver) for _ in range(5)]
    assert "Show 2 more" in here.get("/accounts/").text


def test_security_has_one_main_button_the_second_step_until_there_is_one(
    saver_client: Client, saver: User
) -> None:
    [first] = re.findall(r'class="btn btn-s"\s+href="([^"]+)"', saver_client.get("/accounts/").text)
    assert first == "/accounts/2fa/totp/activate/"
    saver.authenticator_set.create(type="totp", data={"secret": "x"})
    assert 'class="btn btn-s"' not in saver_client.get("/accounts/").text


def test_a_phone_is_drawn_as_one(saver_client: Client, saver: User) -> None:
    for label in ("Chrome on Android", "Firefox on Linux"):
        saver.devices.create(label=label, token_hash=label)
    groups = {group.label: group.icon for group in saver_client.get("/accounts/").context["device_groups"]}
    assert groups["Chrome on Android"] == "phone"
    assert groups["Firefox on Linux"] == "device"


def test_one_session_is_ended_from_another(saver: User) -> None:
    here, lost = signed_in(saver), signed_in(saver)
    session = UserSession.objects.get(session_key=lost.session.session_key)
    assert here.post(f"/accounts/sessions/{session.pk}/end/")["Location"] == "/accounts/#sessions"
    assert not is_in(lost)
    assert is_in(here)


def test_all_others_are_ended_at_once(saver: User) -> None:
    here, others = signed_in(saver), [signed_in(saver), signed_in(saver)]
    other_user = signed_in(make_user())
    here.post("/accounts/sessions/end-others/")
    assert [is_in(client) for client in (here, *others, other_user)] == [True, False, False, True]


def test_a_session_that_has_run_out_is_not_shown(saver: User) -> None:
    here, old = signed_in(saver), signed_in(saver)
    past = timezone.now() - datetime.timedelta(days=1)
    Session.objects.filter(session_key=old.session.session_key).update(expire_date=past)
    assert len(here.get("/accounts/").context["sessions"]) == 1


def test_a_forgotten_device_is_new_again(saver: User) -> None:
    here = signed_in(saver)
    device = Device.objects.create(user=saver, token_hash="x" * 64, label="Firefox on Linux")
    assert "Firefox on Linux" in here.get("/accounts/").text
    here.post(f"/accounts/devices/{device.pk}/forget/")
    assert "Firefox on Linux" not in here.get("/accounts/").text


@pytest.mark.parametrize("path", ["/accounts/2fa/", "/accounts/2fa/webauthn/", "/accounts/sessions/"])
def test_allauths_own_lists_lead_to_the_one_page(saver_client: Client, path: str) -> None:
    assert saver_client.get(path)["Location"].startswith("/accounts/")
    assert saver_client.get(path, follow=True).status_code == 200


def fill_security(user: User, rows: int) -> None:
    day = timezone.now() + datetime.timedelta(days=1)
    keys = [f"{rows}-{number}".rjust(32, "k") for number in range(rows)]
    Session.objects.bulk_create(Session(session_key=key, session_data="", expire_date=day) for key in keys)
    UserSession.objects.bulk_create(UserSession(user=user, ip="127.0.0.1", session_key=key) for key in keys)
    Device.objects.bulk_create(Device(user=user, token_hash=key, label="Firefox") for key in keys)
    Authenticator.objects.bulk_create(
        Authenticator(user=user, type="webauthn", data={"name": key}) for key in keys[:50]
    )


def test_the_pages_cost_the_same_for_one_row_and_for_many(
    saver_client: Client, saver: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for rows in (1, 1_000):
        fill_security(saver, rows)
        with django_assert_num_queries(4):
            saver_client.get("/accounts/")
        with django_assert_num_queries(1):
            saver_client.get("/profile/")
        with django_assert_num_queries(1):
            saver_client.get("/profile/unsent/")


@pytest.mark.parametrize(
    ("path", "queries"),
    [
        ("/accounts/login/", 0),
        ("/accounts/signup/", 0),
        ("/accounts/password/reset/", 0),
        ("/accounts/inactive/", 0),
    ],
)
def test_the_sign_in_page_makes_no_query(
    client: Client, path: str, queries: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(queries):
        client.get(path)


@pytest.mark.parametrize(
    ("path", "queries"),
    [
        ("/accounts/email/", 5),
        ("/accounts/password/change/", 1),
        ("/accounts/logout/", 1),
        ("/accounts/reauthenticate/", 7),
    ],
)
def test_allauths_pages_cost_what_they_cost(
    saver_client: Client, path: str, queries: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(queries):
        saver_client.get(path)
