"""A stale tab saves only the fields changed in it, and undoes nothing that was saved elsewhere since."""

from __future__ import annotations

import datetime
import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from savings import circles, plans, users
from savings.models import Circle, Membership, Plan, Product, User
from tests.factories import make_plan, make_product, make_user, start_circle
from tests.web.staff import sign_in

pytestmark = pytest.mark.django_db


def fields_of(page: str) -> dict[str, Any]:
    """Return the data a browser would send for the page's main form as shown."""
    form = next(part for part in re.findall(r"<form.*?</form>", page, re.DOTALL) if "initial-" in part)
    sent: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        attrs = {name: unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', tag)}
        is_choice = attrs.get("type") in {"checkbox", "radio"}
        if "name" in attrs and (not is_choice or re.search(r"\schecked\b", tag)):
            sent[attrs["name"]] = attrs.get("value", "on" if is_choice else "")
    for name, text in re.findall(r'<textarea name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.DOTALL):
        sent[name] = unescape(text).removeprefix("\n")
    for name, attributes, options in re.findall(
        r'<select name="([^"]+)"([^>]*)>(.*?)</select>', form, re.DOTALL
    ):
        if "multiple" in attributes:
            # Without a selection, which sends nothing.
            continue
        chosen = re.search(r'value="([^"]*)" selected', options)
        sent[name] = unescape(chosen[1]) if chosen else ""
    return sent


def opened(client: Client, path: str) -> dict[str, Any]:
    return fields_of(client.get(path).text)


def test_a_name_saved_in_an_old_tab_leaves_unsubscribed_mails_off(saver_client: Client, saver: User) -> None:
    tab = opened(saver_client, "/profile/")
    users.unsubscribe(saver, "rank_changed")
    saver_client.post("/profile/", tab | {"name": "Adaeze"})
    saver.refresh_from_db()
    assert (saver.name, saver.wants_rank_changes, saver.wants_weekly_digest) == ("Adaeze", False, True)


def test_each_tab_saves_what_was_changed_in_it(saver_client: Client, saver: User) -> None:
    one, other = opened(saver_client, "/profile/"), opened(saver_client, "/profile/")
    other.pop("wants_receipts")
    saver_client.post("/profile/", other | {"theme": "dark"})
    saver_client.post("/profile/", one | {"name": "Adaeze"})
    saver.refresh_from_db()
    assert (saver.name, saver.theme, saver.wants_receipts) == ("Adaeze", "dark", False)


def test_a_switch_turned_on_in_an_old_tab_is_on(saver_client: Client, saver: User) -> None:
    User.objects.filter(pk=saver.pk).update(wants_receipts=False, wants_weekly_digest=False)
    tab = opened(saver_client, "/profile/")
    saver_client.post("/profile/", tab | {"wants_receipts": "on"})
    saver.refresh_from_db()
    assert (saver.wants_receipts, saver.wants_weekly_digest) == (True, False)


def test_an_old_tab_sent_as_it_was_changes_nothing(saver_client: Client, saver: User) -> None:
    tab = opened(saver_client, "/profile/")
    users.change_profile(saver, name="Adaeze", theme="light", wants_receipts=False)
    before = User.objects.values().get(pk=saver.pk)
    assert saver_client.post("/profile/", tab).status_code == 302
    assert User.objects.values().get(pk=saver.pk) == before


def test_a_conflicting_change_is_shown_and_can_be_confirmed(saver_client: Client, saver: User) -> None:
    tab = opened(saver_client, "/profile/")
    users.change_profile(saver, name="Adaeze")
    response = saver_client.post("/profile/", tab | {"name": "Ada Obi"})
    assert response.status_code == 422
    assert "changed to “Adaeze”" in response.context["form"].errors["name"][0]
    assert 'value="Ada Obi"' in response.text
    saver.refresh_from_db()
    assert saver.name == "Adaeze"
    assert saver_client.post("/profile/", fields_of(response.text)).status_code == 302
    saver.refresh_from_db()
    assert saver.name == "Ada Obi"


def test_the_same_change_twice_is_no_conflict(saver_client: Client, saver: User) -> None:
    tab = opened(saver_client, "/profile/")
    for _ in range(2):
        assert saver_client.post("/profile/", tab | {"name": "Adaeze"}).status_code == 302


def test_a_mistake_does_not_make_the_old_tab_forget_what_it_showed(saver_client: Client, saver: User) -> None:
    tab = opened(saver_client, "/profile/")
    users.unsubscribe(saver, "weekly_digest")
    refused = saver_client.post("/profile/", tab | {"name": ""})
    assert refused.status_code == 422
    saver_client.post("/profile/", fields_of(refused.text) | {"name": "Adaeze"})
    saver.refresh_from_db()
    assert (saver.name, saver.wants_weekly_digest) == ("Adaeze", False)


def test_a_form_that_waited_for_a_sign_in_detects_conflicts_too(client: Client, saver: User) -> None:
    client.post("/accounts/login/", {"login": saver.email, "password": "three quiet words"})
    client.force_login(saver)
    tab = opened(client, "/profile/")
    del client.cookies["sessionid"]
    client.post("/profile/", tab | {"name": "Adaeze"})
    users.unsubscribe(saver, "weekly_digest")
    client.force_login(saver)
    page = client.get("/profile/unsent/")
    if page.status_code == 200:
        assert "Initial" not in page.text
        client.post("/profile/", dict(page.context["pairs"]))
    saver.refresh_from_db()
    assert not saver.wants_weekly_digest


def test_how_a_member_appears_is_saved_field_by_field(saver_client: Client, saver: User) -> None:
    circle = start_circle(saver, nickname="Ada")
    path = f"/circles/{circle.slug}/appearance/"
    tab = opened(saver_client, path)
    circles.change_appearance(saver.memberships.get(), hides_amount=True, on_board=False)
    saver_client.post(path, tab | {"nickname": "Adaeze"})
    mine = Membership.objects.get(user=saver)
    assert (mine.nickname, mine.hides_amount, mine.on_board) == ("Adaeze", True, False)


def test_a_plan_is_renamed_without_moving_its_end_back(saver_client: Client, saver: User) -> None:
    plan = make_plan(saver, make_product(Product.Kind.LOCKED), days=100)
    path = f"/plans/{plan.pk}/edit/"
    tab = opened(saver_client, path)
    assert plan.matures_on is not None
    later = plan.matures_on + datetime.timedelta(days=50)
    plans.extend(plan, later)
    assert saver_client.post(path, tab | {"name": "Rent"}).status_code == 302
    plan = Plan.objects.get(pk=plan.pk)
    assert (plan.name, plan.matures_on) == ("Rent", later)


def test_a_day_that_was_moved_elsewhere_is_asked_about(saver_client: Client, saver: User) -> None:
    plan = make_plan(saver, make_product(Product.Kind.LOCKED), days=100)
    path = f"/plans/{plan.pk}/edit/"
    tab = opened(saver_client, path)
    assert plan.matures_on is not None
    day = plan.matures_on + datetime.timedelta(days=80)
    plans.extend(plan, plan.matures_on + datetime.timedelta(days=50))
    response = saver_client.post(path, tab | {"matures_on": day.isoformat()})
    assert response.status_code == 422
    assert "after you opened this page" in response.context["form"].errors["matures_on"][0]


def test_a_circle_keeps_what_its_old_tab_did_not_change(saver_client: Client, saver: User) -> None:
    circle = start_circle(saver, joining=Circle.Joining.INVITATION)
    path = f"/circles/{circle.slug}/edit/"
    tab = opened(saver_client, path)
    circles.edit_circle(circle, joining=Circle.Joining.CLOSED, goal_kobo=5_000_00, description="New")
    assert saver_client.post(path, tab | {"name": "Roof"}).status_code == 302
    circle.refresh_from_db()
    assert (circle.name, circle.joining, circle.goal_kobo, circle.description) == (
        "Roof",
        "closed",
        5_000_00,
        "New",
    )


def test_an_amount_written_otherwise_is_no_change(saver_client: Client, saver: User) -> None:
    circle = start_circle(saver, goal_kobo=25_000_00)
    path = f"/circles/{circle.slug}/edit/"
    tab = opened(saver_client, path)
    circles.edit_circle(circle, goal_kobo=30_000_00)
    saver_client.post(path, tab | {"goal": "₦25000.00", "name": "Roof"})
    circle.refresh_from_db()
    assert (circle.name, circle.goal_kobo) == ("Roof", 30_000_00)


@pytest.fixture
def superuser(client: Client) -> Client:
    return sign_in(make_user(is_staff=True, is_superuser=True), client)


def test_staff_save_what_they_changed_of_a_person(superuser: Client) -> None:
    saver, group = make_user(name="Ada"), Group.objects.create(name="Desk")
    path = reverse("admin:savings_user_change", args=[saver.pk])
    tab = opened(superuser, path)
    version = User.objects.get(pk=saver.pk).version
    users.change_profile(saver, name="Adaeze", theme="dark", wants_receipts=False)
    saver.groups.add(group)
    tab.pop("is_active")
    assert superuser.post(path, tab).status_code == 302
    saver = User.objects.get(pk=saver.pk)
    assert (saver.name, saver.theme, saver.wants_receipts, saver.is_active) == (
        "Adaeze",
        "dark",
        False,
        False,
    )
    assert saver.version > version + 1


def test_staff_are_told_of_what_the_person_has_changed_too(superuser: Client) -> None:
    saver = make_user(name="Ada")
    path = reverse("admin:savings_user_change", args=[saver.pk])
    tab = opened(superuser, path)
    users.change_profile(saver, name="Adaeze")
    response = superuser.post(path, tab | {"name": "Ada Obi"})
    assert "after you opened this page" in response.text
    assert User.objects.get(pk=saver.pk).name == "Adaeze"


def test_the_admin_does_not_send_the_hash_of_a_password(superuser: Client) -> None:
    saver = make_user()
    page = superuser.get(reverse("admin:savings_user_change", args=[saver.pk])).text
    assert saver.password not in unescape(page)
    assert "initial-password" not in page
