"""The interest proof: calculated again from entries and rates, and flagged when it differs from the account."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest
import time_machine
from django.db.models import F
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from pytest_django import DjangoAssertNumQueries

from savings import ledger, plans, references
from savings.ledger import checks
from savings.models import Account, InterestPosting, Plan, Product, RatePeriod, Transaction
from tests.factories import fill, make_plan, make_product, make_transaction, make_user, pay_in, settled
from tests.refunds import charge_back

Clock = time_machine.Traveller
RowKind = ledger.RowKind
OPENED = datetime.date(2026, 1, 11)


@pytest.fixture
def clock(db: None) -> Iterator[Clock]:
    with time_machine.travel("2026-01-11T12:00:00Z", tick=False) as clock:
        yield clock


def plan_at(rate_bps: int = 1000, kobo: int = 100_000_00) -> Plan:
    return make_plan(make_user(), make_product(rate_bps=rate_bps), holding_kobo=kobo)


def proof(plan: Plan, **part: datetime.date) -> ledger.Proof:
    return ledger.interest_proof(Account.objects.get(plan=plan), **part)


def wait(clock: Clock, days: int) -> None:
    clock.shift(datetime.timedelta(days=days))


def move_out(plan: Plan, kobo: int) -> None:
    plans.move_from_plan(plan.user, plan, amount_kobo=kobo, reference=references.new("plan_to_stash"))


def post(
    plan: Plan, until: datetime.date | None = None, *, to_stash: bool | None = None
) -> InterestPosting | None:
    """Post the interest of a plan up to a day, or else up to today."""
    return ledger.post_interest(plan, until=until or timezone.localdate(), to_stash=to_stash)


def steps(proof: ledger.Proof) -> list[tuple[str, int, int, int]]:
    """Return the rows: kind, days, balance and rate."""
    return [(row.kind.value, row.days, row.balance_kobo, row.rate_bps) for row in proof.rows]


def test_each_row_has_one_balance_and_one_rate(clock: Clock) -> None:
    plan = plan_at()
    wait(clock, 10)
    pay_in(plan.user, 50_000_00, plan=plan)
    wait(clock, 5)
    move_out(plan, 30_000_00)
    wait(clock, 5)
    ledger.change_rate(plan.account, 0)
    wait(clock, 10)
    shown = proof(plan)
    assert steps(shown) == [
        ("earned", 10, 100_000_00, 1000),
        ("earned", 5, 150_000_00, 1000),
        ("earned", 6, 120_000_00, 1000),
        ("earned", 9, 120_000_00, 0),
    ]
    assert shown.rows[0].since == shown.begins_on == OPENED
    assert shown.earned == 1000 * (100_000_00 * 10 + 150_000_00 * 5 + 120_000_00 * 6)
    assert shown.is_right


def test_a_posting_ends_a_row_and_what_was_posted_earns_from_then_on(clock: Clock) -> None:
    plan = plan_at()
    wait(clock, 21)
    posting = post(plan)
    assert posting is not None
    wait(clock, 9)
    shown = proof(plan)
    assert [row.kind for row in shown.rows] == [RowKind.EARNED, RowKind.POSTED, RowKind.EARNED]
    assert shown.rows[1].posting == posting
    assert shown.rows[1].reference.startswith("INT")
    assert (shown.rows[1].since, shown.rows[1].until) == (OPENED, datetime.date(2026, 2, 1))
    assert shown.rows[2].balance_kobo == 100_000_00 + posting.gross_kobo - posting.tax_kobo
    assert shown.posted_kobo == posting.gross_kobo == 57_534
    assert shown.is_right
    assert shown.remainder == posting.remainder + shown.rows[2].numerator


def test_money_earns_from_its_value_date(clock: Clock) -> None:
    plan = plan_at()
    wait(clock, 10)
    movement = make_transaction("top_up", 50_000_00, user=plan.user, plan=plan)
    clearing = ledger.house_account(Account.Kind.CLEARING, "paystack")
    value_on = OPENED + datetime.timedelta(days=4)
    ledger.settle(movement, debit=clearing, credit=plan.account, value_on=value_on)
    shown = proof(plan)
    assert steps(shown) == [("earned", 4, 100_000_00, 1000), ("earned", 6, 150_000_00, 1000)]
    assert shown.is_right


def test_a_late_posting_counts_from_the_day_it_was_due(clock: Clock) -> None:
    plan = plan_at()
    wait(clock, 30)
    first_on = datetime.date(2026, 2, 1)
    pay_in(plan.user, 1_00, plan=plan)
    posting = post(plan, first_on)
    assert posting is not None
    shown = proof(plan)
    assert [(row.kind, row.until) for row in shown.rows][:2] == [
        (RowKind.EARNED, first_on),
        (RowKind.POSTED, first_on),
    ]
    assert shown.rows[2].balance_kobo == 100_000_00 + posting.gross_kobo - posting.tax_kobo
    assert shown.is_right


def test_interest_that_went_to_the_stash_earns_nothing_more(clock: Clock) -> None:
    plan = plan_at()
    wait(clock, 21)
    post(plan, to_stash=True)
    wait(clock, 9)
    assert proof(plan).rows[-1].balance_kobo == 100_000_00
    assert proof(plan).is_right


def test_a_period_of_nothing_has_a_row_without_a_transaction(clock: Clock) -> None:
    plan = plan_at(rate_bps=0)
    wait(clock, 21)
    post(plan)
    assert [(row.kind, row.numerator, row.reference) for row in proof(plan).rows] == [
        (RowKind.EARNED, 0, ""),
        (RowKind.POSTED, 0, ""),
    ]


def test_nothing_is_earned_from_the_day_of_maturity_on(clock: Clock) -> None:
    locked = make_product(Product.Kind.LOCKED, rate_bps=1000)
    plan = make_plan(make_user(), locked, holding_kobo=100_000_00, days=30)
    wait(clock, 90)
    shown = proof(plan)
    assert steps(shown) == [("earned", 30, 100_000_00, 1000)]
    assert shown.is_right


def test_the_rows_by_month_come_to_the_same(clock: Clock) -> None:
    plan = plan_at(kobo=33_333_33)
    wait(clock, 100)
    post(plan, datetime.date(2026, 2, 1))
    rows = proof(plan).rows
    parts = [part for row in rows for part in row.by_month()]
    assert sum(part.numerator for part in parts) == sum(row.numerator for row in rows)
    earned = [part for part in parts if part.kind == RowKind.EARNED]
    assert [(part.since.month, part.days) for part in earned] == [(1, 21), (2, 28), (3, 31), (4, 20)]
    assert all(part.numerator == part.daily_numerator * part.days for part in earned)


@pytest.mark.parametrize("at_maturity", Plan.RENEWING)
def test_a_plan_that_rolled_over_goes_on(clock: Clock, at_maturity: str) -> None:
    locked = make_product(Product.Kind.LOCKED, rate_bps=1000)
    plan = make_plan(make_user(), locked, holding_kobo=100_000_00, days=30, at_maturity=at_maturity)
    wait(clock, 40)
    assert plans.mature_due_plans(timezone.localdate()) == 1
    shown = proof(plan)
    assert sum(row.days for row in shown.rows if row.kind == RowKind.EARNED) == 40
    assert shown.is_right


@pytest.mark.django_db
def test_a_leap_day_is_a_day() -> None:
    with time_machine.travel("2028-02-28T12:00:00Z", tick=False) as clock:
        plan = plan_at()
        wait(clock, 2)
        shown = proof(plan)
    assert steps(shown) == [("earned", 2, 100_000_00, 1000)]
    assert shown.rows[0].until == datetime.date(2028, 3, 1)
    assert shown.is_right


def test_a_part_of_it_begins_and_ends_where_it_was_asked(clock: Clock) -> None:
    plan = plan_at()
    wait(clock, 21)
    post(plan)
    wait(clock, 28)
    post(plan)
    wait(clock, 10)
    january = proof(plan, since=datetime.date(2026, 1, 1), until=datetime.date(2026, 2, 1))
    assert [(row.kind, row.since.day, row.until.month) for row in january.rows] == [
        (RowKind.EARNED, 11, 2),
        (RowKind.POSTED, 11, 2),
    ]
    part = proof(plan, since=datetime.date(2026, 2, 10), until=datetime.date(2026, 3, 5))
    assert [(row.kind, row.since.isoformat(), row.days) for row in part.rows] == [
        (RowKind.EARNED, "2026-02-10", 19),
        (RowKind.POSTED, "2026-02-01", 28),
        (RowKind.EARNED, "2026-03-01", 4),
    ]
    assert part.earned == proof(plan).earned, "the sums are for all of it"


def test_forfeited_and_taken_back_interest_are_rows(clock: Clock) -> None:
    plan = plan_at()
    payment = pay_in(plan.user, 50_000_00, plan=plan)
    wait(clock, 21)
    post(plan)
    wait(clock, 2)
    charge_back(payment, 50_000_00)
    shown = proof(plan)
    kinds = [row.kind for row in shown.rows]
    assert RowKind.CORRECTED in kinds
    assert RowKind.FORFEITED in kinds
    assert shown.posted_kobo < plan.account.interest_postings.get().gross_kobo
    assert shown.is_right


def test_reversed_interest_counts_as_unposted_again(clock: Clock) -> None:
    plan = plan_at()
    wait(clock, 21)
    post(plan)
    interest = plan.transactions.get(kind="interest")
    ledger.reverse(interest, reference=references.new("reversal"))
    shown = proof(plan)
    assert (shown.posted_kobo, shown.rows[-1].kind) == (0, RowKind.CORRECTED)
    assert shown.is_right


def test_interest_without_a_posting_is_flagged(clock: Clock) -> None:
    plan = plan_at()
    wait(clock, 21)
    settled(
        Transaction.Kind.INTEREST,
        100,
        debit=ledger.house_account(Account.Kind.INTEREST_EXPENSE),
        credit=plan.account,
        user=plan.user,
        plan=plan,
    )
    Account.objects.filter(plan=plan).update(accrued_numerator=F("accrued_numerator") - 365_000_000)
    assert not proof(plan).is_right


def test_an_account_of_the_previous_release_has_earned_at_one_rate(clock: Clock) -> None:
    plan = plan_at()
    RatePeriod.objects.all().delete()
    wait(clock, 10)
    assert steps(proof(plan)) == [("earned", 10, 100_000_00, 1000)]
    assert proof(plan).is_right


@pytest.mark.parametrize("change", [{"accrued_numerator": 1}, {"balance_kobo": 100_000_01}])
def test_an_account_that_differs_is_flagged(clock: Clock, change: dict[str, int]) -> None:
    plan = plan_at()
    wait(clock, 10)
    Account.objects.filter(plan=plan).update(**change)
    assert not proof(plan).is_right


def test_a_posting_meanwhile_does_not_look_wrong(clock: Clock) -> None:
    plan = plan_at()
    before = Account.objects.get(plan=plan)
    wait(clock, 10)
    pay_in(plan.user, 50_000_00, plan=plan)
    wait(clock, 10)
    assert ledger.interest_proof(before).is_right


def test_an_account_without_money_has_no_rows(clock: Clock) -> None:
    shown = proof(plan_at(kobo=0))
    assert (shown.rows, shown.begins_on, shown.remainder, shown.is_right) == ([], None, 0, True)


@pytest.mark.parametrize("entries", [1, 300])
def test_it_costs_five_queries(
    clock: Clock, django_assert_num_queries: DjangoAssertNumQueries, entries: int
) -> None:
    plan = plan_at()
    for _ in range(3 if entries > 1 else 1):
        wait(clock, 7)
        post(plan)
    fill(plan.user, entries, plan=plan)
    account = Account.objects.get(plan=plan)
    with django_assert_num_queries(5):
        assert ledger.interest_proof(account).is_right


class RandomHistories(TestCase):
    """Earned = posted + forfeited + remainder, for payments with value dates, withdrawals, rates and postings."""

    @settings(max_examples=20)
    @given(
        events=st.lists(
            st.tuples(
                st.integers(0, 40),
                st.sampled_from(["pay", "take", "off", "on", "post", "back"]),
                st.integers(1, 5_000_00),
            ),
            max_size=12,
        )
    )
    def test_the_sum_of_what_was_earned_is_what_was_posted_forfeited_and_left(
        self, events: list[tuple[int, str, int]]
    ) -> None:
        with time_machine.travel("2027-11-20T12:00:00Z", tick=False) as clock:
            plan = plan_at(kobo=5_000_00)
            payments = [plan.transactions.get()]
            for days, event, kobo in events:
                wait(clock, days)
                happen(plan, event, kobo, payments)
                shown = proof(plan)
                assert shown.is_right, shown
            assert list(checks.wrong_rows()) == []


def happen(plan: Plan, event: str, kobo: int, payments: list[Transaction]) -> None:
    balance_kobo = ledger.balance_kobo(plan.account)
    if event == "pay":
        movement = make_transaction("top_up", kobo, user=plan.user, plan=plan)
        clearing = ledger.house_account(Account.Kind.CLEARING, "paystack")
        value_on = max(plan.started_on, timezone.localdate() - datetime.timedelta(days=kobo % 8))
        ledger.settle(movement, debit=clearing, credit=plan.account, value_on=value_on)
        payments.append(movement)
    elif event == "take" and balance_kobo:
        move_out(plan, min(kobo, balance_kobo))
    elif event in {"off", "on"}:
        ledger.change_rate(Account.objects.get(plan=plan), 0 if event == "off" else 1000)
    elif event == "post":
        post(plan, to_stash=kobo % 2 == 0)
    elif event == "back" and payments:
        payment = payments.pop()
        charge_back(payment, min(payment.amount_kobo, kobo))
