"""The span of a statement: its period as ledger entries, their number, and the balances before and after them.

A span reaches from the last entry before its first day to the last entry of its last day or the cut-off, whichever is
earlier. All postings of a user wait for that user's row lock, so their entries are in the order of their moments, and
no entry is ever added below the cut-off.
"""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from savings.models import Account, Entry
from savings.models.local_days import end_of, start_of
from savings.statements import sql
from savings.statements.subjects import Subject, other_payments

# The most entries that a form counts to estimate the rows: enough for every format with a limit.
LOOKS_BACK_ROWS = 50_000


@dataclasses.dataclass(frozen=True)
class Span:
    """The entries of a period, after one entry id and up to another, and the balances before and after them."""

    # Both days are included.
    since: datetime.date
    until: datetime.date
    after: int
    to: int
    opening_kobo: int
    closing_kobo: int


def span_of(subject: Subject, *, since: datetime.date, until: datetime.date, cutoff: int) -> Span:
    """Return the entries of a period up to the cut-off, and the balances (kobo) before and after them."""
    after = _last_entry(subject, cutoff, start_of(since))
    to = _last_entry(subject, cutoff, end_of(until))
    return Span(
        since=since,
        until=until,
        after=after,
        to=to,
        opening_kobo=_balance(subject, after),
        closing_kobo=_balance(subject, to),
    )


def newest_entry() -> int:
    """Return the id of the newest entry, 0 without one: the cut-off, if the caller holds the user's row lock."""
    return Entry.objects.order_by("-id").values_list("id", flat=True).first() or 0


def count_rows(subject: Subject, span: Span) -> int:
    """Return the exact number of rows, for the writer's progress. Slow for large accounts: only in the background."""
    ids = [account.pk for account in subject.accounts]
    within = Entry.objects.filter(id__gt=span.after, id__lte=span.to)
    own = within.filter(debit_account__in=ids).count() + within.filter(credit_account__in=ids).count()
    return own + other_payments(subject, since=span.since, until=span.until).count()


def estimate_rows(subject: Subject, *, since: datetime.date, until: datetime.date, most: int) -> int:
    """Return how many rows a statement would have, at most `most` + 1.

    Counts only among the newest 50,000 entries of each account. The writer counts exactly and refuses a statement that
    is too long.
    """
    rows = sql.count_newest(
        subject.accounts,
        begins=start_of(since),
        ends=end_of(until),
        newest=newest_entry(),
        limit=LOOKS_BACK_ROWS,
    )
    rows += other_payments(subject, since=since, until=until)[: most + 1].count()
    return min(rows, most + 1)


def _last_entry(subject: Subject, cutoff: int, before: datetime.datetime) -> int:
    """Return the id of the accounts' last entry before a moment, 0 without one."""
    entries = Entry.objects.filter(posted_at__lt=before)
    ids = _last_entries(subject, entries, cutoff).values_list("debit_id", "credit_id")
    return max((entry_id or 0 for pair in ids for entry_id in pair), default=0)


def _balance(subject: Subject, entry_id: int) -> int:
    """Return the accounts' total balance (kobo) right after an entry, from each account's own last entry."""
    accounts = _last_entries(subject, Entry.objects.all(), entry_id)
    rows = accounts.values_list("debit_id", "debit_kobo", "credit_id", "credit_kobo")
    return sum(
        (debit_kobo if (debit or 0) > (credit or 0) else credit_kobo) or 0
        for debit, debit_kobo, credit, credit_kobo in rows
    )


def _last_entries(subject: Subject, entries: QuerySet[Entry], to: int) -> QuerySet[Any]:
    """Return the accounts with the last of these entries on each side, and the balances stored in them."""
    entries = entries.filter(id__lte=to).order_by("-id")
    debit, credit = (entries.filter(**{side: OuterRef("pk")}) for side in ("debit_account", "credit_account"))
    return Account.objects.filter(pk__in=[account.pk for account in subject.accounts]).annotate(
        debit_id=Subquery(debit.values("id")[:1]),
        debit_kobo=Subquery(debit.values("debit_balance_kobo")[:1]),
        credit_id=Subquery(credit.values("id")[:1]),
        credit_kobo=Subquery(credit.values("credit_balance_kobo")[:1]),
    )
