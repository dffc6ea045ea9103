"""The page on which a plan is changed: each field, a later end that is confirmed, and interest on and off."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from savings import circles, plans
from savings.models import Account, Circle, Plan, Product, User
from savings.models.plans import InterestPaid
from tests.factories import join_circle, make_plan, make_product, start_circle
from tests.web.views.test_stale_tabs import fields_of, opened

pytestmark = pytest.mark.django_db


def locked(saver: User, **fields: Any) -> Plan:
    return make_plan(saver, make_product(Product.Kind.LOCKED), days=100, **fields)


def in_days(days: int) -> datetime.date:
    return timezone.localdate() + datetime.timedelta(days=days)


def path_of(plan: Plan) -> str:
    return f"/plans/{plan.pk}/edit/"


def stored(plan: Plan) -> Plan:
    return Plan.objects.select_related("account").get(pk=plan.pk)


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


# Saving


def test_every_field_is_saved(saver_client: Client, saver: User) -> None:
    plan = locked(saver)
    typed = {"name": "House", "target": "50,000", "at_maturity": "compound", "interest_to": "stash"}
    tab = {
        name: value for name, value in opened(saver_client, path_of(plan)).items() if name != "earns_interest"
    }
    assert saver_client.post(path_of(plan), tab | typed)["Location"] == f"/plans/{plan.pk}/"
    now = stored(plan)
    assert (now.name, now.target_kobo, now.at_maturity, now.interest_to, now.earns_interest) == (
        "House",
        50_000_00,
        "compound",
        "stash",
        False,
    )
    assert now.account.rate_bps == 0


def test_a_form_sent_unchanged_or_twice_changes_nothing_more(saver_client: Client, saver: User) -> None:
    plan = locked(saver)
    tab = opened(saver_client, path_of(plan))
    saver_client.post(path_of(plan), tab)
    before = Plan.objects.filter(pk=plan.pk).values().get()
    assert before["name"] == plan.name
    del tab["earns_interest"]
    for _ in range(2):
        saver_client.post(path_of(plan), tab)
    assert stored(plan).account.rate_periods.count() == 2


def test_a_goal_is_removed(saver_client: Client, saver: User) -> None:
    plan = make_plan(saver, target_kobo=50_000_00)
    saver_client.post(path_of(plan), opened(saver_client, path_of(plan)) | {"target": ""})
    assert stored(plan).target_kobo is None


def test_a_page_of_the_release_before_leaves_the_newer_settings(saver_client: Client, saver: User) -> None:
    plan = locked(saver, target_kobo=50_000_00, at_maturity="rollover", interest_to="stash")
    saver_client.post(path_of(plan), {"name": "House", "initial-name": plan.name})
    now = stored(plan)
    assert (now.name, now.target_kobo, now.at_maturity, now.interest_to, now.earns_interest) == (
        "House",
        50_000_00,
        "rollover",
        "stash",
        True,
    )


# Bad input


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "", "Give the plan a name."),
        ("name", "x" * 61, "at most 60"),
        ("name", "\u200b\u202e", "Give the plan a name."),
        ("target", "1e9", "in figures"),
        ("target", "12.345", "at most two digits"),
        ("target", "-5", "above zero"),
        ("target", "0", "above zero"),
        ("target", "1", "Enter a goal between"),
        ("target", "9" * 30, "That amount is too large. Enter up to"),
        ("matures_on", "", "Choose a day."),
        ("matures_on", "tomorrow", "Enter a day"),
        ("matures_on", "9999-12-31", "The latest day"),
        ("matures_on", "2020-01-01", "but not bring it forward"),
        ("at_maturity", "", "required"),
        ("at_maturity", "nowhere", "Select a valid choice"),
        ("interest_to", "", "required"),
        ("interest_to", "bank", "Select a valid choice"),
        ("interest_to", "\u202e", "Select a valid choice"),
    ],
)
def test_bad_input_is_named_beside_its_field_and_nothing_is_saved(
    saver_client: Client, saver: User, field: str, value: str, sentence: str
) -> None:
    plan = locked(saver)
    before = Plan.objects.filter(pk=plan.pk).values().get()
    typed = opened(saver_client, path_of(plan)) | {"name": "House", "target": "60,000"} | {field: value}
    response = saver_client.post(path_of(plan), typed, headers={"HX-Request": "true"})
    assert response.status_code == 422
    form = response.context["form"]
    assert list(form.errors) == [field]
    assert sentence in " ".join(form.errors[field])
    assert 'value="House"' in response.text or field == "name"
    assert 'value="60,000"' in response.text or field == "target"
    assert "<html" not in response.text
    assert Plan.objects.filter(pk=plan.pk).values().get() == before


def test_a_target_plan_keeps_its_goal(saver_client: Client, saver: User) -> None:
    plan = make_plan(saver, make_product(Product.Kind.TARGET))
    response = saver_client.post(path_of(plan), opened(saver_client, path_of(plan)) | {"target": ""})
    assert response.status_code == 422
    assert response.context["form"].errors["target"] == ["Enter an amount."]


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "House"},
        {"name": "House", "matures_on": "later"},
        {"target": "60,000"},
        {"at_maturity": "compound"},
        {"interest_to": "stash"},
        {"earns_interest": None},
    ],
    ids=str,
)
def test_another_users_plan_is_not_there(
    saver_client: Client, saver: User, changes: dict[str, str | None]
) -> None:
    other = make_plan(product=make_product(Product.Kind.LOCKED))
    typed = opened(saver_client, path_of(locked(saver))) | changes
    before = Plan.objects.filter(pk=other.pk).values().get()
    sent = {name: value for name, value in typed.items() if value is not None}
    assert saver_client.post(path_of(other), sent).status_code == 404
    assert Plan.objects.filter(pk=other.pk).values().get() == before
    assert stored(other).account.rate_bps == other.rate_bps


# Fields that do not apply


def shown(client: Client, plan: Plan) -> set[str]:
    return set(client.get(path_of(plan)).context["form"].fields)


def test_a_field_that_does_not_apply_is_not_shown(saver_client: Client, saver: User) -> None:
    all_of_them = {"name", "target", "matures_on", "at_maturity", "interest_to", "earns_interest"}
    at_maturity = make_product(Product.Kind.LOCKED, interest_paid=InterestPaid.AT_MATURITY)
    circle = start_circle(saver, make_product(Product.Kind.LOCKED))
    in_circle = circle.memberships.get().plan
    assert shown(saver_client, locked(saver)) == all_of_them
    assert shown(saver_client, make_plan(saver)) == all_of_them - {"matures_on", "at_maturity"}
    assert shown(saver_client, make_plan(saver, at_maturity)) == all_of_them - {"interest_to"}
    assert shown(saver_client, in_circle) == all_of_them - {"at_maturity", "interest_to"}
    closed = make_plan(saver)
    plans.close(closed)
    assert shown(saver_client, closed) == {"name"}


def test_a_matured_plan_and_a_finished_circle_leave_less_to_choose(client: Client, saver: User) -> None:
    plan = locked(saver)
    in_circle = start_circle(saver, days=40).memberships.get().plan
    with time_machine.travel(timezone.now() + datetime.timedelta(days=100)):
        client.force_login(saver)
        assert shown(client, plan) == {"name", "target", "interest_to", "earns_interest"}
        assert shown(client, in_circle) == {"name", "earns_interest"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"at_maturity": "rollover", "initial-at_maturity": "stash"}, "at_maturity"),
        ({"interest_to": "plan", "initial-interest_to": "stash"}, "interest_to"),
    ],
)
def test_what_an_older_page_sends_is_refused_and_not_ignored(
    saver_client: Client, saver: User, changes: dict[str, str], field: str
) -> None:
    plan = start_circle(saver, make_product(Product.Kind.LOCKED)).memberships.get().plan
    response = saver_client.post(path_of(plan), opened(saver_client, path_of(plan)) | changes)
    assert response.status_code == 422
    assert "belongs to your circle" in " ".join(response.context["form"].errors[field])


# A later end


def test_a_later_end_is_asked_about_before_it_moves(saver_client: Client, saver: User) -> None:
    plan = locked(saver)
    assert plan.matures_on
    later = in_days(200)
    typed = {"name": "House", "target": "60,000", "matures_on": later.isoformat()}
    asked = saver_client.post(path_of(plan), opened(saver_client, path_of(plan)) | typed)
    assert asked.status_code == 200
    said = text_of(asked.text)
    assert (
        f"from {plan.matures_on:%-d %b %Y} to {later:%-d %b %Y}. You can’t bring it forward again."
        in said.replace("back. ", "back. ")
    )
    assert f"You can’t take money out before the end ({later:%-d %b %Y})." in said
    assert (stored(plan).name, stored(plan).matures_on) == (plan.name, plan.matures_on)
    confirmed = saver_client.post(path_of(plan), fields_of(asked.text))
    assert confirmed["Location"] == f"/plans/{plan.pk}/"
    now = stored(plan)
    assert (now.name, now.target_kobo, now.matures_on) == ("House", 60_000_00, later)
    assert now.account.accrues_until == later.toordinal()


def test_the_penalty_of_the_longer_term_is_said(saver_client: Client, saver: User) -> None:
    plan = make_plan(saver, make_product(Product.Kind.TARGET), days=100)
    typed = opened(saver_client, path_of(plan)) | {"matures_on": in_days(200).isoformat()}
    response = saver_client.post(path_of(plan), typed, headers={"HX-Request": "true"})
    assert "1% of what you take out" in text_of(response.text)
    assert "<html" not in response.text


@pytest.mark.parametrize("forged", ["", "yes", "on", "2026-01-01 2027-01-01", "\x00", "\ud83d\ude00"])
def test_a_forged_confirmation_asks_again(saver_client: Client, saver: User, forged: str) -> None:
    plan = locked(saver)
    typed = opened(saver_client, path_of(plan)) | {"matures_on": in_days(200).isoformat()}
    response = saver_client.post(path_of(plan), typed | {"confirmation": forged.encode(errors="replace")})
    assert response.status_code == 200
    assert "Move the end?" in response.text
    assert stored(plan).matures_on == plan.matures_on


def test_the_confirmation_of_another_day_asks_again(saver_client: Client, saver: User) -> None:
    plan = locked(saver)
    typed = opened(saver_client, path_of(plan)) | {"matures_on": in_days(200).isoformat()}
    asked = fields_of(saver_client.post(path_of(plan), typed).text)
    again = saver_client.post(path_of(plan), asked | {"matures_on": in_days(300).isoformat()})
    assert stored(plan).matures_on == plan.matures_on
    saver_client.post(path_of(plan), fields_of(again.text))
    assert stored(plan).matures_on == in_days(300)


def test_a_confirmation_is_stale_once_the_end_has_moved_elsewhere(saver_client: Client, saver: User) -> None:
    plan = locked(saver)
    typed = opened(saver_client, path_of(plan)) | {"matures_on": in_days(200).isoformat()}
    asked = fields_of(saver_client.post(path_of(plan), typed).text)
    plans.extend(stored(plan), in_days(150))
    contested = saver_client.post(path_of(plan), asked)
    assert contested.status_code == 422
    assert "after you opened this page" in contested.text
    again = saver_client.post(path_of(plan), fields_of(contested.text))
    assert f"from {in_days(150):%-d %b %Y} to" in text_of(again.text)
    assert stored(plan).matures_on == in_days(150)


def test_a_confirmation_sent_twice_moves_the_end_once(saver_client: Client, saver: User) -> None:
    plan = locked(saver)
    typed = opened(saver_client, path_of(plan)) | {"matures_on": in_days(200).isoformat()}
    asked = fields_of(saver_client.post(path_of(plan), typed).text)
    assert [saver_client.post(path_of(plan), asked).status_code for _ in range(2)] == [302, 302]
    assert stored(plan).matures_on == in_days(200)


def test_a_refusal_after_the_confirmation_keeps_what_was_typed(saver_client: Client, saver: User) -> None:
    make_plan(saver, name="Taken")
    plan = locked(saver)
    typed = {"name": "Taken", "matures_on": in_days(200).isoformat()}
    asked = fields_of(saver_client.post(path_of(plan), opened(saver_client, path_of(plan)) | typed).text)
    refused = saver_client.post(path_of(plan), asked)
    assert refused.status_code == 422
    assert "You already have a plan called Taken." in refused.text
    assert stored(plan).matures_on == plan.matures_on
    saver_client.post(path_of(plan), fields_of(refused.text) | {"name": "Free"})
    assert (stored(plan).name, stored(plan).matures_on) == ("Free", in_days(200))


def test_an_earlier_maturity_is_refused_and_the_name_is_not_half_saved(
    saver_client: Client, saver: User
) -> None:
    plan = locked(saver, name="Car")
    typed = {"name": "House", "matures_on": in_days(50).isoformat()}
    response = saver_client.post(path_of(plan), opened(saver_client, path_of(plan)) | typed)
    assert response.status_code == 422
    assert "but not bring it forward" in response.text
    assert response.text.count('class="note bad" role="alert"') == 1
    assert "Move the end?" not in response.text
    assert stored(plan).name == "Car"


# What the pages say


def test_pages_say_from_when_interest_is_off(saver_client: Client, client: Client, saver: User) -> None:
    plan = make_plan(saver, holding_kobo=100_00)
    tomorrow = in_days(1)
    plans.switch_interest(plan, on=False)
    for page in (f"/plans/{plan.pk}/", f"/plans/{plan.pk}/top-up/"):
        assert f"Interest is off from {tomorrow:%-d %b %Y} for this plan." in text_of(
            saver_client.get(page).text
        )
    for page in ("/plans/", "/dashboard/"):
        assert f"{plan.product_name} · no interest" in saver_client.get(page).text
    with time_machine.travel(timezone.now() + datetime.timedelta(days=3)):
        client.force_login(saver)
        page = client.get(f"/plans/{plan.pk}/").text
        assert f"Interest has been off for this plan since {tomorrow:%-d %b %Y}." in text_of(page)
    plans.switch_interest(plan, on=True)
    assert "Interest has been off" not in saver_client.get(f"/plans/{plan.pk}/").text


def test_pages_say_that_interest_is_off_for_everything(saver_client: Client, saver: User) -> None:
    product = make_product()
    plan = make_plan(saver, product)
    circle = start_circle(joining=Circle.Joining.OPEN)
    plans.switch_all_interest(saver, on=False)
    assert "for all your plans." in text_of(saver_client.get(f"/plans/{plan.pk}/").text)
    for page in ("/plans/start/", "/circles/start/", f"/circles/{circle.slug}/join/"):
        assert "This one earns nothing until you turn interest on" in text_of(saver_client.get(page).text)
    ahead = saver_client.post("/plans/start/preview/", {"product": product.pk, "first": "100,000"})
    assert ahead.context["preview"]["ahead"].gross_kobo == 0
    assert "Once it is on there, this counts." in saver_client.get(path_of(plan)).text


def test_where_interest_goes_is_among_the_terms(saver_client: Client, saver: User) -> None:
    plan = make_plan(saver)
    assert "Interest goes Into the plan" in text_of(saver_client.get(f"/plans/{plan.pk}/").text)
    member = join_circle(start_circle(), saver)
    assert "Interest goes To my stash" in text_of(saver_client.get(f"/plans/{member.plan.pk}/").text)
    circles.leave(member)
    at_maturity = make_plan(saver, make_product(Product.Kind.LOCKED, interest_paid=InterestPaid.AT_MATURITY))
    assert "Interest goes" not in text_of(saver_client.get(f"/plans/{at_maturity.pk}/").text)


# Opening


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        (Product.Kind.LOCKED, {"at_maturity": "compound", "interest_to": "stash"}, ("compound", "stash")),
        (Product.Kind.LOCKED, {"at_maturity": "rollover"}, ("rollover", "plan")),
        (Product.Kind.LOCKED, {"at_maturity": "", "interest_to": ""}, ("stash", "plan")),
        (Product.Kind.FLEXIBLE, {"at_maturity": "compound", "interest_to": "stash"}, ("stash", "stash")),
    ],
)
def test_a_plan_starts_with_the_choices_that_apply(
    saver_client: Client, saver: User, kind: str, fields: dict[str, str], expected: tuple[str, str]
) -> None:
    form = saver_client.get("/plans/start/").context["form"]
    data = {"reference": form["reference"].value(), "product": make_product(kind).pk, "name": "New"}
    saver_client.post("/plans/start/", data | {"matures_on": in_days(100).isoformat()} | fields)
    plan = saver.plans.get()
    assert (plan.at_maturity, plan.interest_to) == expected


@pytest.mark.parametrize("field", ["at_maturity", "interest_to"])
def test_a_choice_that_does_not_exist_starts_nothing(saver_client: Client, saver: User, field: str) -> None:
    form = saver_client.get("/plans/start/").context["form"]
    data = {"reference": form["reference"].value(), "product": make_product().pk, "name": "New"}
    response = saver_client.post("/plans/start/", data | {field: "nowhere"})
    assert response.status_code == 422
    assert "Select a valid choice" in " ".join(response.context["form"].errors[field])
    assert 'value="New"' in response.text
    assert not saver.plans.exists()


# Interest of everything, on the profile


def test_interest_for_everything_is_switched_on_the_profile(saver_client: Client, saver: User) -> None:
    plan = make_plan(saver)
    tab = opened(saver_client, "/profile/")
    del tab["earns_interest"]
    for _ in range(2):
        assert saver_client.post("/profile/", tab).status_code == 302
    saver.refresh_from_db()
    assert (saver.earns_interest, stored(plan).account.rate_bps) == (False, 0)
    tab = opened(saver_client, "/profile/")
    saver_client.post("/profile/", tab | {"earns_interest": "on"})
    saver.refresh_from_db()
    assert (saver.earns_interest, stored(plan).account.rate_bps) == (True, plan.rate_bps)


def test_a_bad_name_on_the_profile_leaves_interest_as_it_is(saver_client: Client, saver: User) -> None:
    plan = make_plan(saver)
    tab = opened(saver_client, "/profile/") | {"name": ""}
    del tab["earns_interest"]
    response = saver_client.post("/profile/", tab)
    assert response.status_code == 422
    assert response.context["form"]["earns_interest"].value() is False
    assert (User.objects.get(pk=saver.pk).earns_interest, stored(plan).account.rate_bps) == (
        True,
        plan.rate_bps,
    )


def test_a_profile_page_of_the_release_before_leaves_interest_on(saver_client: Client, saver: User) -> None:
    saver_client.post("/profile/", {"name": "Ada", "initial-name": saver.name})
    saver.refresh_from_db()
    assert (saver.name, saver.earns_interest) == ("Ada", True)


def test_the_page_costs_the_same_whatever_is_off(
    saver_client: Client, saver: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    plan = locked(saver)
    saver_client.get(path_of(plan))
    with django_assert_num_queries(2):
        saver_client.get(path_of(plan))
    for _ in range(20):
        make_plan(saver)
    plans.switch_all_interest(saver, on=False)
    with django_assert_num_queries(2):
        saver_client.get(path_of(plan))
    assert Account.objects.filter(rate_bps=0, kind="plan").count() == 21
