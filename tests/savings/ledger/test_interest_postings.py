"""Postings of interest: to the kobo, once per period, at the due day however late, to the plan or the stash."""

from __future__ import annotations

import datetime

import pytest
import time_machine

from savings import ledger, plans
from savings.models import Account, Entry, InterestPosting, Plan, Product, Transaction
from savings.models.plans import InterestPaid
from tests.factories import make_plan, make_product, make_user, pay_in

pytestmark = pytest.mark.django_db

Kind = Transaction.Kind


@pytest.fixture
def clock() -> object:
    with time_machine.travel("2026-01-01T09:00:00Z", tick=False) as clock:
        yield clock


def account_of(plan: Plan) -> Account:
    return Account.objects.get(plan=plan)


def on(clock: time_machine.Traveller, day: str) -> datetime.date:
    """Go to 01:00 UTC of a day, which is 02:00 in Lagos, and return the day."""
    clock.move_to(f"{day}T01:00:00Z")
    return datetime.date.fromisoformat(day)


def run(clock: time_machine.Traveller, day: str) -> int:
    return plans.post_due_interest(on(clock, day))


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ((100_000_00, 850, 90), (2_095_89, 209_58, 9_000)),
        ((100_000_00, 1000, 91), (2_493_15, 249_31, 5_000)),
        ((100_000_00, 1200, 365), (12_000_00, 1_200_00, 0)),
        ((100_00, 1000, 365), (10_00, 1_00, 0)),
    ],
)
def test_worked_examples(
    clock: time_machine.Traveller, terms: tuple[int, int, int], expected: tuple[int, int, int]
) -> None:
    """Kobo, basis points and days; then gross, tax and the tax's remainder."""
    holding_kobo, rate_bps, days = terms
    product = make_product(rate_bps=rate_bps, interest_paid=InterestPaid.AT_MATURITY)
    plan = make_plan(make_user(), product, holding_kobo=holding_kobo)
    until = datetime.date(2026, 1, 1) + datetime.timedelta(days=days)
    on(clock, str(until))
    posting = ledger.post_interest(plan, until=until)
    assert posting is not None
    assert (posting.gross_kobo, posting.tax_kobo, posting.tax_remainder) == expected
    kinds = [Kind.INTEREST, Kind.TAX_WITHHELD]
    interest, tax = Transaction.objects.filter(plan=plan, kind__in=kinds).order_by("id")
    assert (interest.amount_kobo, tax.amount_kobo, tax.part_of) == (*expected[:2], interest)
    account = account_of(plan)
    assert account.balance_kobo == holding_kobo + expected[0] - expected[1]
    assert account.tax_remainder == expected[2]
    assert list(ledger.run_checks()) == []


def test_the_monthly_run_posts_up_to_the_first_and_once(clock: time_machine.Traveller) -> None:
    plan = make_plan(make_user(), make_product(rate_bps=1000), holding_kobo=100_000_00)
    assert run(clock, "2026-01-31") == 0
    assert run(clock, "2026-02-01") == 1
    assert run(clock, "2026-02-01") == 0
    posting = InterestPosting.objects.get()
    assert posting.gross_kobo == 100_000_00 * 1000 * 31 // 3_650_000
    assert Account.objects.get(plan=plan).interest_due == datetime.date(2026, 3, 1).toordinal()
    assert list(ledger.run_checks()) == []


def test_a_period_of_nothing_has_a_posting_and_no_transaction(clock: time_machine.Traveller) -> None:
    make_plan(make_user(), make_product(rate_bps=1000))
    assert run(clock, "2026-02-01") == 1
    posting = InterestPosting.objects.get()
    assert (posting.gross_kobo, posting.interest, posting.tax) == (0, None, None)
    assert not Transaction.objects.filter(kind=Kind.INTEREST).exists()
    assert list(ledger.run_checks()) == []


@pytest.mark.parametrize("to", Plan.InterestTo)
def test_a_run_that_was_missed_for_three_months_comes_to_the_same(
    clock: time_machine.Traveller, to: Plan.InterestTo
) -> None:
    """The same payments in the same months; the first plan is posted in time, the second at the end."""
    balances = []
    for is_late in (False, True):
        clock.move_to("2026-01-05T09:00:00Z")
        plan = make_plan(make_user(), make_product(rate_bps=1234), holding_kobo=77_777_77)
        Plan.objects.filter(pk=plan.pk).update(interest_to=to)
        for month in range(2, 6):
            if not is_late:
                run(clock, f"2026-{month:02}-01")
            clock.move_to(f"2026-{month:02}-03T09:00:00Z")
            pay_in(plan.user, 1_234_57, plan=plan)
        if is_late:
            assert run(clock, "2026-05-09") == 4
        on(clock, "2026-05-20")
        plans.move_from_plan(plan.user, plan, amount_kobo=5_00, reference=f"PTS0000000000000000{is_late:d}")
        stash = ledger.balance_kobo(ledger.stash_account(plan.user))
        account = account_of(plan)
        balances.append((account.balance_kobo, account.accrued_numerator, account.tax_remainder, stash))
        days = InterestPosting.objects.filter(account=account).values_list("period_end", flat=True)
        first = datetime.date(2026, 2, 1).toordinal()
        assert sorted(days) == [first, first + 28, first + 59, first + 89]
    assert balances[0] == balances[1]
    assert list(ledger.run_checks()) == []


def test_interest_that_is_late_counts_from_the_due_day(clock: time_machine.Traveller) -> None:
    make_plan(make_user(), make_product(rate_bps=1000), holding_kobo=100_000_00)
    run(clock, "2026-02-07")
    entries = Entry.objects.filter(transaction__kind__in=[Kind.INTEREST, Kind.TAX_WITHHELD])
    assert {entry.value_on for entry in entries} == {datetime.date(2026, 2, 1)}


def test_several_plans_of_one_owner_go_to_one_stash(clock: time_machine.Traveller) -> None:
    user = make_user()
    for _ in range(3):
        plan = make_plan(user, make_product(rate_bps=1000), holding_kobo=100_000_00)
        Plan.objects.filter(pk=plan.pk).update(interest_to=Plan.InterestTo.STASH)
    assert run(clock, "2026-02-01") == 3
    posted = InterestPosting.objects.all()
    net_kobo = sum(posting.gross_kobo - posting.tax_kobo for posting in posted)
    assert ledger.balance_kobo(ledger.stash_account(user)) == net_kobo
    assert list(ledger.run_checks()) == []


def test_a_plan_that_pays_at_maturity_is_not_posted_monthly(clock: time_machine.Traveller) -> None:
    product = make_product(Product.Kind.LOCKED, interest_paid=InterestPaid.AT_MATURITY)
    make_plan(make_user(), product, holding_kobo=100_000_00)
    assert run(clock, "2026-06-01") == 0
    assert list(ledger.run_checks()) == []
