"""The pages of early exits: the amount, the quote, the exit, and its receipt."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from savings import ledger, plans
from savings.models import Membership, Plan, Product, Transaction, User
from tests.factories import fill, make_circle, make_member, make_plan, make_product, make_user, pay_in
from tests.web.form_filling import filled_in

pytestmark = pytest.mark.django_db

Kind = Transaction.Kind
HELD_KOBO = 100_000_00
# 10:00 in Lagos; 91 days after the plan was opened.
NOW = datetime.datetime(2026, 4, 6, 9, tzinfo=datetime.UTC)
OUTDATED = "Nothing was moved."


@pytest.fixture
def clock(db: None) -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW - datetime.timedelta(days=91), tick=False) as traveller:
        yield traveller


def opened(user: User, **terms: Any) -> Plan:
    values: dict[str, Any] = {"rate_bps": 1000, "interest_paid": "maturity"} | terms
    return make_plan(user, make_product(Product.Kind.TARGET, **values), holding_kobo=HELD_KOBO)


@pytest.fixture
def plan(clock: time_machine.Traveller, saver: User) -> Plan:
    plan = opened(saver)
    clock.move_to(NOW)
    return plan


@pytest.fixture
def browser(plan: Plan, client: Client, saver: User) -> Client:
    """The saver's browser, signed in at the time of the clock."""
    client.force_login(saver)
    return client


def page_of(plan: Plan) -> str:
    return f"/plans/{plan.pk}/exit/"


def confirm(plan: Plan) -> str:
    return f"{page_of(plan)}carry-out/"


def quoted(browser: Client, plan: Plan, **values: str) -> dict[str, str]:
    """Ask for a quote, and return what its form sends."""
    response = browser.post(page_of(plan), values or {"all_of_it": "1"})
    assert response.status_code == 200
    context = response.context
    sent = {"all_of_it": "1"} if context["quote"].is_full else {"amount": context["amount"]}
    data = sent | {"quote": context["token"], "reference": context["form"]["reference"].value()}
    for name, value in data.items():
        assert f'name="{name}" value="{value}"' in response.text
    return data


def words(html: str) -> str:
    return " ".join(html.replace("\u202f", " ").split())


def test_the_way_from_the_plan_to_the_receipt(browser: Client, plan: Plan, saver: User) -> None:
    assert browser.get(f"/plans/{plan.pk}/withdraw/")["Location"] == page_of(plan)
    page = browser.get(page_of(plan))
    assert "1% of what you take out" in page.text
    assert page["Cache-Control"] == "private, no-store"
    quote = words(browser.post(page_of(plan), {"all_of_it": "1"}).text)
    for text in (
        "₦2,493.15",
        "− ₦249.31",
        "− ₦1,000.00",
        "₦101,243.84",
        "In 7 days",
        "In 30 days",
        "At maturity",
        ">10:05</time>",
        "closes the plan",
    ):
        assert text in quote
    data = quoted(browser, plan)
    responses = [browser.post(confirm(plan), data) for _ in range(2)]
    movement = saver.transactions.get(kind=Kind.PLAN_TO_STASH)
    assert {one["Location"] for one in responses} == {f"/transactions/{movement.reference}/"}
    assert ledger.balance_kobo(ledger.stash_account(saver)) == 10_124_384
    receipt = words(browser.get(f"/transactions/{movement.reference}/").text)
    lines = (
        ("Taken out of the plan", "₦100,000.00"),
        ("Interest", "₦2,493.15"),
        ("Tax on it", "− ₦249.31"),
        ("Penalty", "− ₦1,000.00"),
        ("Arrived in your stash", "₦101,243.84"),
    )
    for name, amount in lines:
        assert f'<dt>{name}</dt><dd><span class="money">{amount}</span></dd>' in receipt
    assert list(ledger.run_checks()) == []


def test_a_part_of_a_plan_that_forfeits(browser: Client, saver: User, clock: time_machine.Traveller) -> None:
    clock.move_to(NOW - datetime.timedelta(days=91))
    plan = opened(saver, early_exit="forfeit", penalty_bps=0)
    clock.move_to(NOW)
    assert "you lose the interest on what you take" in browser.get(page_of(plan)).text
    page = words(browser.post(page_of(plan), {"amount": "40,000"}).text)
    assert '<dt>Interest lost</dt><dd><span class="money">₦997.26</span></dd>' in page
    assert "Tax on it" not in page
    location = browser.post(confirm(plan), quoted(browser, plan, amount="40,000"))["Location"]
    receipt = words(browser.get(location).text)
    assert '<dt>Interest lost</dt><dd><span class="money">₦997.26</span></dd>' in receipt
    assert ledger.balance_kobo(plan.account) == 60_000_00


def test_a_plain_move_has_no_lines_of_an_exit(browser: Client, saver: User) -> None:
    flexible = make_plan(saver, holding_kobo=100_00)
    data = filled_in(browser, f"/plans/{flexible.pk}/withdraw/", amount="100")
    page = browser.get(browser.post(f"/plans/{flexible.pk}/withdraw/", data)["Location"])
    assert page.context["exit_lines"] == []


def test_htmx_gets_the_form_alone(browser: Client, plan: Plan) -> None:
    htmx = {"HX-Request": "true"}
    fragment = browser.post(page_of(plan), {"all_of_it": "1"}, headers=htmx)
    assert "<html" not in fragment.text
    assert fragment.text.lstrip().startswith("<form")
    done = browser.post(confirm(plan), quoted(browser, plan), headers=htmx)
    assert done["HX-Redirect"].startswith("/transactions/PTS")


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        (None, "Enter an amount."),
        ("", "Enter an amount."),
        ("0", "above zero"),
        ("-5", "above zero"),
        ("1e9", "in figures"),
        ("12.345", "at most two digits"),
        ("9" * 30, "That amount is too large. Enter up to"),
        ("1\x00", "in figures"),
        ("100,000.01", "You have ₦100,000 in this plan"),
    ],
)
def test_bad_amounts_are_named_beside_the_field(
    browser: Client, plan: Plan, amount: str | None, sentence: str
) -> None:
    data = {} if amount is None else {"amount": amount}
    good = quoted(browser, plan)
    del good["all_of_it"]
    for url, sent in ((page_of(plan), data), (confirm(plan), good | data | {"quote": "x"})):
        response = browser.post(url, sent, headers={"HX-Request": "true"})
        assert response.status_code == 422
        assert sentence in " ".join(response.context["form"].errors["amount"])
        assert "<html" not in response.text
    assert ledger.balance_kobo(plan.account) == HELD_KOBO


def test_a_typed_amount_is_kept(browser: Client, plan: Plan) -> None:
    assert 'value="1e9"' in browser.post(page_of(plan), {"amount": "1e9"}).text


def test_all_of_it_wins_over_a_typed_amount(browser: Client, plan: Plan) -> None:
    response = browser.post(page_of(plan), {"all_of_it": "", "amount": "nonsense"})
    assert response.context["quote"].is_full


@pytest.mark.parametrize("quote", [None, "", "x", "x" * 3_000, "\x00", "a:b:c"])
def test_a_bad_quote_shows_a_new_one(browser: Client, plan: Plan, quote: str | None) -> None:
    data = quoted(browser, plan)
    old = data.pop("quote")
    response = browser.post(confirm(plan), data | ({} if quote is None else {"quote": quote}))
    assert response.status_code == 422
    assert OUTDATED in response.text
    assert not Transaction.objects.filter(kind=Kind.PLAN_TO_STASH).exists()
    # The new one can be used with the same form.
    assert response.context["form"]["reference"].value() == data["reference"]
    data["quote"] = response.context["token"]
    assert old == data["quote"]
    assert browser.post(confirm(plan), data).status_code == 302


@pytest.mark.parametrize("reference", ["", "x", "PTS01M85MW6EM6C1D15Q", "\x00"])
def test_a_bad_reference_moves_nothing(browser: Client, plan: Plan, reference: str) -> None:
    response = browser.post(confirm(plan), quoted(browser, plan) | {"reference": reference})
    assert response.status_code == 422
    assert "This page expired" in response.text
    assert ledger.balance_kobo(plan.account) == HELD_KOBO


def test_after_five_minutes_the_page_shows_a_new_quote(
    browser: Client, plan: Plan, clock: time_machine.Traveller
) -> None:
    data = quoted(browser, plan)
    clock.shift(301)
    response = browser.post(confirm(plan), data)
    assert response.status_code == 422
    assert OUTDATED in response.text
    assert ">10:10</time>" in response.text
    data["quote"] = response.context["token"]
    assert browser.post(confirm(plan), data).status_code == 302


def test_after_midnight_the_page_shows_a_new_quote(
    browser: Client, plan: Plan, clock: time_machine.Traveller, saver: User
) -> None:
    clock.move_to("2026-04-06T22:59:00Z")
    data = quoted(browser, plan)
    clock.move_to("2026-04-06T23:01:00Z")
    response = browser.post(confirm(plan), data)
    assert response.status_code == 422
    assert response.context["quote"].day == datetime.date(2026, 4, 7)


def test_after_a_payment_the_page_shows_a_new_quote(browser: Client, plan: Plan, saver: User) -> None:
    data = quoted(browser, plan)
    pay_in(saver, 500_00, plan=plan)
    response = browser.post(confirm(plan), data)
    assert response.status_code == 422
    # All of it: also what came since.
    assert response.context["quote"].amount_kobo == HELD_KOBO + 500_00
    assert "₦100,500.00" in response.text


def test_less_money_than_the_quote_asks_for_the_amount_again(browser: Client, plan: Plan) -> None:
    data, other = (quoted(browser, plan, amount="60,000") for _ in range(2))
    assert browser.post(confirm(plan), other).status_code == 302
    response = browser.post(confirm(plan), data)
    assert response.status_code == 422
    assert "You have ₦40,000 in this plan" in response.text
    assert ledger.balance_kobo(plan.account) == 40_000_00


def test_a_used_quote_is_not_charged_again(browser: Client, plan: Plan) -> None:
    data = quoted(browser, plan, amount="10,000")
    fresh = quoted(browser, plan, amount="10,000") | {"quote": data["quote"]}
    assert browser.post(confirm(plan), data).status_code == 302
    assert browser.post(confirm(plan), fresh).status_code == 422
    assert ledger.balance_kobo(plan.account) == 90_000_00


def test_a_closed_plan_says_so(browser: Client, plan: Plan) -> None:
    data = quoted(browser, plan)
    fresh = quoted(browser, plan)
    browser.post(confirm(plan), data)
    response = browser.post(confirm(plan), fresh)
    assert response.status_code == 422
    assert "This plan is closed" in response.text


def test_a_quote_for_somebody_else_is_refused(browser: Client, plan: Plan) -> None:
    other = opened(make_user())
    token = plans.sign_quote(other.user, plans.quote_exit(plan, None, on=NOW.date()))
    assert browser.post(confirm(plan), quoted(browser, plan) | {"quote": token}).status_code == 422


def test_a_plan_of_somebody_else_is_not_found(browser: Client) -> None:
    other = opened(make_user())
    for url in (page_of(other), confirm(other)):
        assert browser.get(url).status_code == 404
        assert browser.post(url, {"all_of_it": "1"}).status_code == 404


def test_pages_that_lead_elsewhere(browser: Client, plan: Plan, saver: User) -> None:
    assert browser.get(confirm(plan))["Location"] == page_of(plan)
    flexible = make_plan(saver, holding_kobo=100)
    assert browser.get(page_of(flexible))["Location"] == f"/plans/{flexible.pk}/withdraw/"
    noticed = opened(saver, notice_hours=24)
    assert browser.get(f"/plans/{noticed.pk}/withdraw/")["Location"].endswith("/give-notice/")
    assert "notice" in browser.get(page_of(noticed)).text
    locked = opened(saver, early_exit="blocked")
    for url in (page_of(locked), f"/plans/{locked.pk}/withdraw/"):
        assert "This plan is locked until" in browser.get(url).text
    response = browser.post(page_of(locked), {"all_of_it": "1"})
    assert response.status_code == 422


def test_a_circle_s_plan_says_what_rank_it_costs(browser: Client, plan: Plan, saver: User) -> None:
    circle = make_circle(product=plan.product)
    member = Membership.objects.create(circle=circle, user=saver, plan=plan, nickname="Me")
    Membership.objects.filter(pk=member.pk).update(saved_kobo=HELD_KOBO)
    make_member(make_circle(), saved_kobo=1)
    other = make_plan(make_user(), plan.product, holding_kobo=70_000_00)
    rival = Membership.objects.create(circle=circle, user=other.user, plan=other, nickname="Rival")
    Membership.objects.filter(pk=rival.pk).update(saved_kobo=70_000_00)
    page = words(browser.post(page_of(plan), {"amount": "40,000"}).text)
    assert "You are 1st in your circle, and would be 2nd." in page
    assert "You stay 1st in your circle." in words(browser.post(page_of(plan), {"amount": "10"}).text)
    page = words(browser.post(page_of(plan), {"all_of_it": "1"}).text)
    assert "would not be ranked any more" in page
    assert "The plan stays open." in page


def test_a_plan_that_starts_again_says_so(browser: Client, plan: Plan) -> None:
    Plan.objects.filter(pk=plan.pk).update(at_maturity=Plan.AtMaturity.COMPOUND)
    assert "A new term starts on that day" in browser.post(page_of(plan), {"all_of_it": "1"}).text


def test_the_pages_cost_the_same_for_one_row_and_for_many(
    browser: Client, plan: Plan, saver: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    browser.post(page_of(plan), {"all_of_it": "1"})
    for rows in (1, 500):
        fill(saver, rows, plan=plan)
        with django_assert_num_queries(2):
            browser.get(page_of(plan))
        with django_assert_num_queries(7):
            browser.post(page_of(plan), {"all_of_it": "1"})
