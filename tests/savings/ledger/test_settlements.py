"""Settlements of the provider: booked once, and only when they agree with their payments."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from savings import ledger, references
from savings.exceptions import ReferenceTaken, Refused
from savings.models import Account, Entry, Payment, Settlement, Transaction
from tests import threads
from tests.factories import make_transaction, make_user
from tests.refunds import charge_back

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]

Kind = Account.Kind


def pay(provider_id: int, paid_kobo: int, fee_kobo: int) -> Payment:
    """Return a settled card payment into a stash, with the provider's fee posted."""
    user = make_user()
    transaction = make_transaction("stash_deposit", paid_kobo, user=user)
    clearing = ledger.house_account(Kind.CLEARING, "paystack")
    fees = ledger.house_account(Kind.PROVIDER_FEES)
    cost = ledger.Posting(Entry.Code.COST, fees, clearing, fee_kobo)
    ledger.settle(transaction, debit=clearing, credit=ledger.stash_account(user), also=[cost])
    return Payment.objects.create(
        transaction=transaction, provider_id=provider_id, paid_kobo=paid_kobo, fee_kobo=fee_kobo
    )


def record(**details: Any) -> Settlement:
    """Record settlement 9 of the payments 1 and 2: 3,000,000 kobo less 65,000 of fees."""
    usual: dict[str, Any] = {
        "reference": references.new("treasury"),
        "provider_id": 9,
        "settled_on": datetime.date(2026, 1, 6),
        "gross_kobo": 3_000_000,
        "fees_kobo": 65_000,
        "payment_ids": [1, 2],
    }
    return ledger.record_settlement(**usual | details)


@pytest.fixture
def payments() -> list[Payment]:
    """Two payments: 2,500,000 kobo with a fee of 47,500, and 500,000 with a fee of 17,500."""
    return [pay(1, 2_500_000, 47_500), pay(2, 500_000, 17_500)]


def house(kind: str, place: str) -> int:
    return ledger.balance_kobo(ledger.house_account(kind, place))


def test_what_arrives_is_the_payments_less_fees(payments: list[Payment]) -> None:
    settlement = record()
    assert house(Kind.BANK, "customers") == settlement.net_kobo == 2_935_000
    assert house(Kind.CLEARING, "paystack") == 0
    assert settlement.transaction
    assert (settlement.transaction.kind, settlement.transaction.user) == ("treasury", None)
    assert set(settlement.payments.all()) == set(payments)


def test_it_may_go_to_the_provider_balance(payments: list[Payment]) -> None:
    record(to_balance=True)
    assert house(Kind.PROVIDER_BALANCE, "paystack") == 2_935_000


def test_a_repeat_is_the_first_one_and_another_reference_is_refused(payments: list[Payment]) -> None:
    reference = references.new("treasury")
    first = record(reference=reference)
    assert record(reference=reference) == first
    for details in (
        {},
        {"reference": reference, "fees_kobo": 1},
        {"reference": reference, "payment_ids": [1]},
    ):
        with pytest.raises(Refused, match="Settlement 9 is booked already"):
            record(**details)
    with pytest.raises(Refused, match="Payment 1 is in another settlement"):
        record(provider_id=10)
    assert Settlement.objects.count() == 1
    assert house(Kind.BANK, "customers") == 2_935_000


@pytest.mark.parametrize(
    ("details", "sentence"),
    [
        (
            {"gross_kobo": 3_000_100},
            "amounts of its payments add up to ₦30,000, and the provider says ₦30,001: a difference of ₦1.",
        ),
        ({"fees_kobo": 0}, "fees of its payments add up to ₦650,"),
        ({"payment_ids": [1]}, "amounts of its payments add up to ₦25,000,"),
        ({"payment_ids": [1, 2, 3]}, "Payment 3 of this settlement is unknown"),
        ({"deductions_kobo": 3_000_000}, "less than nothing"),
        ({"deductions_kobo": -1}, "less than nothing"),
    ],
)
def test_a_settlement_that_differs_is_refused_and_nothing_is_booked(
    details: dict[str, Any], sentence: str, payments: list[Payment]
) -> None:
    with pytest.raises(Refused) as refused:
        record(**details)
    assert sentence in str(refused.value)
    assert not Settlement.objects.exists()
    assert not Transaction.objects.filter(kind="treasury").exists()
    assert not Payment.objects.exclude(settlement=None).exists()


def test_a_settlement_larger_than_clearing_is_refused(payments: list[Payment]) -> None:
    people: dict[str, Any] = {"asked_by": make_user(is_staff=True), "approved_by": make_user(is_staff=True)}
    ledger.post_treasury(
        ledger.Purpose.SETTLEMENT_TO_BALANCE,
        amount_kobo=1,
        reference=references.new("treasury"),
        reason="Test",
        **people,
    )
    with pytest.raises(Refused, match=r"Clearing \(paystack\) has ₦29,349.99"):
        record()


def test_a_settlement_of_which_nothing_arrives_has_no_transaction(payments: list[Payment]) -> None:
    for payment, kobo in zip(payments, (2_500_000, 435_000), strict=True):
        charge_back(payment.transaction, kobo)
    settlement = record(deductions_kobo=2_935_000)
    assert settlement.transaction is None
    assert record(deductions_kobo=2_935_000) == settlement


def test_the_reference_of_something_else_is_refused(payments: list[Payment]) -> None:
    movement = make_transaction("treasury", 2_935_000, user=None)
    with pytest.raises(ReferenceTaken):
        record(reference=movement.reference)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_settlement_reported_at_once_is_booked_once(payments: list[Payment]) -> None:
    assert threads.at_once(lambda _: record().pk, 8)[Refused] == 7
    assert house(Kind.BANK, "customers") == 2_935_000
