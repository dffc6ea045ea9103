"""Withdrawals: hold, fee with VAT and duty, the provider's cost, failure, and money that comes back."""

from __future__ import annotations

import datetime

import pytest
from django.utils import timezone

from savings import ledger
from savings.exceptions import NotEnoughMoney, ReferenceTaken, Refused
from savings.ledger import WithdrawalFees
from savings.models import Account, Entry, Transaction, User
from tests.factories import fund_balance, make_user, pay_in

pytestmark = pytest.mark.django_db

Kind = Account.Kind
Status = Transaction.Status
FEES = WithdrawalFees(fee_kobo=25_00, vat_kobo=1_87, duty_kobo=50_00)
ALL_FEES = [FEES, WithdrawalFees(), WithdrawalFees(fee_kobo=10_00), WithdrawalFees(duty_kobo=50_00)]
AMOUNT = 50_000_00
REFERENCE, REVERSAL = "STW01M85MW6EM6C1D15Q", "REV01M85MW6EM6C1D15Q"
HOUSE = (Kind.FEE_INCOME, Kind.VAT_PAYABLE, Kind.STAMP_DUTY_PAYABLE, Kind.TRANSFER_COSTS)


@pytest.fixture
def saver() -> User:
    user = make_user()
    pay_in(user, 100_000_00)
    fund_balance(80_000_00)
    return user


def open_one(saver: User, fees: WithdrawalFees = FEES) -> Transaction:
    withdrawal, opened = ledger.open_withdrawal(saver, reference=REFERENCE, amount_kobo=AMOUNT, fees=fees)
    assert opened
    return withdrawal


def held(saver: User) -> tuple[int, int]:
    """The balances of stash and hold."""
    return ledger.balance_kobo(ledger.stash_account(saver)), ledger.balance_kobo(ledger.hold_account(saver))


def house() -> tuple[int, ...]:
    return tuple(ledger.balance_kobo(ledger.house_account(kind)) for kind in HOUSE)


def at_provider() -> int:
    return ledger.balance_kobo(ledger.house_account(Kind.PROVIDER_BALANCE, "paystack"))


def settle(withdrawal: Transaction, fees: WithdrawalFees = FEES) -> bool:
    return ledger.settle_withdrawal(withdrawal, fees, provider="paystack")


def cost(withdrawal: Transaction, cost_kobo: int, duty_kobo: int = 0) -> bool:
    return ledger.record_transfer_cost(
        withdrawal, cost_kobo=cost_kobo, duty_kobo=duty_kobo, provider="paystack"
    )


@pytest.mark.parametrize("fees", ALL_FEES)
def test_money_and_fees_are_set_aside_at_once(saver: User, fees: WithdrawalFees) -> None:
    withdrawal = open_one(saver, fees)
    again, opened = ledger.open_withdrawal(saver, reference=REFERENCE, amount_kobo=AMOUNT, fees=fees)
    assert (again, opened) == (withdrawal, False)
    total = AMOUNT + fees.total_kobo
    assert held(saver) == (100_000_00 - total, total)
    assert house() == (0, 0, 0, 0)
    assert list(ledger.run_checks()) == []


def test_a_stash_that_cannot_pay_the_fee_too_keeps_everything(saver: User) -> None:
    with pytest.raises(NotEnoughMoney):
        ledger.open_withdrawal(saver, reference=REFERENCE, amount_kobo=100_000_00, fees=FEES)
    assert not Transaction.objects.filter(reference=REFERENCE).exists()
    assert held(saver) == (100_000_00, 0)


def test_a_reference_of_another_withdrawal_is_refused(saver: User) -> None:
    open_one(saver)
    with pytest.raises(ReferenceTaken):
        ledger.open_withdrawal(saver, reference=REFERENCE, amount_kobo=AMOUNT - 1, fees=FEES)


@pytest.mark.parametrize("fees", ALL_FEES)
def test_a_success_earns_the_fees_once(saver: User, fees: WithdrawalFees) -> None:
    withdrawal = open_one(saver, fees)
    assert [settle(withdrawal, fees) for _ in range(2)] == [True, False]
    assert held(saver) == (100_000_00 - AMOUNT - fees.total_kobo, 0)
    assert at_provider() == 30_000_00
    assert house() == (fees.fee_kobo, fees.vat_kobo, fees.duty_kobo, 0)
    assert not ledger.fail_withdrawal(withdrawal, Status.FAILED, failure_code="late")
    assert list(ledger.run_checks()) == []


def test_the_provider_is_paid_its_fee_and_the_duty_that_the_saver_paid(saver: User) -> None:
    withdrawal = open_one(saver)
    settle(withdrawal)
    assert [cost(withdrawal, 25_00, 50_00) for _ in range(2)] == [True, False]
    assert at_provider() == 80_000_00 - AMOUNT - 75_00
    assert house() == (25_00, 1_87, 0, 25_00)
    assert list(ledger.run_checks()) == []


@pytest.mark.parametrize(("taken_kobo", "left_kobo"), [(50_00, 0), (0, 50_00)])
def test_a_duty_that_the_provider_took_is_not_left_to_remit(
    saver: User, taken_kobo: int, left_kobo: int
) -> None:
    withdrawal = open_one(saver)
    settle(withdrawal)
    cost(withdrawal, 25_00, taken_kobo)
    month_on = timezone.localdate().replace(day=1)
    later = (month_on + datetime.timedelta(days=31)).replace(day=1)
    sums = [ledger.left_to_remit(month_on), ledger.left_to_remit_before(later)]
    assert [dict(one)["Stamp duty payable"] for one in sums] == [left_kobo, left_kobo]
    assert house()[2] == left_kobo
    ledger.return_withdrawal(withdrawal, reference=REVERSAL)
    assert dict(ledger.left_to_remit(month_on))["Stamp duty payable"] == house()[2] == 0


@pytest.mark.parametrize("fees", ALL_FEES)
@pytest.mark.parametrize(("to", "code"), [(Status.FAILED, "rejected"), (Status.ABANDONED, "cancelled")])
def test_a_failure_gives_money_and_fees_back(saver: User, fees: WithdrawalFees, to: str, code: str) -> None:
    withdrawal = open_one(saver, fees)
    assert [ledger.fail_withdrawal(withdrawal, to, failure_code=code) for _ in range(2)] == [True, False]
    assert held(saver) == (100_000_00, 0)
    assert not settle(withdrawal, fees)
    assert {
        *Transaction.objects.filter(kind__in=["stash_withdrawal", "fee"]).values_list("status", flat=True)
    } == {to}
    assert list(ledger.run_checks()) == []


def test_a_transfer_that_failed_may_have_cost_something(saver: User) -> None:
    withdrawal = open_one(saver)
    ledger.fail_withdrawal(withdrawal, Status.FAILED, failure_code="failed")
    assert cost(withdrawal, 25_00)
    assert (at_provider(), house()) == (80_000_00 - 25_00, (0, 0, 0, 25_00))
    assert list(ledger.run_checks()) == []


@pytest.mark.parametrize("fees", ALL_FEES)
@pytest.mark.parametrize(
    ("charged", "given_back"), [("charged", "kept"), ("charged", "given back"), ("free", "kept")]
)
def test_a_withdrawal_that_comes_back_costs_its_owner_nothing(
    saver: User, fees: WithdrawalFees, charged: str, given_back: str
) -> None:
    withdrawal = open_one(saver, fees)
    settle(withdrawal, fees)
    cost_kobo = 25_00 + fees.duty_kobo if charged == "charged" else 0
    cost(withdrawal, cost_kobo and 25_00, cost_kobo and fees.duty_kobo)
    reversal = ledger.return_withdrawal(withdrawal, reference=REVERSAL)
    assert ledger.return_withdrawal(withdrawal, reference=REVERSAL) == reversal
    assert held(saver) == (100_000_00, 0)
    assert (at_provider(), house()) == (80_000_00 - cost_kobo, (0, 0, 0, cost_kobo))
    if given_back == "given back":
        for _ in range(2):
            ledger.record_returned_cost(reversal, cost_kobo=cost_kobo, provider="paystack")
        assert (at_provider(), house()) == (80_000_00, (0, 0, 0, 0))
    assert list(ledger.run_checks()) == []


def test_only_a_success_can_come_back(saver: User) -> None:
    withdrawal = open_one(saver)
    with pytest.raises(Refused):
        ledger.return_withdrawal(withdrawal, reference=REVERSAL)
    assert held(saver) == (100_000_00 - AMOUNT - FEES.total_kobo, AMOUNT + FEES.total_kobo)


def test_each_entry_has_the_balance_after_it(saver: User) -> None:
    withdrawal = open_one(saver)
    settle(withdrawal)
    fee = withdrawal.parts.get()
    rows = Entry.objects.filter(transaction=fee).order_by("id").values_list("code", "debit_balance_kobo")
    assert list(rows) == [
        ("hold", 100_000_00 - AMOUNT - FEES.total_kobo),
        ("primary", FEES.vat_kobo + FEES.duty_kobo),
        ("vat", FEES.duty_kobo),
        ("duty", 0),
    ]
