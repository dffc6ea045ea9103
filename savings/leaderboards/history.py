"""The daily history of a circle's leaderboard, and from it a member's rank over time.

A day is one small row for the whole circle, not one for each member: it holds marks, pairs of rank and score, for each
of the first ranks and for fewer and fewer ranks below. A member's score on a day comes from the ledger entries, and the
rank is interpolated between the marks.
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

# Every rank down to this one has its own mark. Each further mark is 5% further down: 375 marks for a million members.
EXACT_RANKS = 200
_STEP_PARTS = 20
_MOST_MEMBERS = 100_000_000
# Each day of the last five weeks, then Sundays only, for a year.
_DAILY_DAYS, _WEEKLY_DAYS = 35, 365
_SUNDAY = 7
_COMPLETE_SECONDS = 86_400
_INCOMPLETE_SECONDS = 600

# A day and the rank at its end; None for a day without savings.
DailyRank = tuple[datetime.date, int | None]


def record_days(now: datetime.datetime) -> int:
    """Store yesterday's leaderboard of each circle that ran yesterday, and return the number of new days.

    Safe to run twice and in two workers at once. A circle that ends today ran yesterday, so its last day is stored. A
    circle that fails is postponed, and the others are stored.
    """
    yesterday = timezone.localdate(now) - datetime.timedelta(days=1)
    running = Circle.objects.filter(settled_at=None, starts_on__lte=yesterday, ends_on__gt=yesterday)
    missing = running.exclude(board_days__day=yesterday).order_by("pk")
    return outbox.for_each_row(
        "keep_board_day", missing, lambda circle_id: record_day(Circle.objects.get(pk=circle_id), yesterday)
    )


def record_day(circle: Circle, day: datetime.date) -> bool:
    """Store a circle's current leaderboard for the day that has just ended; False if that day is stored already."""
    # Payments after the circle's end count for no day, however late its last day is stored.
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
    membership_id: int, today: datetime.date, *, is_cached_only: bool = False
) -> list[DailyRank]:
    """Return the member's rank at the end of each stored day since they joined and before `today`.

    Two queries once a day, then a cached list, because the past does not change. With `is_cached_only` no query at all:
    the list is empty if it is not cached.
    """
    key = f"places:{installation.epoch()}:{membership_id}:{today}"
    cached = _parse_ranks(cache.get(key))
    if cached is not None:
        return cached
    if is_cached_only:
        return []
    ranks = _ranks_by_day(membership_id, today)
    has_yesterday = bool(ranks) and ranks[-1][0] == today - datetime.timedelta(days=1)
    cache.set(
        key,
        [[day.isoformat(), rank] for day, rank in ranks],
        _COMPLETE_SECONDS if has_yesterday else _INCOMPLETE_SECONDS,
    )
    return ranks


def estimated_rank(score: int, *, size: int, marks: Sequence[Sequence[int]]) -> int | None:
    """Return the rank of a score (kobo) on a stored day, from its number of ranked members and its marks.

    Exact for the first 200 ranks, interpolated linearly between two marks below. None for a score of zero or less.
    """
    if score <= 0:
        return None
    at = bisect_left(marks, -score, key=lambda mark: -mark[1])
    if at == len(marks):
        return size + 1
    rank, mark_score = marks[at]
    # Among the exact ranks no rank is missing between two marks, so a score between them has the second one's rank.
    if mark_score == score or at == 0 or rank <= EXACT_RANKS:
        return rank
    rank_above, score_above = marks[at - 1]
    return rank_above + max(1, (rank - rank_above) * (score_above - score) // (score_above - mark_score))


def _parse_ranks(cached: Any) -> list[DailyRank] | None:
    """Return the ranks from a cached value; None for no value and for any other content."""
    try:
        return [(datetime.date.fromisoformat(day), rank and int(rank)) for day, rank in cached]
    except (TypeError, ValueError):
        return None


def _ranks_by_day(membership_id: int, today: datetime.date) -> list[DailyRank]:
    stored = BoardDay.objects.filter(
        circle__memberships=membership_id,
        circle__memberships__joined_at__date__lte=F("day"),
        day__lt=today,
    )
    account = Account.objects.filter(plan__membership=membership_id).values("pk")[:1]
    days = list(stored.order_by("day").annotate(account_id=Subquery(account)))
    scores = _scores_at(days[0].account_id, [day.taken_at for day in days]) if days else ()
    return [
        (day.day, estimated_rank(score, size=day.size, marks=day.marks))
        for day, score in zip(days, scores, strict=True)
    ]


def _scores_at(account_id: int, moments: list[datetime.datetime]) -> Iterator[int]:
    """Return the kobo of a plan's account that counted at each moment, in one query; `moments` are in order.

    It takes the account's id: for a subquery PostgreSQL expects half of all entries and reads the whole table.
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
    """Return the number of ranked members, and the marks, from Redis or else from SQL."""
    positions = _positions()
    answer: list[Any] = []
    if not store.gate.suspect:
        try:
            answer = store.run_script(
                "marks", circle_id, *store.periods(timezone.localdate()), *positions, upkeep=True
            )
        except store.BoardsUnavailable:
            logger.warning("storing the day of circle %s from SQL: Redis is away", circle_id)
    size, pairs = answer or _marks_from_sql(circle_id, positions)
    marks: list[list[int]] = []
    for score, rank in pairs:
        if not marks or marks[-1][0] != rank:
            marks.append([int(rank), int(float(score))])
    return size, marks


def _marks_from_sql(circle_id: int, positions: list[int]) -> tuple[int, list[tuple[int, int]]]:
    ranked = Membership.objects.filter(circle_id=circle_id).ranked()
    size = ranked.order_by().count()
    if not size:
        return 0, []
    order = [F("saved_kobo").desc(), F("reached_at").asc(), F("pk").asc()]
    numbered = ranked.annotate(
        rank=Window(Rank(), order_by=F("saved_kobo").desc()),
        number=Window(RowNumber(), order_by=order),
    )
    wanted = [at + 1 for at in positions if at < size - 1] + [size]
    pairs = numbered.filter(number__in=wanted).order_by("number").values_list("saved_kobo", "rank")
    return size, list(pairs)


def _positions() -> list[int]:
    """Return the positions on a leaderboard, from 0, that become marks."""
    positions = list(range(EXACT_RANKS))
    while positions[-1] < _MOST_MEMBERS:
        positions.append(positions[-1] + max(1, positions[-1] // _STEP_PARTS))
    return positions
