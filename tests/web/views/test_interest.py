"""The pages of a plan's interest: the section on the plan's page, and the proof."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags
from pytest_django import DjangoAssertNumQueries

from savings import ledger, money, plans, references
from savings.models import Account, Plan, Product, TaxRate, User
from savings.models.plans import InterestPaid
from tests.factories import fill, make_plan, make_product, make_user, pay_in, put_in
from tests.refunds import people

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2026-11-10T12:00:00Z", tick=False) as clock:
        yield clock


@pytest.fixture
def flexible(saver: User) -> Plan:
    return make_plan(saver, make_product(rate_bps=1000), holding_kobo=100_000_00)


def shown(client: Client, user: User, path: str) -> str:
    """Return a page as text, without its tags. Signs in again: the session of an earlier day may have ended."""
    client.force_login(user)
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_the_plan_s_page_shows_gross_tax_net_and_the_next_posting(
    client: Client, saver: User, flexible: Plan, clock: time_machine.Traveller
) -> None:
    clock.shift(datetime.timedelta(days=5))
    page = shown(client, saver, f"/plans/{flexible.pk}/")
    for text in ("₦136<small>.98", "₦13.69", "₦123.29", "1 Dec 2026", "₦517.81"):
        assert text in page
    assert "Until maturity" not in page
    assert f"/plans/{flexible.pk}/interest/" in page


def test_a_plan_with_an_end_shows_what_arrives_by_then(client: Client, saver: User) -> None:
    locked = make_product(Product.Kind.LOCKED, rate_bps=1000)
    plan = make_plan(saver, locked, holding_kobo=100_000_00, days=91)
    page = shown(client, saver, f"/plans/{plan.pk}/")
    assert "Until maturity" in page
    assert "On the 1st of each month" in page


def test_a_plan_that_pays_at_maturity_says_so(client: Client, saver: User) -> None:
    locked = make_product(Product.Kind.LOCKED, rate_bps=1000, interest_paid=InterestPaid.AT_MATURITY)
    plan = make_plan(saver, locked, holding_kobo=100_000_00, days=91)
    page = shown(client, saver, f"/plans/{plan.pk}/")
    assert "<dd>At maturity</dd>" in page
    assert "₦2,243.84</span>" in page


def test_a_plan_without_interest_says_so(client: Client, saver: User, flexible: Plan) -> None:
    plans.switch_interest(flexible, on=False)
    for page in ("", "interest/"):
        assert "Interest is off from 11 Nov 2026" in shown(client, saver, f"/plans/{flexible.pk}/{page}")


def test_a_new_rate_of_tax_shows_on_the_cached_page(client: Client, saver: User, flexible: Plan) -> None:
    path = f"/plans/{flexible.pk}/"
    assert "₦517.81</span>" in shown(client, saver, path)
    TaxRate.objects.create(from_on=datetime.date(2026, 12, 1), rate_bps=0)
    assert "₦575.34</span>" in shown(client, saver, path)


def test_the_proof_shows_days_postings_and_what_is_left(
    client: Client, saver: User, flexible: Plan, clock: time_machine.Traveller
) -> None:
    clock.shift(datetime.timedelta(days=21))
    ledger.post_interest(flexible, until=timezone.localdate())
    clock.shift(datetime.timedelta(days=4))
    page = shown(client, saver, f"/plans/{flexible.pk}/interest/")
    for text in (
        "10 to 30 Nov",
        "21 days",
        "₦100,000.00",
        "10% a year",
        "₦575.34</span></td>",
    ):
        assert text in page
    # 21 × ₦27.39 is not ₦575.34.
    assert "₦27.39" not in page
    # The exact figures are in a fold.
    for text in ("209,999,100,000", "Left: 900,000 of interest"):
        assert text in page
    interest = flexible.transactions.get(kind="interest")
    assert f"/transactions/{interest.reference}/" in page
    assert "Paid 1 Dec 2026" in page
    assert "Agrees with the account" in page
    assert "1 Jan 2027" in page


def test_a_proof_that_differs_is_flagged(
    client: Client, saver: User, flexible: Plan, clock: time_machine.Traveller
) -> None:
    clock.shift(datetime.timedelta(days=4))
    Account.objects.filter(plan=flexible).update(accrued_numerator=5)
    page = shown(client, saver, f"/plans/{flexible.pk}/interest/")
    assert "The exact figures differ from the plan’s account, which has 40,000,000,005" in page
    assert "Agrees with the account" not in page


def test_the_proof_shows_one_year_at_a_time(
    client: Client, saver: User, flexible: Plan, clock: time_machine.Traveller
) -> None:
    clock.move_to("2028-02-10T12:00:00Z")
    path = f"/plans/{flexible.pk}/interest/"
    page = shown(client, saver, path)
    assert "1 to 9 Feb" in page
    assert '"?year=2027"' in page
    assert '"?year=2029"' not in page
    first = shown(client, saver, f"{path}?year=2026")
    assert "10 to 30 Nov" in first
    assert '"?year=2025"' not in first


@pytest.mark.parametrize("year", ["", "0", "1000", "2999", "9999", "-1", "x", "２０２６", "1" * 5000])
def test_a_year_without_rows_still_answers(client: Client, saver: User, flexible: Plan, year: str) -> None:
    client.force_login(saver)
    assert client.get(f"/plans/{flexible.pk}/interest/", {"year": year}).status_code == 200


def test_an_ended_plan_shows_its_last_year(
    client: Client, saver: User, clock: time_machine.Traveller
) -> None:
    plan = make_plan(saver, make_product(Product.Kind.LOCKED), holding_kobo=100_00, days=52)
    clock.move_to("2028-02-10T12:00:00Z")
    page = shown(client, saver, f"/plans/{plan.pk}/interest/")
    assert "1 to 31 Dec" in page
    assert "Next paid on" not in page


def test_an_empty_plan_has_no_rows(client: Client, saver: User) -> None:
    plan = make_plan(saver, make_product())
    assert "There was no money in this plan" in shown(client, saver, f"/plans/{plan.pk}/interest/")


def test_the_proof_of_somebody_else_is_not_there(client: Client, flexible: Plan) -> None:
    client.force_login(make_user())
    assert client.get(f"/plans/{flexible.pk}/interest/").status_code == 404


@pytest.mark.parametrize("entries", [0, 200])
def test_the_proof_costs_the_same_for_few_and_many_entries(
    client: Client, flexible: Plan, django_assert_num_queries: DjangoAssertNumQueries, entries: int
) -> None:
    fill(flexible.user, entries, plan=flexible)
    pay_in(flexible.user, 5_00, plan=flexible)
    client.force_login(flexible.user)
    client.get("/plans/")
    with django_assert_num_queries(8):
        client.get(f"/plans/{flexible.pk}/interest/")


def test_last_months_interest_is_named_on_both_pages(
    client: Client, saver: User, flexible: Plan, clock: time_machine.Traveller
) -> None:
    clock.move_to(datetime.datetime(2026, 12, 2, 9, tzinfo=timezone.get_current_timezone()))
    ledger.post_interest(flexible, until=datetime.date(2026, 12, 1))
    page = shown(client, saver, f"/plans/{flexible.pk}/")
    assert "Paid for November" in page
    assert '<time datetime="2026-12-01">1 Dec 2026</time>' in page
    assert f"/plans/{flexible.pk}/interest/?year=2026#last-month" in page
    proof = shown(client, saver, f"/plans/{flexible.pk}/interest/")
    assert "November 2026: " in proof
    assert "after tax was paid on 1 Dec 2026." in proof


def test_the_receipts_of_interest_and_its_tax_follow_the_ledger(
    client: Client, saver: User, flexible: Plan, clock: time_machine.Traveller
) -> None:
    clock.shift(datetime.timedelta(days=21))
    ledger.post_interest(flexible, until=timezone.localdate())
    interest, tax = (flexible.transactions.get(kind=kind) for kind in ("interest", "tax_withheld"))
    client.force_login(saver)
    page = client.get(f"/transactions/{interest.reference}/")
    assert f"Interest on {flexible.name}</h1>" in page.text
    net_kobo = interest.amount_kobo - tax.amount_kobo
    lines = [
        ("Interest", money.naira(interest.amount_kobo), False),
        ("Tax withheld, 10%", money.naira(-tax.amount_kobo), False),
        ("After tax", money.naira(net_kobo), True),
    ]
    assert [tuple(line)[:3] for line in page.context["sum_lines"]] == lines
    assert page.context["sum_lines"][1].reference == tax.reference
    [(name, before, after)] = page.context["balances"]
    # The balance is that after tax, which is posted right after the interest.
    assert after - before == net_kobo
    assert page.context["signed_kobo"] == interest.amount_kobo
    assert page.text.count(f"/transactions/{tax.reference}/") == 1
    assert f"/plans/{flexible.pk}/interest/?year=2026" in page.text
    assert [step.title for step in page.context["steps"]] == ["Added to your balance"]
    page = client.get(f"/transactions/{tax.reference}/")
    assert f"Tax withheld on {flexible.name}</h1>" in page.text
    assert page.context["balances"] == [(name, before + interest.amount_kobo, after)]
    assert [tuple(line)[:3] for line in page.context["sum_lines"]] == lines
    assert [step.title for step in page.context["steps"]] == ["Withheld from your interest"]


def test_an_unposted_month_leads_to_its_days(
    client: Client, saver: User, flexible: Plan, clock: time_machine.Traveller
) -> None:
    clock.move_to(datetime.datetime(2026, 12, 2, 9, tzinfo=timezone.get_current_timezone()))
    page = shown(client, saver, f"/plans/{flexible.pk}/")
    assert "Paid for November" not in page
    assert '#last-month">November day by day</a>' in page
    assert "Not paid yet." in shown(client, saver, f"/plans/{flexible.pk}/interest/")


def test_interest_that_goes_into_the_plan_counts_towards_its_goal(
    client: Client, saver: User, flexible: Plan
) -> None:
    sentence = "Interest goes into this plan and counts towards the goal."
    Plan.objects.filter(pk=flexible.pk).update(target_kobo=1_000_000_00)
    User.objects.touch(saver.pk)
    assert sentence in shown(client, saver, f"/plans/{flexible.pk}/")
    plans.change_interest_to(flexible, Plan.InterestTo.STASH)
    assert sentence not in shown(client, saver, f"/plans/{flexible.pk}/")


def test_the_proof_shows_what_staff_corrected(client: Client, saver: User, flexible: Plan) -> None:
    references_ = [references.new("interest_correction") for _ in range(2)]
    for kobo, reference in zip((50_000, 10_000), references_, strict=True):
        gives = kobo == 50_000
        ledger.correct_interest(flexible, gross_kobo=kobo, gives=gives, reference=reference, **people())
    page = shown(client, saver, f"/plans/{flexible.pk}/interest/")
    assert "Agrees with the account" in page
    assert "Corrected by our staff, before tax" in page
    for text in ("₦400.00", "₦500.00", "\u2212\u202f₦100.00", "Corrected by our staff 10 Nov 2026"):
        assert text in page
    for reference in references_:
        receipt = shown(client, saver, f"/transactions/{reference}/")
        assert "Corrected by our staff" in receipt
        assert "Interest on money that went back" not in receipt


def test_the_receipt_of_goodwill_says_who_made_it(client: Client, saver: User) -> None:
    given = put_in(saver, 50_000)
    receipt = shown(client, saver, f"/transactions/{given.reference}/")
    assert "Made by our staff" in receipt
    assert "+\u202f₦500" in strip_tags(receipt)
