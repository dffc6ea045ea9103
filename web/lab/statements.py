"""Experiment: a statement written while the user waits, or by a worker. Both are the user's own statements."""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from savings import statements
from savings.models import Statement, Transaction, User
from savings.models.statements import Scope
from web.lab.measure import Headline, Rows, Way, compare

FORMATS = ("csv", "pdf")
# The first days of the lab's statements, by which they are found again. No saver has joined so early.
FIRST_DAY = statements.BEGINNING + datetime.timedelta(days=1)
_DAYS = 3_000
_ROUNDS = 3


class Wanted(NamedTuple):
    """The user who asks for a statement of everything, its format, and a list to which each statement is added."""

    user: User
    format: str
    made: list[Statement]


def inline(wanted: Wanted) -> Rows:
    # In one transaction, so that no worker sees the request before the file is written.
    with transaction.atomic():
        statement = request(wanted)
        statements.write_now(statement)
    return facts_of(statement)


def queued(wanted: Wanted) -> Rows:
    statement = request(wanted)
    return facts_of(statement)


WAYS = [
    Way("Written inline", "The page waits until the file is written and stored.", inline),
    Way("Queued", "The request writes two rows and queues a task. A worker writes the file.", queued),
]


def request(wanted: Wanted) -> Statement:
    """Request a statement of everything, from one of many days on which nobody had saved yet.

    The same request within a minute would return the first statement, and one of the two ways would have no work.
    """
    since = FIRST_DAY + datetime.timedelta(days=random.randrange(_DAYS))  # noqa: S311 - no secret
    until = timezone.localdate()
    statement = statements.request(
        wanted.user, scope=Scope.EVERYTHING, since=since, until=until, format=wanted.format
    )
    wanted.made.append(statement)
    return statement


def made() -> QuerySet[Statement]:
    """Return the lab's statements of everybody."""
    last_day = FIRST_DAY + datetime.timedelta(days=_DAYS)
    return Statement.objects.filter(since__gte=FIRST_DAY, since__lt=last_day, scope=Scope.EVERYTHING)


def clean(user: User | None = None) -> int:
    """Delete the lab's statements with their files, of one user or of everybody, and return their number."""
    found = list(made().filter(user=user) if user else made())
    for statement in found:
        statements.delete(statement)
    return len(found)


def facts_of(statement: Statement) -> Rows:
    """Return what was requested, which is the same in both ways."""
    return [(statement.scope, statement.format, statement.until)]


def headlines() -> Iterator[Headline]:
    """Measure both formats for the user with the most transactions, in transactions that are rolled back.

    So the commit and the task are left out of the queued way: about two milliseconds.
    """
    busiest = (
        Transaction.objects.exclude(user=None).values("user").annotate(rows=Count("pk")).order_by("-rows")[:1]
    )
    for row in busiest:
        user = User.objects.get(pk=row["user"])
        for file_format in FORMATS:
            yield from _measure(Wanted(user, file_format, []), rows=row["rows"])


def _measure(wanted: Wanted, *, rows: int) -> Iterator[Headline]:
    with transaction.atomic():
        found = compare(WAYS, wanted, rounds=_ROUNDS)
        written = wanted.user.statements.filter(pk__in=[one.pk for one in wanted.made], file_name__gt="")
        for statement in written:
            statements.delete_file(statement.file_name)
        transaction.set_rollback(True)
    inline_, queued_ = found.outcomes
    what = f"{wanted.format.upper()} statement of {rows:,} rows"
    yield Headline(f"{what}, the user waits inline : queued", inline_.times_text)
    yield Headline(f"{what}, inline", inline_.time_text)
    yield Headline(f"{what}, queued", queued_.time_text)
