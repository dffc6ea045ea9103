"""The interest that a running plan has earned, and what its next posting and all of them come to."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest
import time_machine
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from savings import ledger
from savings.ledger.interest import Interest
from savings.models import Account, Plan, Product, TaxRate
from savings.models.plans import InterestPaid
from tests.factories import make_circle, make_member, make_plan, make_product, make_user, pay_in

pytestmark = pytest.mark.django_db

PER_KOBO = 3_650_000


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2026-11-10T12:00:00Z", tick=False) as clock:
        yield clock


def projected(plan: Plan) -> ledger.Projection:
    plan = Plan.objects.with_balance().get(pk=plan.pk)
    return ledger.project_interest(plan, today=timezone.localdate(), taxes=ledger.TaxRates.read())


def made(kind: str = Product.Kind.FLEXIBLE, *, days: int = 365, **fields: str) -> Plan:
    product = make_product(kind, rate_bps=1000, **fields)
    return make_plan(make_user(), product, holding_kobo=100_000_00, days=days)


def test_a_monthly_plan_is_posted_on_the_first(clock: time_machine.Traveller) -> None:
    plan = made()
    clock.shift(datetime.timedelta(days=5))
    ahead = projected(plan)
    assert ahead.so_far == Interest(13_698, 1_369, 2_300_000, 8_000)
    assert ahead.next_posting_on == datetime.date(2026, 12, 1)
    assert ahead.next_posting is not None
    assert ahead.next_posting.gross_kobo == 100_000_00 * 1000 * 21 // PER_KOBO
    assert ahead.in_all is None, "without a maturity"


def test_up_to_the_maturity_it_equals_the_preview() -> None:
    plan = made(Product.Kind.LOCKED, days=100)
    preview = ledger.preview_interest(
        plan.product,
        matures_on=plan.matures_on,
        first_kobo=100_000_00,
        monthly_kobo=0,
        today=timezone.localdate(),
    )
    ahead = projected(plan)
    assert ahead.in_all is not None
    assert (ahead.in_all.gross_kobo, ahead.in_all.tax_kobo) == (preview.gross_kobo, preview.tax_kobo)
    assert ahead.next_posting_on == preview.next_posting_on


def test_it_begins_with_what_is_left_of_earlier_postings() -> None:
    plan = made()
    Account.objects.filter(plan=plan).update(accrued_numerator=PER_KOBO - 1, tax_remainder=9_999)
    Account.objects.filter(plan=plan).update(accrued_to=timezone.localdate().toordinal() - 1)
    ahead = projected(plan)
    assert ahead.so_far.gross_kobo == 1 + (100_000_00 * 1000 - 1) // PER_KOBO
    assert ahead.so_far.tax_kobo == (ahead.so_far.gross_kobo * 1000 + 9_999) // 10_000


def test_a_plan_that_pays_at_maturity_is_posted_then_and_once() -> None:
    ahead = projected(made(Product.Kind.LOCKED, days=91, interest_paid=InterestPaid.AT_MATURITY))
    assert ahead.next_posting_on == datetime.date(2027, 2, 9)
    assert ahead.next_posting == ahead.in_all
    assert ahead.next_posting is not None
    assert ahead.next_posting.gross_kobo == 2_493_15


def test_interest_to_the_stash_earns_nothing_and_that_of_a_circle_goes_there() -> None:
    product = make_product(Product.Kind.LOCKED, rate_bps=1000)
    plan = make_plan(make_user(), product, holding_kobo=100_000_00)
    compounding = projected(plan)
    Plan.objects.filter(pk=plan.pk).update(interest_to=Plan.InterestTo.STASH)
    simple = projected(plan)
    assert simple.in_all is not None
    assert compounding.in_all is not None
    assert simple.in_all.gross_kobo == 10_000_00 < compounding.in_all.gross_kobo
    member = make_member(make_circle(product=make_product()), saved_kobo=100_000_00)
    matures_on = timezone.localdate() + datetime.timedelta(days=365)
    Plan.objects.filter(pk=member.plan_id).update(matures_on=matures_on)
    Account.objects.filter(plan=member.plan_id).update(rate_bps=1000)
    assert projected(member.plan).in_all == simple.in_all


def test_a_changed_rate_counts_from_tomorrow() -> None:
    plan = made()
    ledger.change_rate(plan.account, 0)
    ahead = projected(plan)
    assert ahead.next_posting is not None
    assert ahead.next_posting.gross_kobo == 100_000_00 * 1000 // PER_KOBO


def test_the_tax_is_that_of_the_day_of_posting() -> None:
    plan = made()
    TaxRate.objects.create(from_on=datetime.date(2026, 12, 1), rate_bps=0)
    ahead = projected(plan)
    assert ahead.next_posting is not None
    assert ahead.next_posting.tax_kobo == 0


def test_an_overdue_posting_keeps_its_day(clock: time_machine.Traveller) -> None:
    plan = made()
    due = datetime.date(2026, 12, 1)
    Account.objects.filter(plan=plan).update(interest_due=due.toordinal())
    clock.move_to("2026-12-03T12:00:00Z")
    pay_in(plan.user, 5_00, plan=plan)
    ahead = projected(plan)
    assert ahead.next_posting_on == due
    assert ahead.next_posting == ahead.so_far


@pytest.mark.parametrize("field", ["matured", "closed"])
def test_a_plan_that_has_ended_has_no_day(clock: time_machine.Traveller, field: str) -> None:
    plan = made(Product.Kind.LOCKED, days=91)
    clock.shift(datetime.timedelta(days=91 if field == "matured" else 90))
    if field == "closed":
        Plan.objects.filter(pk=plan.pk).update(closed_at=timezone.now())
    ahead = projected(plan)
    assert (ahead.next_posting_on, ahead.next_posting, ahead.in_all) == (None, None, None)
    assert ahead.so_far.gross_kobo > 0


def test_it_costs_no_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    plan = Plan.objects.with_balance().get(pk=made(Product.Kind.LOCKED).pk)
    taxes = ledger.TaxRates.read()
    with django_assert_num_queries(0):
        ledger.project_interest(plan, today=timezone.localdate(), taxes=taxes)
