"""Building the boards in Redis from SQL, and comparing the two."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterator
from itertools import batched, chain

from django.utils import timezone

from savings import boards, postponements
from savings.boards import Standing
from savings.models import Circle, Membership

logger = logging.getLogger(__name__)

_BATCH = 500
# The longest that a build may be without a sign of life before somebody else begins anew.
_LEASE_SECONDS = 60
_UNDER_WAY_SECONDS = 2


def rebuild(circle_id: int, *, force: bool = False) -> int | None:
    """Build a circle's board from SQL beside the old one and swap the two; return how many members it has.

    None where the board is there already (unless `force`) or somebody else is building it. Readers are served from
    the old board, or from SQL, meanwhile; what is posted meanwhile reaches both boards. Memory does not grow with the
    circle. Raises boards.Away.
    """
    token = secrets.token_hex(4)
    if not boards.run("begin", circle_id, token, _LEASE_SECONDS, "1" if force else "", upkeep=True):
        return None
    # The building is there before the first row is read: what is committed from here on is told to it.
    today = timezone.localdate()
    month, week = today.replace(day=1).isoformat(), boards.week_of(today).isoformat()
    members = 0
    for batch in _batches(circle_id):
        words = chain.from_iterable(standing.words() for standing in batch)
        if not boards.run("load", circle_id, token, _LEASE_SECONDS, month, week, *words, upkeep=True):
            return None
        members += len(batch)
    now = timezone.now()
    version = time.time_ns() // 1000
    if not boards.run("finish", circle_id, token, month, week, version, now.isoformat(), upkeep=True):
        return None
    logger.info("the board of circle %s was built: %s members", circle_id, members)
    return members


def reconcile(circle_id: int) -> int:
    """Compare the whole of a circle's board with SQL, write what differs, and return how many members that were.

    A write that is under way while it is compared is no difference: what looks wrong is looked at again after a while.
    Raises boards.Away.
    """
    wrong: list[int] = []
    for batch in _batches(circle_id):
        wrong += _compare(circle_id, batch)
    if not wrong:
        return 0
    time.sleep(_UNDER_WAY_SECONDS)
    drifted = 0
    for ids in batched(wrong, _BATCH, strict=False):
        standings = list(Standing.of(Membership.objects.filter(pk__in=ids)))
        drifted += len(_compare(circle_id, standings, heal=True))
    if drifted:
        logger.error("the board of circle %s had %s members wrong; they are right now", circle_id, drifted)
    return drifted


def reconcile_all() -> int:
    """Compare every circle's board with SQL, and return how many members' standings had to be written.

    A circle whose board cannot be compared is postponed, and the others are compared, unless Redis is away.
    """
    circles = Circle.objects.order_by("pk")
    return postponements.each("reconcile_board", circles, _reconcile_if_redis_is_there, away=(boards.Away,))


def _reconcile_if_redis_is_there(circle_id: int) -> int:
    """Compare a board. Raises boards.Away where Redis answers nothing, and RuntimeError where it refuses this board."""
    try:
        return reconcile(circle_id)
    except boards.Away as error:
        boards.ping()
        raise RuntimeError(f"Redis refuses the board of circle {circle_id}: {error}") from error


def _compare(circle_id: int, standings: list[Standing], *, heal: bool = False) -> list[int]:
    words = chain.from_iterable(standing.words() for standing in standings)
    return [
        int(found) for found in boards.run("compare", circle_id, "1" if heal else "", *words, upkeep=True)
    ]


def _batches(circle_id: int) -> Iterator[list[Standing]]:
    """Read a circle's members in keyset batches, those who left among them: their last word is that they left."""
    last = 0
    while batch := list(
        Standing.of(Membership.objects.filter(circle_id=circle_id, pk__gt=last).order_by("pk")[:_BATCH])
    ):
        yield batch
        last = batch[-1].membership_id
