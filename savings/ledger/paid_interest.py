"""The interest that a user was paid, by month and plan: what was posted, less what was reversed and corrected."""

from __future__ import annotations

import datetime
from collections import defaultdict
from typing import NamedTuple

from django.db.models import DateField, Q, Sum
from django.db.models.functions import TruncMonth

from savings.models import Account, Entry, Transaction
from savings.models.local_days import end_of, start_of

_KINDS = (Transaction.Kind.INTEREST, Transaction.Kind.TAX_WITHHELD, Transaction.Kind.INTEREST_CORRECTION)
_EXPENSE, _PAYABLE = Account.Kind.INTEREST_EXPENSE, Account.Kind.TAX_PAYABLE


class PaidInterest(NamedTuple):
    """What a plan was paid in the month from `month` on. Amounts are in kobo, and negative if more was taken back."""

    month: datetime.date
    plan_id: int
    plan_name: str
    gross_kobo: int
    tax_kobo: int

    @property
    def net_kobo(self) -> int:
        return self.gross_kobo - self.tax_kobo


def paid_interest(
    user_id: int, since: datetime.date, until: datetime.date, *, cutoff_entry_id: int | None = None
) -> list[PaidInterest]:
    """Return the interest posted from one local day to another, both included: the newest month first, then by plan.

    One query. Interest before tax is what was debited to the house's interest expense, less credits; tax the other way
    round. Reversals and corrections count in the month of their posting, whichever month they correct.
    `cutoff_entry_id` leaves later entries out.
    """
    entries = Entry.objects.filter(
        Q(transaction__kind__in=_KINDS) | Q(transaction__reverses__kind__in=_KINDS),
        transaction__user=user_id,
        code=Entry.Code.PRIMARY,
        posted_at__gte=start_of(since),
        posted_at__lt=end_of(until),
    )
    if cutoff_entry_id is not None:
        entries = entries.filter(id__lte=cutoff_entry_id)
    rows = (
        entries.order_by()
        .annotate(month=TruncMonth("posted_at", output_field=DateField()))
        .values_list(
            "month",
            "transaction__plan",
            "transaction__plan__name",
            "debit_account__kind",
            "credit_account__kind",
        )
        .annotate(Sum("amount_kobo"))
    )
    sums: dict[tuple[datetime.date, int, str], list[int]] = defaultdict(lambda: [0, 0])
    for month, plan_id, name, debit, credit, kobo in rows:
        found = sums[month, plan_id, name]
        found[0] += int(kobo) * ((debit == _EXPENSE) - (credit == _EXPENSE))
        found[1] += int(kobo) * ((credit == _PAYABLE) - (debit == _PAYABLE))
    paid = (PaidInterest(*key, gross_kobo, tax_kobo) for key, (gross_kobo, tax_kobo) in sums.items())
    return sorted(paid, key=lambda one: (-one.month.toordinal(), one.plan_id))
