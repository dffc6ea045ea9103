"""What is left to remit for a month: the tax, VAT or duty that was booked in it, less what was remitted for it."""

from __future__ import annotations

import datetime
from typing import Any

from django.db.models import QuerySet, Sum
from django.utils import timezone

from savings.exceptions import Refused
from savings.ledger import messages, reports
from savings.ledger.accounts import house_account
from savings.models import Account, Entry, ManualPosting, Transaction
from savings.models.local_days import start_of

_REMITTED = (Account.Kind.TAX_PAYABLE, Account.Kind.VAT_PAYABLE, Account.Kind.STAMP_DUTY_PAYABLE)


def left_to_remit(month_on: datetime.date) -> list[tuple[str, int]]:
    """Return the name of each tax and what is left to remit of it for a month, in kobo. See `payable_kobo`."""
    return [(str(kind.label), payable_kobo(house_account(kind), month_on)) for kind in _REMITTED]


def left_to_remit_before(month_on: datetime.date) -> list[tuple[str, int]]:
    """Return what `left_to_remit` does, for all months before one."""
    return [(str(kind.label), _payable_before_kobo(house_account(kind), month_on)) for kind in _REMITTED]


def payable_kobo(account: Account, month_on: datetime.date) -> int:
    """Return what is left to remit from an account for the month that begins on `month_on`, in kobo.

    Taxes belong to the month in which they were posted. What was reversed does not count, and neither does a duty that
    the provider took for the transfer: the provider remits it.
    """
    since, until = start_of(month_on), reports.month_end(month_on)
    booked = _booked(account).filter(posted_at__gte=since, posted_at__lt=until)
    taken = _taken_by_provider(account).filter(
        transaction__settled_on__gte=since, transaction__settled_on__lt=until
    )
    remitted = _remitted(account).filter(period_on=month_on)
    return _left_kobo(account, booked, taken, remitted)


def check_amount(account: Account, month_on: datetime.date, amount_kobo: int) -> None:
    """Raise Refused for a remittance of more kobo than is left to remit for a month."""
    left_kobo = payable_kobo(account, month_on)
    if amount_kobo > left_kobo:
        raise Refused(
            messages.month_too_low(account.get_kind_display(), month_on, left_kobo, amount_kobo),
            field="amount_kobo",
        )


def check_not_remitted(entry: Entry) -> None:
    """Raise Refused when less is left of a month than was remitted, now that the tax of this entry is reversed."""
    month_on = timezone.localdate(entry.posted_at).replace(day=1)
    if payable_kobo(entry.credit_account, month_on) < 0:
        raise Refused(messages.tax_remitted(month_on))


def _payable_before_kobo(account: Account, month_on: datetime.date) -> int:
    end = start_of(month_on)
    booked = _booked(account).filter(posted_at__lt=end)
    taken = _taken_by_provider(account).filter(transaction__settled_on__lt=end)
    remitted = _remitted(account).filter(period_on__lt=month_on)
    return _left_kobo(account, booked, taken, remitted)


def _left_kobo(
    account: Account, booked: QuerySet[Entry], taken: QuerySet[Entry], remitted: QuerySet[ManualPosting]
) -> int:
    left_kobo = _sum(booked, "amount_kobo") - _sum(remitted, "transaction__amount_kobo")
    # The provider takes no other tax.
    is_duty = account.kind == Account.Kind.STAMP_DUTY_PAYABLE
    return left_kobo - _sum(taken, "amount_kobo") if is_duty else left_kobo


def _booked(account: Account) -> QuerySet[Entry]:
    return Entry.objects.filter(
        credit_account=account, transaction__status=Transaction.Status.SUCCESS, transaction__reverses=None
    )


def _taken_by_provider(account: Account) -> QuerySet[Entry]:
    """Return the duties that the provider took with its fee. Each counts for the month of its withdrawal."""
    return Entry.objects.filter(
        debit_account=account,
        code=Entry.Code.DUTY,
        transaction__kind=Transaction.Kind.STASH_WITHDRAWAL,
        transaction__status=Transaction.Status.SUCCESS,
    )


def _remitted(account: Account) -> QuerySet[ManualPosting]:
    return ManualPosting.objects.filter(
        transaction__entries__debit_account=account, transaction__status=Transaction.Status.SUCCESS
    )


def _sum(rows: QuerySet[Any], column: str) -> int:
    return int(rows.aggregate(kobo=Sum(column, default=0))["kobo"])
