"""Treasury postings: the accounts of each purpose, two people, and never more than is there."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from savings import ledger, references
from savings.exceptions import BadAmount, ReferenceTaken, Refused
from savings.ledger import Purpose
from savings.models import Account, Entry, ManualPosting, Transaction, User
from tests import threads
from tests.factories import make_transaction, make_user, pay_in
from tests.interest import post_gross

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]

Kind = Account.Kind


@pytest.fixture
def people() -> dict[str, Any]:
    """Two people of the staff: one asks, one approves."""
    return {"asked_by": make_user(is_staff=True), "approved_by": make_user(is_staff=True)}


def move(purpose: str, amount_kobo: int, people: dict[str, Any], **details: Any) -> Transaction:
    """Post a treasury movement, with a new reference and a reason unless they are given."""
    usual: dict[str, Any] = {"reference": references.new("treasury"), "reason": "Monthly"}
    return ledger.post_treasury(purpose, amount_kobo=amount_kobo, **people, **usual | details)


def house(kind: str, place: str = "") -> int:
    return ledger.balance_kobo(ledger.house_account(kind, place))


def test_collected_money_goes_through_bank_and_balance(people: dict[str, Any]) -> None:
    pay_in(make_user(), 1_000)
    move(Purpose.SETTLEMENT_TO_BANK, 600, people)
    move(Purpose.SETTLEMENT_TO_BALANCE, 400, people)
    move(Purpose.BALANCE_TOP_UP, 150, people)
    move(Purpose.BALANCE_TO_BANK, 50, people)
    assert house(Kind.CLEARING, "paystack") == 0
    assert (house(Kind.BANK, "customers"), house(Kind.PROVIDER_BALANCE, "paystack")) == (500, 500)


def test_what_the_provider_takes_from_the_balance_is_booked_once(people: dict[str, Any]) -> None:
    pay_in(make_user(), 1_000)
    move(Purpose.SETTLEMENT_TO_BALANCE, 400, people)
    reference = references.new("treasury")
    booked = [ledger.record_taking(reference=reference, amount_kobo=150) for _ in range(2)]
    assert booked == [True, False]
    assert (house(Kind.CLEARING, "paystack"), house(Kind.PROVIDER_BALANCE, "paystack")) == (750, 250)
    with pytest.raises(ReferenceTaken):
        ledger.record_taking(reference=reference, amount_kobo=151)
    with pytest.raises(Refused, match=r"Provider balance \(paystack\) has ₦2.50"):
        ledger.record_taking(reference=references.new("treasury"), amount_kobo=251)


def test_the_owner_funds_the_savers_account(people: dict[str, Any]) -> None:
    move(Purpose.CAPITAL_IN, 1_000, people, bank="own")
    move(Purpose.SWEEP, 300, people, bank="customers")
    move(Purpose.BANK_CHARGE, 20, people, bank="own")
    move(Purpose.INVESTMENT_INCOME, 70, people, bank="own")
    move(Purpose.CAPITAL_OUT, 100, people, bank="own")
    move(Purpose.SWEEP, 50, people, bank="own")
    assert (house(Kind.BANK, "customers"), house(Kind.BANK, "own")) == (250, 700)
    assert (house(Kind.CAPITAL), house(Kind.BANK_CHARGES), house(Kind.INVESTMENT_INCOME)) == (900, 20, 70)


@pytest.mark.parametrize("purpose", [Purpose.CAPITAL_IN, Purpose.INVESTMENT_INCOME])
def test_an_entry_says_what_it_was_for(people: dict[str, Any], purpose: Purpose) -> None:
    movement = move(purpose, 1_000, people)
    entry = movement.entries.select_related("debit_account", "credit_account").get()
    assert ledger.purpose_of(entry) == purpose


def test_an_entry_of_no_purpose_has_none(people: dict[str, Any]) -> None:
    entry = pay_in(make_user(), 1_000).entries.select_related("debit_account", "credit_account").get()
    assert ledger.purpose_of(entry) is None


def test_tax_is_remitted_for_a_month(people: dict[str, Any]) -> None:
    withhold(500)
    move(Purpose.CAPITAL_IN, 1_000, people)
    month_on = timezone.localdate().replace(day=1)
    remittance = move(Purpose.TAX_REMITTANCE, 500, people, period_on=month_on, document="R-1")
    assert house(Kind.TAX_PAYABLE) == 0
    posting = ManualPosting.objects.get(transaction=remittance)
    assert (posting.period_on, posting.document, posting.reason) == (month_on, "R-1", "Monthly")


def withhold(amount_kobo: int) -> None:
    """Withhold an amount of tax, at 10 % of interest."""
    assert post_gross(amount_kobo * 10).tax_kobo == amount_kobo


@pytest.mark.parametrize(
    ("purpose", "more", "sentence"),
    [
        (Purpose.SETTLEMENT_TO_BANK, {}, "Clearing (paystack) has ₦0, which is less than ₦0.01."),
        (Purpose.BALANCE_TOP_UP, {}, "Bank (customers) has ₦0"),
        (Purpose.BALANCE_TO_BANK, {}, "Provider balance (paystack) has ₦0"),
        (Purpose.SWEEP, {"bank": "own"}, "Bank (customers) has ₦0"),
        (Purpose.BANK_CHARGE, {"bank": "own"}, "Bank (own) has ₦0"),
        (Purpose.CAPITAL_OUT, {}, "Capital has ₦0"),
        (Purpose.TAX_REMITTANCE, {"period_on": datetime.date(2026, 1, 1)}, "Tax payable has ₦0"),
        (Purpose.VAT_REMITTANCE, {"period_on": datetime.date(2026, 1, 1)}, "VAT payable has ₦0"),
        (Purpose.DUTY_REMITTANCE, {"period_on": datetime.date(2026, 1, 1)}, "Stamp duty payable has ₦0"),
    ],
)
def test_no_more_leaves_than_is_there(
    purpose: str, more: dict[str, Any], sentence: str, people: dict[str, Any]
) -> None:
    with pytest.raises(Refused) as refused:
        move(purpose, 1, people, **more)
    assert sentence in str(refused.value)
    assert not Transaction.objects.exists()


def test_a_remittance_is_no_larger_than_what_is_payable(people: dict[str, Any]) -> None:
    withhold(500)
    move(Purpose.CAPITAL_IN, 1_000, people)
    with pytest.raises(Refused, match=r"Tax payable has ₦5, which is less than ₦5.01."):
        move(Purpose.TAX_REMITTANCE, 501, people, period_on=datetime.date(2026, 1, 1))


def test_a_remittance_is_no_larger_than_what_is_left_of_its_month(people: dict[str, Any]) -> None:
    january, february = datetime.date(2026, 1, 1), datetime.date(2026, 2, 1)
    with time_machine.travel("2026-01-31T22:30:00Z", tick=False) as clock:
        move(Purpose.CAPITAL_IN, 2_000, people)
        withhold(500)
        # Midnight in Lagos is at 23:00 UTC.
        clock.shift(datetime.timedelta(hours=1))
        withhold(300)
        with pytest.raises(Refused) as refused:
            move(Purpose.TAX_REMITTANCE, 501, people, period_on=january)
        assert (str(refused.value), refused.value.field) == (
            "Tax payable of January 2026 is ₦5, which is less than ₦5.01.",
            "amount_kobo",
        )
        move(Purpose.TAX_REMITTANCE, 200, people, period_on=january)
        move(Purpose.TAX_REMITTANCE, 300, people, period_on=february)
        with pytest.raises(Refused, match=r"February 2026 is ₦0"):
            move(Purpose.TAX_REMITTANCE, 1, people, period_on=february)
        move(Purpose.TAX_REMITTANCE, 300, people, period_on=january)
        assert house(Kind.TAX_PAYABLE) == 0


def test_a_repeated_remittance_is_the_first_one(people: dict[str, Any]) -> None:
    withhold(500)
    move(Purpose.CAPITAL_IN, 1_000, people)
    details = {"reference": references.new("treasury"), "period_on": timezone.localdate().replace(day=1)}
    first = move(Purpose.TAX_REMITTANCE, 500, people, **details)
    assert move(Purpose.TAX_REMITTANCE, 500, people, **details) == first
    assert house(Kind.TAX_PAYABLE) == 0


def test_the_fees_taxes_are_remitted_for_the_month_of_the_fee(people: dict[str, Any]) -> None:
    charge_fee(25_00, vat_kobo=187, duty_kobo=50_00)
    move(Purpose.CAPITAL_IN, 10_000, people)
    month_on = timezone.localdate().replace(day=1)
    for purpose, kobo, sentence in (
        (Purpose.VAT_REMITTANCE, 187, "VAT payable of"),
        (Purpose.DUTY_REMITTANCE, 50_00, "Stamp duty payable of"),
    ):
        with pytest.raises(Refused, match=sentence):
            move(purpose, 1, people, period_on=datetime.date(2020, 1, 1))
        move(purpose, kobo, people, period_on=month_on)
    assert (house(Kind.VAT_PAYABLE), house(Kind.STAMP_DUTY_PAYABLE)) == (0, 0)


def charge_fee(amount_kobo: int, *, vat_kobo: int, duty_kobo: int) -> None:
    """Post a fee with its VAT and duty, as with a withdrawal that succeeded."""
    user = make_user()
    whole_kobo = amount_kobo + vat_kobo + duty_kobo
    pay_in(user, whole_kobo)
    fee = make_transaction("fee", amount_kobo, user=user)
    hold = ledger.hold_account(user)
    stash = ledger.stash_account(user)
    ledger.post(fee, Entry.Code.HOLD, debit=stash, credit=hold, amount_kobo=whole_kobo)
    ledger.settle(fee, debit=hold, credit=ledger.house_account(Kind.FEE_INCOME))
    for code, kind, kobo in (
        (Entry.Code.VAT, Kind.VAT_PAYABLE, vat_kobo),
        (Entry.Code.DUTY, Kind.STAMP_DUTY_PAYABLE, duty_kobo),
    ):
        ledger.post(fee, code, debit=hold, credit=ledger.house_account(kind), amount_kobo=kobo)


def test_a_repeat_is_the_first_posting_and_other_details_are_refused(people: dict[str, Any]) -> None:
    reference = references.new("treasury")
    first = move(Purpose.CAPITAL_IN, 1_000, people, reference=reference)
    assert move(Purpose.CAPITAL_IN, 1_000, people, reference=reference) == first
    assert (Entry.objects.count(), ManualPosting.objects.count()) == (1, 1)
    others: list[tuple[str, int, dict[str, Any]]] = [
        (Purpose.CAPITAL_IN, 999, {}),
        (Purpose.INVESTMENT_INCOME, 1_000, {}),
        (Purpose.CAPITAL_IN, 1_000, {"bank": "own"}),
        (Purpose.CAPITAL_IN, 1_000, {"reason": "Another"}),
    ]
    for purpose, amount_kobo, details in others:
        with pytest.raises(ReferenceTaken):
            move(purpose, amount_kobo, people, reference=reference, **details)
    assert house(Kind.BANK, "customers") == 1_000


def test_two_different_people_of_the_staff_are_needed(people: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="Someone else"):
        move(Purpose.CAPITAL_IN, 1, people | {"approved_by": people["asked_by"]})
    with pytest.raises(Refused, match="Only staff"):
        move(Purpose.CAPITAL_IN, 1, people | {"approved_by": make_user()})
    # The rows decide, not the objects in hand.
    User.objects.filter(pk=people["asked_by"].pk).update(is_active=False)
    with pytest.raises(Refused, match="Only staff"):
        move(Purpose.CAPITAL_IN, 1, people)
    assert not Transaction.objects.exists()


@pytest.mark.parametrize(
    ("purpose", "details"),
    [
        (Purpose.CAPITAL_IN, {"reason": "  "}),
        (Purpose.CAPITAL_IN, {"bank": "mine"}),
        (Purpose.CAPITAL_IN, {"period_on": datetime.date(2026, 1, 1)}),
        (Purpose.TAX_REMITTANCE, {}),
        (Purpose.TAX_REMITTANCE, {"period_on": datetime.date(2026, 1, 2)}),
        (Purpose.TAX_REMITTANCE, {"period_on": datetime.date(9999, 1, 1)}),
    ],
)
def test_wrong_details_are_refused(purpose: str, details: dict[str, Any], people: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        move(purpose, 1, people, **details)


def test_amounts_out_of_range_are_refused(people: dict[str, Any]) -> None:
    for amount_kobo in (0, -1, 10**16):
        with pytest.raises(BadAmount):
            move(Purpose.CAPITAL_IN, amount_kobo, people)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_not_move_the_same_money(people: dict[str, Any]) -> None:
    pay_in(make_user(), 1_000)

    def settle(_: int) -> object:
        move(Purpose.SETTLEMENT_TO_BANK, 600, people)
        return "moved"

    assert threads.at_once(settle, 8) == {"moved": 1, Refused: 7}
    assert house(Kind.CLEARING, "paystack") == 400


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_same_reference_at_once_moves_once(people: dict[str, Any]) -> None:
    reference = references.new("treasury")
    outcomes = threads.at_once(lambda _: move(Purpose.CAPITAL_IN, 5, people, reference=reference).pk, 8)
    assert list(outcomes.values()) == [8]
    assert house(Kind.BANK, "customers") == 5
