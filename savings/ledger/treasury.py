"""Treasury: money between accounts of the house, moved on the word of two people of the staff."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

from django.db import models
from django.db.transaction import atomic
from django.utils import timezone

from savings.exceptions import SENT_OTHERWISE, ReferenceTaken, Refused
from savings.ledger import messages, remittances
from savings.ledger.accounts import balance_kobo, house_account
from savings.ledger.people import check_people, check_reason
from savings.ledger.transactions import open_transaction, settle
from savings.models import Account, Entry, Installation, ManualPosting, Transaction, User

Kind = Account.Kind
BANKS = ("customers", "own")


class Purpose(models.TextChoices):
    """The purpose of a treasury posting, which decides its two accounts."""

    SETTLEMENT_TO_BANK = "settlement_to_bank", "Settlement to the bank"
    SETTLEMENT_TO_BALANCE = "settlement_to_balance", "Settlement to the provider balance"
    BALANCE_TOP_UP = "balance_top_up", "Top-up of the provider balance"
    BALANCE_TO_BANK = "balance_to_bank", "Provider balance to the bank"
    TAKEN_FROM_BALANCE = "taken_from_balance", "Refund or dispute taken from the provider balance"
    SWEEP = "sweep", "From the other bank account"
    CAPITAL_IN = "capital_in", "Capital paid in"
    CAPITAL_OUT = "capital_out", "Capital paid out"
    BANK_CHARGE = "bank_charge", "Bank charge"
    TAX_REMITTANCE = "tax_remittance", "Remittance of tax"
    VAT_REMITTANCE = "vat_remittance", "Remittance of VAT"
    DUTY_REMITTANCE = "duty_remittance", "Remittance of stamp duty"
    INVESTMENT_INCOME = "investment_income", "Investment income"


# The debited and the credited kind of account of each purpose.
_KINDS: dict[str, tuple[str, str]] = {
    Purpose.SETTLEMENT_TO_BANK: (Kind.BANK, Kind.CLEARING),
    Purpose.SETTLEMENT_TO_BALANCE: (Kind.PROVIDER_BALANCE, Kind.CLEARING),
    Purpose.BALANCE_TOP_UP: (Kind.PROVIDER_BALANCE, Kind.BANK),
    Purpose.BALANCE_TO_BANK: (Kind.BANK, Kind.PROVIDER_BALANCE),
    Purpose.TAKEN_FROM_BALANCE: (Kind.CLEARING, Kind.PROVIDER_BALANCE),
    Purpose.SWEEP: (Kind.BANK, Kind.BANK),
    Purpose.CAPITAL_IN: (Kind.BANK, Kind.CAPITAL),
    Purpose.CAPITAL_OUT: (Kind.CAPITAL, Kind.BANK),
    Purpose.BANK_CHARGE: (Kind.BANK_CHARGES, Kind.BANK),
    Purpose.TAX_REMITTANCE: (Kind.TAX_PAYABLE, Kind.BANK),
    Purpose.VAT_REMITTANCE: (Kind.VAT_PAYABLE, Kind.BANK),
    Purpose.DUTY_REMITTANCE: (Kind.STAMP_DUTY_PAYABLE, Kind.BANK),
    Purpose.INVESTMENT_INCOME: (Kind.BANK, Kind.INVESTMENT_INCOME),
}
_PURPOSES = {kinds: Purpose(purpose) for purpose, kinds in _KINDS.items()}
REMITTANCES = {Purpose.TAX_REMITTANCE, Purpose.VAT_REMITTANCE, Purpose.DUTY_REMITTANCE}


class Route(NamedTuple):
    debit: Account
    credit: Account


def purpose_of(entry: Entry) -> Purpose | None:
    """Return what an entry of a treasury transaction is for, by its accounts, which are loaded; None for accruals."""
    return _PURPOSES.get((entry.debit_account.kind, entry.credit_account.kind))


def post_treasury(
    purpose: str,
    *,
    amount_kobo: int,
    reference: str,
    asked_by: User,
    approved_by: User,
    reason: str,
    document: str = "",
    period_on: datetime.date | None = None,
    bank: str = "customers",
    provider: str = "paystack",
) -> Transaction:
    """Move kobo between accounts of the house for a `Purpose`, and return the transaction.

    `bank` is the bank account that pays or receives; a sweep goes into it from the other one. `period_on` is the first
    day of the month that a remittance is for. A repeat with the same reference returns the first transaction. Raises
    Refused unless two different people of the staff ask and approve, and when more would leave an account than is
    there, or than is left to remit for the month; ReferenceTaken when the reference belongs to other details; BadAmount
    for an amount out of range.
    """
    details: dict[str, Any] = {
        "asked_by": asked_by,
        "approved_by": approved_by,
        "reason": reason.strip(),
        "document": document.strip(),
        "period_on": period_on,
    }
    _check_details(purpose, details["reason"], period_on, bank)
    with atomic():
        lock_treasury()
        route = find_route(purpose, bank, provider)
        transaction, _ = open_transaction(
            reference=reference, kind=Transaction.Kind.TREASURY, user=None, amount_kobo=amount_kobo
        )
        if transaction.is_settled:
            _check_same(transaction, route, details)
            return transaction
        check_people(asked_by, approved_by)
        move(transaction, route)
        if period_on is not None:
            remittances.check_amount(route.debit, period_on, amount_kobo)
        ManualPosting.objects.create(transaction=transaction, **details)
    return transaction


def record_taking(*, reference: str, amount_kobo: int, provider: str = "paystack") -> bool:
    """Book that the provider took kobo from its balance for a refund or dispute; return whether this call did.

    On the provider's word, without a person, as settlements are. Raises Refused when the balance has less in the books,
    and ReferenceTaken when the reference belongs to something else.
    """
    with atomic():
        lock_treasury()
        transaction, _ = open_transaction(
            reference=reference, kind=Transaction.Kind.TREASURY, user=None, amount_kobo=amount_kobo
        )
        if transaction.is_settled:
            return False
        move(transaction, find_route(Purpose.TAKEN_FROM_BALANCE, BANKS[0], provider))
    return True


def lock_treasury() -> None:
    """Let treasury postings wait for each other, because the balances that they check are sums and not rows."""
    Installation.objects.get_or_create(pk=Installation.ONLY)
    Installation.objects.select_for_update().get(pk=Installation.ONLY)


def _check_details(purpose: str, reason: str, period_on: datetime.date | None, bank: str) -> None:
    if bank not in BANKS:
        raise Refused(messages.no_bank(bank))
    check_reason(reason)
    if (period_on is not None) != (purpose in REMITTANCES):
        raise Refused(messages.REMITTANCE_MONTH, field="period_on")
    if period_on is not None and (period_on.day != 1 or period_on > timezone.localdate()):
        raise Refused(messages.MONTH_NOT_BEGUN, field="period_on")


def find_route(purpose: str, bank: str, provider: str) -> Route:
    """Return the accounts of a purpose, opened where they are missing."""
    debit, credit = _KINDS[purpose]
    other = BANKS[1] if bank == BANKS[0] else BANKS[0]
    places: dict[str, str] = {Kind.BANK: bank, Kind.CLEARING: provider, Kind.PROVIDER_BALANCE: provider}
    source = other if purpose == Purpose.SWEEP else places.get(credit, "")
    return Route(house_account(debit, places.get(debit, "")), house_account(credit, source))


def move(transaction: Transaction, route: Route) -> None:
    """Settle a treasury transaction. Raises Refused when an account would fall below zero."""
    falling = [
        account
        for account, is_debited in ((route.debit, True), (route.credit, False))
        if account.is_debit_normal != is_debited
    ]
    for account in falling:
        there_kobo = balance_kobo(account)
        if there_kobo < transaction.amount_kobo:
            place = f" ({account.provider})" if account.provider else ""
            name = f"{account.get_kind_display()}{place}"
            raise Refused(
                messages.account_too_low(name, there_kobo, transaction.amount_kobo), field="amount_kobo"
            )
    settle(transaction, debit=route.debit, credit=route.credit)


def _check_same(transaction: Transaction, route: Route, details: dict[str, Any]) -> None:
    """Raise ReferenceTaken unless this reference was posted with the same accounts, people and reasons."""
    is_posted = Entry.objects.filter(
        transaction=transaction, debit_account=route.debit, credit_account=route.credit
    ).exists()
    if not is_posted or not ManualPosting.objects.filter(transaction=transaction, **details).exists():
        raise ReferenceTaken(SENT_OTHERWISE)
