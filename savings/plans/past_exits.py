"""What an early exit came to, read from the books for its receipt."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from savings import money
from savings.models import Entry, ForfeitedInterest, InterestPosting, Transaction

Kind = Transaction.Kind


class PastExit(NamedTuple):
    """An early exit, in kobo. `asked_kobo` were taken from the plan, and `arrived_kobo` reached the stash."""

    asked_kobo: int
    penalty_kobo: int
    forfeited_kobo: int
    gross_kobo: int
    tax_kobo: int
    arrived_kobo: int


def exit_of(movement: Transaction) -> PastExit | None:
    """Return what an exit came to, by its move from the plan to the stash; None for a move that was nothing but that.

    One query.
    """
    if movement.kind != Kind.PLAN_TO_STASH or movement.settled_on is None:
        return None
    penalties = Transaction.objects.filter(part_of=OuterRef("pk"), kind=Kind.PENALTY)
    forfeited = ForfeitedInterest.objects.filter(transaction=OuterRef("pk"))
    postings = _postings(timezone.localdate(movement.settled_on).toordinal())
    row = (
        Transaction.objects.filter(pk=movement.pk)
        .annotate(
            penalty=Coalesce(Subquery(_sum(penalties, "part_of", "amount_kobo")), 0),
            forfeited=Coalesce(Subquery(_sum(forfeited, "transaction", "numerator")), 0),
            gross=Coalesce(Subquery(postings.values("gross_kobo")[:1]), 0),
            tax=Coalesce(Subquery(postings.values("tax_kobo")[:1]), 0),
        )
        .values_list("penalty", "forfeited", "gross", "tax")
        .get()
    )
    penalty_kobo, forfeited_numerator, gross_kobo, tax_kobo = map(int, row)
    if not any(row):
        return None
    return PastExit(
        asked_kobo=movement.amount_kobo + penalty_kobo,
        penalty_kobo=penalty_kobo,
        forfeited_kobo=money.interest(forfeited_numerator),
        gross_kobo=gross_kobo,
        tax_kobo=tax_kobo,
        arrived_kobo=movement.amount_kobo + gross_kobo - tax_kobo,
    )


def _postings(day: int) -> QuerySet[InterestPosting]:
    """Return the posting of interest that belongs to a full exit on a day, for a subquery.

    A full exit leaves nothing in the plan, and opens its interest after its move. A posting of that day for another
    reason comes before, because a day has one posting.
    """
    emptied = Entry.objects.filter(
        transaction=OuterRef(OuterRef("pk")), code=Entry.Code.PRIMARY, debit_balance_kobo=0
    )
    return InterestPosting.objects.filter(
        account__in=Subquery(emptied.values("debit_account")),
        period_end=day,
        interest__gt=OuterRef("pk"),
    )


def _sum(rows: QuerySet[Any], of: str, column: str) -> Any:
    return rows.order_by().values(of).annotate(sum=Sum(F(column))).values("sum")
