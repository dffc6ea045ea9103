"""Coverage: what is owed against what is there, line by line."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone
from time_machine import Traveller

from savings import ledger, payments, references
from savings.models import Account, Entry, Plan
from tests.factories import make_plan, make_product, make_transaction, make_user, pay_in, settled

pytestmark = pytest.mark.django_db

Kind = Account.Kind


@pytest.fixture
def clock() -> Iterator[Traveller]:
    """Noon of 10 January 2026, Nigerian time."""
    with time_machine.travel("2026-01-10T11:00:00Z", tick=False) as clock:
        yield clock


@pytest.fixture
def plan(clock: Traveller) -> Plan:
    """A plan with ₦100,000.00 at 10 %, paid by card."""
    return make_plan(product=make_product(rate_bps=1_000), holding_kobo=10_000_000)


def fund(amount_kobo: int, bank: str = "customers") -> None:
    ledger.post_treasury(
        ledger.Purpose.CAPITAL_IN,
        amount_kobo=amount_kobo,
        reference=references.new("treasury"),
        asked_by=make_user(is_staff=True),
        approved_by=make_user(is_staff=True),
        reason="Funding",
        bank=bank,
    )


def shown(lines: dict[str, int]) -> dict[str, int]:
    return {name: kobo for name, kobo in lines.items() if kobo}


def test_savers_money_is_owed_and_collected(plan: Plan) -> None:
    pay_in(plan.user, 500)
    found = ledger.coverage(timezone.now())
    assert shown(found.owed) == {"Stashes": 500, "Plans": 10_000_000}
    assert shown(found.held) == {"Collected and not settled": 10_000_500}
    assert (found.is_enough, found.covered_bps) == (True, 10_000)


def test_earned_interest_and_the_providers_fees_are_missing_until_they_are_funded(
    plan: Plan, clock: Traveller
) -> None:
    clock.shift(datetime.timedelta(days=73))
    movement = make_transaction("stash_deposit", 1_000, user=plan.user)
    clearing, fees = ledger.house_account(Kind.CLEARING, "paystack"), ledger.house_account(Kind.PROVIDER_FEES)
    cost = ledger.Posting(Entry.Code.COST, fees, clearing, 100)
    ledger.settle(movement, debit=clearing, credit=ledger.stash_account(plan.user), also=[cost])
    found = ledger.coverage(timezone.now())
    # 10,000,000 at 10 % for 73 of 365 days.
    assert found.owed["Interest earned and not posted"] == 200_000
    assert found.owed_kobo - found.held_kobo == 200_100
    assert not found.is_enough
    fund(200_100)
    assert ledger.coverage(timezone.now()).is_enough


def test_every_other_debt_is_owed_and_the_owners_bank_account_is_not_there(plan: Plan) -> None:
    user = plan.user
    stash, hold = ledger.stash_account(user), ledger.hold_account(user)
    pay_in(user, 1_000)
    withdrawal = make_transaction("stash_withdrawal", 300, user=user)
    ledger.post(withdrawal, Entry.Code.HOLD, debit=stash, credit=hold, amount_kobo=300)
    payable = ledger.house_account(Kind.TAX_PAYABLE)
    settled("tax_withheld", 7, debit=plan.account, credit=payable, user=user, plan=plan)
    suspended = make_transaction("stash_deposit", 900, user=user, status="review")
    clearing, suspense = ledger.house_account(Kind.CLEARING, "paystack"), ledger.house_account(Kind.SUSPENSE)
    ledger.post(suspended, Entry.Code.SUSPENSE, debit=clearing, credit=suspense, amount_kobo=800)
    fund(5_000, bank="own")
    found = ledger.coverage(timezone.now())
    assert shown(found.owed) == {
        "Stashes": 700,
        "Plans": 9_999_993,
        "Withdrawals on their way": 300,
        "Suspense": 800,
        "Withholding tax": 7,
    }
    assert found.owed_kobo == found.held_kobo == 10_001_800


def test_interest_accrued_at_the_end_of_a_month_is_owed_once(plan: Plan, clock: Traveller) -> None:
    last_day = (timezone.localtime() + datetime.timedelta(days=32)).replace(day=1) - datetime.timedelta(
        days=1
    )
    clock.move_to(last_day.replace(hour=23, minute=50))
    before = ledger.coverage(timezone.now())
    assert before.owed["Interest earned and not posted"] > 0
    assert ledger.accrue_month_end(timezone.now()) == 1
    assert ledger.coverage(timezone.now()) == before


def test_a_stored_day_has_the_balances_of_accounts_of_the_house(plan: Plan) -> None:
    fund(500_00)
    stored = ledger.stored_balances(payments.record_coverage(timezone.now()))
    assert (Kind.BANK, "customers") in stored
    assert (Kind.SUSPENSE, "") in stored
    for kind, place in stored:
        assert stored[kind, place] == ledger.balance_kobo(ledger.house_account(kind, place))
    # The line of all providers is no account.
    assert not {Kind.CLEARING, Kind.PLAN} & {kind for kind, _ in stored}


def test_an_entry_after_the_moment_is_not_counted(plan: Plan, clock: Traveller) -> None:
    at = timezone.now()
    clock.shift(1)
    pay_in(plan.user, 500)
    assert ledger.coverage(at).owed["Stashes"] == 0


def test_nothing_owed_is_covered() -> None:
    found = ledger.coverage(timezone.now())
    assert (found.owed_kobo, found.covered_bps, found.is_enough) == (0, 10_000, True)


def test_the_command_prints_each_line_and_fails_below_the_whole(
    plan: Plan, clock: Traveller, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("coverage")
    printed = capsys.readouterr().out
    assert ["Owed:", "Plans", "100,000.00"] in [line.split() for line in printed.splitlines()]
    assert "Coverage is 100%." in printed
    clock.shift(datetime.timedelta(days=73))
    with pytest.raises(CommandError, match="Coverage is 98.03%: ₦2,000 is missing"):
        call_command("coverage")
