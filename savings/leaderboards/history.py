"""A circle's board kept by the day, and from it anybody's place over time.

Not a row for each member and day: a day is one small row with the scores of the first places and, further down, of
ever fewer. What a member had on it is known from the entries, and the place is read off between the marks.
"""

from __future__ import annotations

import datetime
import logging
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

from django.core.cache import cache
from django.db.models import Case, F, Q, Subquery, Sum, Value, When, Window
from django.db.models.functions import Coalesce, Rank, RowNumber
from django.utils import timezone

from savings import installation, outbox
from savings.leaderboards import contributions, store
from savings.models import Account, BoardDay, Circle, Entry, Membership

logger = logging.getLogger(__name__)

# So many places are kept each; each further mark is five per cent further down: 375 marks for a million members.
EXACT = 200
_STEP_PARTS = 20
_MOST_PLACES = 100_000_000
# Days in a row for five weeks, then Sundays, for a year.
_DAILY_DAYS, _WEEKLY_DAYS = 35, 365
_SUNDAY = 7
_A_DAY_SECONDS = 86_400
_SOON_SECONDS = 600

# A day, and the place at its end; none for a day without a sum that counts.
DailyRank = tuple[datetime.date, int | None]


def record_days(now: datetime.datetime) -> int:
    """Keep yesterday's board of each circle that ran on it, unless it is kept; return how many were.

    Safe to run twice and at two workers. A circle that ended this very day has its last board kept. A circle whose
    board cannot be kept is postponed, and the others are kept.
    """
    yesterday = timezone.localdate(now) - datetime.timedelta(days=1)
    running = Circle.objects.filter(settled_at=None, starts_on__lte=yesterday, ends_on__gt=yesterday)
    missing = running.exclude(board_days__day=yesterday).order_by("pk")
    return outbox.for_each_row(
        "keep_board_day", missing, lambda circle_id: record_day(Circle.objects.get(pk=circle_id), yesterday)
    )


def record_day(circle: Circle, day: datetime.date) -> bool:
    """Keep a circle's board, as it stands now, for a day that is just over; False where it is kept already."""
    # What moves from the end on counts for no board, however late the last one is kept.
    end = timezone.make_aware(datetime.datetime.combine(circle.ends_on, datetime.time.min))
    taken_at = min(timezone.now(), end)
    size, marks = _marks(circle.pk)
    _, is_new = circle.board_days.get_or_create(
        day=day, defaults={"taken_at": taken_at, "size": size, "marks": marks}
    )
    days_ago = [day - datetime.timedelta(days=days) for days in (_DAILY_DAYS, _WEEKLY_DAYS)]
    is_over = Q(day__lt=days_ago[0]) & ~Q(day__iso_week_day=_SUNDAY) | Q(day__lt=days_ago[1])
    circle.board_days.filter(is_over).delete()
    return is_new


def ranks_by_day(
    membership: Membership, today: datetime.date, *, is_cached_only: bool = False
) -> list[DailyRank]:
    """Return the member's place at the end of each day before `today` that was kept since they joined.

    Two queries once a day, since the past does not change; none with `is_cached_only`, which may return nothing.
    """
    key = f"places:{installation.epoch()}:{membership.pk}:{today}"
    known = _parse_ranks(cache.get(key))
    if known is None:
        if is_cached_only:
            return []
        found = _ranks_by_day(membership, today)
        is_whole = bool(found) and found[-1][0] == today - datetime.timedelta(days=1)
        cache.set(
            key,
            [[day.isoformat(), rank] for day, rank in found],
            _A_DAY_SECONDS if is_whole else _SOON_SECONDS,
        )
        return found
    return known


def estimated_rank(score: int, size: int, marks: Sequence[Sequence[int]]) -> int | None:
    """Return the place that a score (kobo) had on a kept board: exact among the marks of the first places.

    Further down it lies between two marks in the measure in which the score does. None without anything saved.
    """
    if score <= 0:
        return None
    at = bisect_left(marks, -score, key=lambda mark: -mark[1])
    if at == len(marks):
        return size + 1
    rank, mark_score = marks[at]
    # Where no place is left out between two marks, whoever is between them has the second one's.
    if mark_score == score or at == 0 or rank <= EXACT:
        return rank
    rank_above, score_above = marks[at - 1]
    return rank_above + max(1, (rank - rank_above) * (score_above - score) // (score_above - mark_score))


def _parse_ranks(kept: Any) -> list[DailyRank] | None:
    """Return the places that were put into a cache, and None for anything else that it may hold."""
    try:
        return [(datetime.date.fromisoformat(day), rank and int(rank)) for day, rank in kept]
    except (TypeError, ValueError):
        return None


def _ranks_by_day(membership: Membership, today: datetime.date) -> list[DailyRank]:
    joined_on = timezone.localdate(membership.joined_at)
    kept = BoardDay.objects.filter(circle_id=membership.circle_id, day__gte=joined_on, day__lt=today)
    account = Account.objects.filter(plan_id=membership.plan_id).values("pk")[:1]
    days = list(kept.order_by("day").annotate(account_id=Subquery(account)))
    sums = _sums(days[0].account_id, [day.taken_at for day in days]) if days else ()
    return [(day.day, estimated_rank(own, day.size, day.marks)) for day, own in zip(days, sums, strict=True)]


def _sums(account_id: int, moments: list[datetime.datetime]) -> Iterator[int]:
    """Return what of a plan's account counted by each of some moments in order: one query, one row for each at most.

    By the account's id: with a subquery in its place PostgreSQL expects half of all entries, and reads the table.
    """
    entries: Any = Entry.objects.filter(Q(credit_account=account_id) | Q(debit_account=account_id))
    entries = entries.filter(posted_at__lte=moments[-1]).annotate(
        kind_counted=Coalesce("transaction__reverses__kind", "transaction__kind"),
        change=Case(When(credit_account=account_id, then=F("amount_kobo")), default=-F("amount_kobo")),
        by=Case(*(When(posted_at__lte=moment, then=Value(at)) for at, moment in enumerate(moments))),
    )
    rows = entries.exclude(kind_counted__in=contributions.NOT_COUNTED).order_by().values_list("by")
    changes = dict(rows.annotate(sum=Sum("change")))
    return accumulate(int(changes.get(at, 0)) for at in range(len(moments)))


def _marks(circle_id: int) -> tuple[int, list[list[int]]]:
    """Return how many have a place, and the marks, from Redis or else from SQL."""
    wanted = _positions()
    answer: list[Any] = []
    if not store.gate.suspect:
        try:
            answer = store.run_script(
                "marks", circle_id, *store.periods(timezone.localdate()), *wanted, upkeep=True
            )
        except store.BoardsUnavailable:
            logger.warning("the day of circle %s is kept from SQL: Redis is away", circle_id)
    size, found = answer or _marks_from_sql(circle_id, wanted)
    marks: list[list[int]] = []
    for score, rank in found:
        if not marks or marks[-1][0] != rank:
            marks.append([int(rank), int(float(score))])
    return size, marks


def _marks_from_sql(circle_id: int, positions: list[int]) -> tuple[int, list[tuple[int, int]]]:
    ranked = Membership.objects.filter(circle_id=circle_id).ranked()
    size = ranked.order_by().count()
    if not size:
        return 0, []
    order = [F("saved_kobo").desc(), F("reached_at").asc(), F("pk").asc()]
    placed = ranked.annotate(
        rank=Window(Rank(), order_by=F("saved_kobo").desc()),
        number=Window(RowNumber(), order_by=order),
    )
    wanted = [at + 1 for at in positions if at < size - 1] + [size]
    found = placed.filter(number__in=wanted).order_by("number").values_list("saved_kobo", "rank")
    return size, list(found)


def _positions() -> list[int]:
    """Return the positions, from 0, of which the scores are kept."""
    found = list(range(EXACT))
    while found[-1] < _MOST_PLACES:
        found.append(found[-1] + max(1, found[-1] // _STEP_PARTS))
    return found
