"""The pages of plans: list, detail, start, edit, close, withdraw."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from savings import ledger, plans
from savings.models import Account, Plan, Product, Transaction, User
from savings.models.plans import InterestPaid
from tests.autosave import make_rule
from tests.factories import fill, make_plan, make_product, pay_in
from tests.web.form_filling import filled_in
from web import date_formats

pytestmark = pytest.mark.django_db


def start_data(saver_client: Client, of: Product, **changes: Any) -> dict[str, Any]:
    day = timezone.localdate() + datetime.timedelta(days=200)
    values = {"product": of.pk, "name": "Rent 2027", "target": "600,000", "matures_on": day.isoformat()}
    return filled_in(saver_client, "/plans/start/", **values | changes)


def test_starting_a_plan_leads_to_its_first_payment(saver_client: Client, saver: User) -> None:
    data = start_data(saver_client, make_product(Product.Kind.TARGET), first="50,000")
    response = saver_client.post("/plans/start/", data)
    plan = saver.plans.get()
    assert (plan.name, plan.target_kobo) == ("Rent 2027", 600_000_00)
    assert response["Location"] == f"/plans/{plan.pk}/top-up/"


def test_the_same_form_sent_twice_starts_one_plan(saver_client: Client, saver: User) -> None:
    data = start_data(saver_client, make_product(Product.Kind.TARGET))
    assert (
        saver_client.post("/plans/start/", data)["Location"]
        == saver_client.post("/plans/start/", data)["Location"]
    )
    assert saver.plans.count() == 1


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"name": ""}, "name", "Give the plan a name."),
        ({"name": "x" * 61}, "name", "at most 60"),
        ({"target": ""}, "target", "Enter your goal."),
        ({"target": "1e9"}, "target", "in figures"),
        ({"target": "12.345"}, "target", "at most two digits"),
        ({"target": "9" * 30}, "target", "That amount is too large. Enter up to"),
        ({"target": "1"}, "target", "Enter a goal between"),
        ({"matures_on": ""}, "matures_on", "Choose the day it ends."),
        ({"matures_on": "2020-01-01"}, "matures_on", "Choose a day from"),
        ({"matures_on": "tomorrow"}, "matures_on", "Enter a day"),
        ({"product": ""}, "product", "Choose a plan type."),
        ({"product": "999999"}, "product", "Choose one of these plan types."),
    ],
)
def test_bad_input_is_named_beside_its_field_and_stays_as_typed(
    saver_client: Client, saver: User, changes: dict[str, str], field: str, sentence: str
) -> None:
    data = start_data(saver_client, make_product(Product.Kind.TARGET), **changes)
    response = saver_client.post("/plans/start/", data)
    assert response.status_code == 422
    assert sentence in " ".join(response.context["form"].errors[field])
    assert response.context["form"]["monthly"].value() == data.get("monthly")
    assert f'value="{data["name"]}"' in response.content.decode() or not data["name"]
    assert not saver.plans.exists()


def test_a_name_in_use_is_refused(saver_client: Client, saver: User) -> None:
    make_plan(saver, name="Rent 2027")
    response = saver_client.post("/plans/start/", start_data(saver_client, make_product(Product.Kind.TARGET)))
    assert response.status_code == 422
    assert "You already have a plan called Rent 2027." in response.content.decode()


def test_the_preview_shows_what_it_earns_and_starts_nothing(saver_client: Client, saver: User) -> None:
    product = make_product(Product.Kind.LOCKED, rate_bps=850, interest_paid=InterestPaid.AT_MATURITY)
    day = timezone.localdate() + datetime.timedelta(days=90)
    query: dict[str, str | int] = {"product": product.pk, "matures_on": day.isoformat(), "first": "100,000"}
    for headers in ({}, {"HX-Request": "true"}):
        page = saver_client.post("/plans/start/preview/", query, headers=headers).content.decode()
        for amount in ("₦2,095.89", "₦209.58", "₦101,886.31"):
            assert amount in page
        assert f"First interest</dt><dd>{date_formats.day(day)}" in page
        assert ("<html" in page) is not bool(headers)
    assert not saver.plans.exists()


def test_a_date_that_a_plan_without_an_end_does_not_use_is_named(saver_client: Client, saver: User) -> None:
    product = make_product(Product.Kind.FLEXIBLE)
    sentence = f"A {product.name} plan has no end, so the date isn’t used."
    data = start_data(saver_client, product)
    assert sentence in saver_client.post("/plans/start/preview/", data).text
    assert sentence in saver_client.post("/plans/start/", data, follow=True).text
    assert saver.plans.get().matures_on is None


def test_an_emergency_fills_in_the_plan_type_too(saver_client: Client) -> None:
    make_product(Product.Kind.FLEXIBLE)
    product = make_product(Product.Kind.EMERGENCY)
    page = saver_client.get("/plans/start/?for=emergency")
    asked = {"name": "Emergency", "target": 300_000_00, "matures_on": None, "product": product.pk}
    assert page.context["form"].initial == asked
    without_an_end = saver_client.get("/plans/start/?for=rent").context["form"].initial
    assert (without_an_end["product"], without_an_end["matures_on"]) == ("", None)


def test_a_purpose_suggests_a_goal_and_a_date_and_shows_what_they_come_to(saver_client: Client) -> None:
    make_product(Product.Kind.TARGET, max_term_days=300)
    page = saver_client.get("/plans/start/?for=rent")
    ends_on = timezone.localdate() + datetime.timedelta(days=300)
    assert f'value="{ends_on.isoformat()}"' in page.text
    assert 'value="1,200,000"' in page.text
    assert "A suggestion. Change it to what you need." in page.text
    assert page.context["preview"]["ahead"].ends_on == ends_on
    assert saver_client.get("/plans/start/").context["preview"] is None


@time_machine.travel("2026-11-24T12:00:00Z", tick=False)
def test_each_product_says_what_an_amount_earns(saver_client: Client) -> None:
    make_product(rate_bps=850)
    make_product(Product.Kind.LOCKED, rate_bps=1000, max_term_days=91, interest_paid=InterestPaid.AT_MATURITY)
    page = saver_client.get("/plans/start/").content.decode()
    assert (
        "₦100,000 for a year: ₦8,805.27 interest, less ₦880.52 tax: ₦7,924.75. First paid on 1 Dec 2026."
        in page
    )
    assert "₦100,000 for 91 days: ₦2,493.15 interest, less ₦249.31 tax: ₦2,243.84." in page
    assert "First paid on 23 Feb 2027." in page


def test_the_preview_suggests_a_monthly_sum(saver_client: Client) -> None:
    product = make_product(Product.Kind.TARGET)
    day = timezone.localdate() + datetime.timedelta(days=364)
    query: dict[str, str | int] = {"product": product.pk, "matures_on": day.isoformat(), "target": "550,000"}
    page = saver_client.post("/plans/start/preview/", query).content.decode()
    assert "a month reaches the goal by then" in page


@pytest.mark.parametrize("ends_on", ["9999-12-31", "3026-01-01", "0001-01-01"])
def test_there_is_no_preview_beyond_what_a_plan_may_run(saver_client: Client, ends_on: str) -> None:
    """The preview calculates each month until then, and dates have an upper limit."""
    product = make_product(Product.Kind.TARGET)
    values: dict[str, Any] = {"product": product.pk, "target": "1000", "matures_on": ends_on, "name": "Far"}
    page = saver_client.post("/plans/start/preview/", values)
    assert (page.status_code, page.context["preview"]) == (200, None)
    assert saver_client.post("/plans/start/", values).status_code == 422


def test_withdrawing_from_a_plan_leads_to_its_receipt(saver_client: Client, saver: User) -> None:
    plan = make_plan(saver, holding_kobo=100_00)
    data = filled_in(saver_client, f"/plans/{plan.pk}/withdraw/", amount="40")
    response = saver_client.post(f"/plans/{plan.pk}/withdraw/", data)
    movement = saver.transactions.get(kind=Transaction.Kind.PLAN_TO_STASH)
    assert response["Location"] == f"/transactions/{movement.reference}/"
    again = saver_client.post(f"/plans/{plan.pk}/withdraw/", data)
    assert again["Location"] == response["Location"]
    assert ledger.balance_kobo(plan.account) == 60_00


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        ("", "Enter an amount."),
        ("0", "above zero"),
        ("-5", "above zero"),
        ("1e9", "in figures"),
        ("12.345", "at most two digits"),
        ("9" * 30, "That amount is too large. Enter up to"),
        ("100.01", "You have ₦100 in this plan"),
    ],
)
def test_amounts_that_cannot_be_withdrawn(
    saver_client: Client, saver: User, amount: str, sentence: str
) -> None:
    plan = make_plan(saver, holding_kobo=100_00)
    data = filled_in(saver_client, f"/plans/{plan.pk}/withdraw/", amount=amount)
    response = saver_client.post(f"/plans/{plan.pk}/withdraw/", data, headers={"HX-Request": "true"})
    page = response.content.decode()
    assert response.status_code == 422
    assert sentence in page
    assert "<html" not in page
    assert ledger.balance_kobo(plan.account) == 100_00


@pytest.mark.parametrize("amount", ["₦1,000", " 1 000 ", "１０００", "1000.00"])
def test_amounts_as_people_write_them_are_understood(saver_client: Client, saver: User, amount: str) -> None:
    plan = make_plan(saver, holding_kobo=5_000_00)
    data = filled_in(saver_client, f"/plans/{plan.pk}/withdraw/", amount=amount)
    saver_client.post(f"/plans/{plan.pk}/withdraw/", data)
    assert ledger.balance_kobo(plan.account) == 4_000_00


def test_a_locked_plan_says_until_when(saver_client: Client, saver: User) -> None:
    plan = make_plan(saver, make_product(Product.Kind.LOCKED), holding_kobo=100_00)
    assert "This plan is locked until" in saver_client.get(f"/plans/{plan.pk}/withdraw/").content.decode()
    assert "Move to stash</a>" not in saver_client.get(f"/plans/{plan.pk}/").content.decode()


def test_a_product_names_each_rate_and_the_estimate_its_term(saver_client: Client) -> None:
    locked = make_product(Product.Kind.LOCKED, rate_bps=1000)
    locked.rates.create(from_days=365, rate_bps=1100)
    page = saver_client.get("/plans/start/").text
    assert f"10% from {locked.min_term_days} days, 11% from 365 days" in page
    ends = timezone.localdate() + datetime.timedelta(days=100)
    data = {"product": locked.pk, "matures_on": ends.isoformat(), "first": "1000"}
    assert "Interest, 10% for 100 days" in saver_client.post("/plans/start/preview/", data).text


def test_a_plan_that_can_only_be_left_early_says_so(saver_client: Client, saver: User) -> None:
    early = make_plan(saver, make_product(Product.Kind.TARGET), holding_kobo=100_00)
    free = make_plan(saver, holding_kobo=100_00)
    page = saver_client.get(f"/plans/{early.pk}/").text
    assert f'href="/plans/{early.pk}/exit/">Take out early</a>' in page
    assert (
        f'href="/plans/{free.pk}/withdraw/">Move to stash</a>' in saver_client.get(f"/plans/{free.pk}/").text
    )


def test_topping_up_from_the_stash_is_immediate(saver_client: Client, saver: User) -> None:
    plan = make_plan(saver)
    pay_in(saver, 500_00)
    data = filled_in(saver_client, f"/plans/{plan.pk}/top-up/", amount="200", source="stash")
    response = saver_client.post(f"/plans/{plan.pk}/top-up/", data)
    movement = saver.transactions.get(kind=Transaction.Kind.STASH_TO_PLAN)
    assert response["Location"] == f"/transactions/{movement.reference}/"
    assert ledger.balance_kobo(plan.account) == 200_00


def test_an_empty_stash_pays_nothing_in(saver_client: Client, saver: User) -> None:
    plan = make_plan(saver)
    data = filled_in(saver_client, f"/plans/{plan.pk}/top-up/", amount="200", source="stash")
    response = saver_client.post(f"/plans/{plan.pk}/top-up/", data)
    assert response.status_code == 422
    assert "You have ₦0 in your stash" in response.content.decode()


def test_closing_an_empty_plan_and_not_a_full_one(saver_client: Client, saver: User) -> None:
    empty, full = make_plan(saver), make_plan(saver, holding_kobo=1_00)
    saver_client.post(f"/plans/{empty.pk}/close/")
    saver_client.post(f"/plans/{full.pk}/close/")
    empty.refresh_from_db()
    full.refresh_from_db()
    assert empty.is_closed
    assert not full.is_closed
    page = saver_client.get("/plans/").content.decode()
    assert empty.name in page
    assert full.name in page


def test_a_closed_plan_takes_no_money(saver_client: Client, saver: User) -> None:
    plan = make_plan(saver)
    pay_in(saver, 500_00)
    data = filled_in(saver_client, f"/plans/{plan.pk}/top-up/", amount="200", source="stash")
    plans.close(plan)
    assert "This plan is closed." in saver_client.get(f"/plans/{plan.pk}/top-up/").content.decode()
    response = saver_client.post(f"/plans/{plan.pk}/top-up/", data)
    assert response.status_code == 422
    assert Account.objects.get(plan=plan).balance_kobo == 0


@pytest.mark.parametrize("verb", ["", "top-up/", "withdraw/", "edit/", "close/"])
def test_another_users_plan_is_not_there(saver_client: Client, verb: str) -> None:
    other = make_plan()
    assert saver_client.post(f"/plans/{other.pk}/{verb}", {"amount": "1"}).status_code == 404
    if verb != "close/":
        assert saver_client.get(f"/plans/{other.pk}/{verb}").status_code == 404


def test_the_pages_cost_the_same_for_one_row_and_for_many(
    saver_client: Client,
    saver: User,
    django_assert_num_queries: DjangoAssertNumQueries,
    settings: Settings,
) -> None:
    settings.KEEPS_PAGES = False
    plan = make_plan(saver, holding_kobo=100_00)
    saver_client.get("/plans/")
    costs = {"/plans/": 3, f"/plans/{plan.pk}/": 7, "/plans/top-up/": 2, "/plans/start/": 4}
    for url, queries in costs.items():
        with django_assert_num_queries(queries):
            saver_client.get(url)
    product = plan.product
    fill(saver, 1_000, plan=plan)
    for _ in range(30):
        make_plan(saver, product)
    for url, queries in costs.items():
        with django_assert_num_queries(queries):
            saver_client.get(url)


def test_a_plan_s_card_says_how_far_it_is(saver_client: Client, saver: User) -> None:
    make_plan(saver, make_product(Product.Kind.TARGET), target_kobo=1_000_000_00, holding_kobo=625_000_00)
    assert "62% of ₦1,000,000" in saver_client.get("/plans/").content.decode()


def test_a_newcomer_sees_what_to_do(saver_client: Client) -> None:
    page = saver_client.get("/plans/").text
    assert "What are you saving for?" in page
    assert 'href="/plans/start/?for=rent"' in page
    assert "Top up" not in page
    assert Plan.objects.count() == 0


@pytest.mark.parametrize("holding", [0, 10_000_00])
@time_machine.travel("2026-11-29T12:00:00Z", tick=False)
def test_the_sum_needed_says_whether_it_counts_today(saver_client: Client, saver: User, holding: int) -> None:
    make_plan(saver, make_product(Product.Kind.TARGET), target_kobo=95_000_00, holding_kobo=holding)
    labels = [total.label for total in saver_client.get("/plans/").context["totals"]]
    assert labels[-1] == "Needed each month" + (", from December" if holding else "")


@pytest.mark.parametrize(
    ("days", "label"),
    [((30,), "Needed by 29 Dec"), ((30, 31), "Needed by 30 Dec"), ((30, 70), "Needed in the next month")],
)
@time_machine.travel("2026-11-29T12:00:00Z", tick=False)
def test_the_sum_needed_of_plans_with_one_payment_left(
    saver_client: Client, saver: User, days: tuple[int, ...], label: str
) -> None:
    for left in days:
        make_plan(
            saver, make_product(Product.Kind.TARGET), target_kobo=95_000_00, holding_kobo=90_000_00, days=left
        )
    assert saver_client.get("/plans/").context["totals"][-1].label == label


@time_machine.travel("2026-11-29T12:00:00Z", tick=False)
def test_a_plan_that_should_get_a_sum_now_is_suggested_for_a_top_up(
    saver_client: Client, saver: User
) -> None:
    with_goal = make_plan(saver, make_product(Product.Kind.TARGET), target_kobo=95_000_00, days=70)
    without = make_plan(saver)
    page = saver_client.get("/plans/top-up/")
    (suggested, first), (other, second) = page.context["groups"]
    assert (suggested, other) == ("Suggested", "Other plans")
    assert [row.card.plan.pk for row in (*first, *second)] == [with_goal.pk, without.pk]
    assert "₦9,500 a week for 10 weeks gets you there." in page.text
    assert f'href="/plans/{with_goal.pk}/top-up/?amount=9%2C500"' in page.text


@time_machine.travel("2026-11-29T05:00:00Z", tick=False)
def test_every_page_names_one_monthly_sum_of_a_plan(saver_client: Client, saver: User) -> None:
    plan = make_plan(
        saver,
        make_product(Product.Kind.TARGET),
        target_kobo=2_000_000_00,
        holding_kobo=1_490_400_00,
        days=213,
        name="Rent",
    )
    sentence = "Your auto-save of ₦72,800 a month gets you there."
    pages = [f"/plans/{plan.pk}/", "/plans/top-up/"]
    assert all(sentence not in saver_client.get(page).text for page in pages)
    make_rule(plan, amount_kobo=None, every="month", month_day=31)
    assert all(sentence in saver_client.get(page).text for page in pages)
    needed = saver_client.get("/plans/").context["totals"][-1]
    assert (needed.label, needed.figure) == ("Needed each month", "₦72,800.00")
    assert needed.note == "paid by your auto-save"
    # To pay it once more is no suggestion.
    assert saver_client.get(f"/plans/{plan.pk}/").context["line"].action == "Top up"
    assert "a month" not in saver_client.get(f"/plans/{plan.pk}/top-up/").text
    assert "72,800" in saver_client.get("/auto-save/").text


def test_the_last_tenth_of_a_goal_without_a_date_is_suggested(saver_client: Client, saver: User) -> None:
    far = make_plan(saver, target_kobo=200_000_00, holding_kobo=150_000_00)
    near = make_plan(saver, target_kobo=200_000_00, holding_kobo=190_000_00)
    (_, [first]), (_, [second]) = saver_client.get("/plans/top-up/").context["groups"]
    assert (first.card.plan.pk, first.text) == (near.pk, "")
    assert first.url == f"/plans/{near.pk}/top-up/?amount=10%2C000"
    assert (second.card.plan.pk, second.url) == (far.pk, "")


def test_a_plan_that_is_closed_later_ended_at_its_maturity(saver_client: Client, saver: User) -> None:
    with time_machine.travel("2026-01-10T12:00:00Z", tick=False):
        plan = make_plan(saver, make_product(Product.Kind.TARGET), days=59)
    with time_machine.travel("2026-03-12T12:00:00Z", tick=False):
        plans.close(plan)
    for page in (f"/plans/{plan.pk}/", "/plans/"):
        text = re.sub(r"<[^>]+>|\s+", " ", saver_client.get(page).text)
        assert re.search(r"matured +10 Mar 2026", text)
        assert "12 Mar" not in text
