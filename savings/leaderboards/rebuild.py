"""Building the boards in Redis from SQL, and comparing the two."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import batched, chain
from typing import NamedTuple

from django.utils import timezone

from savings import installation, outbox
from savings.leaderboards import store
from savings.leaderboards.store import Standing
from savings.models import Circle, Membership

logger = logging.getLogger(__name__)

_BATCH = 500
# The longest that a build may be without a sign of life before somebody else begins anew.
_LEASE_SECONDS = 60
_UNDER_WAY_SECONDS = 2


def rebuild_board(circle_id: int, *, force: bool = False) -> int | None:
    """Build a circle's board from SQL beside the old one and swap the two; return how many members it has.

    None where the board is there already (unless `force`) or somebody else is building it. Readers are served from
    the old board, or from SQL, meanwhile; what is posted meanwhile reaches both boards. Memory does not grow with the
    circle. Raises store.BoardsUnavailable.
    """
    token, epoch = secrets.token_hex(4), installation.epoch()
    run = partial(store.run_script, upkeep=True, epoch=epoch)
    month, week = store.periods(timezone.localdate())
    if not run("begin", circle_id, token, _LEASE_SECONDS, "1" if force else "", month, week):
        return None
    # The building is there before the first row is read: what is committed from here on is told to it.
    members = 0
    for batch in _batches(circle_id):
        words = chain.from_iterable(standing.words() for standing in batch)
        if not run("load", circle_id, token, _LEASE_SECONDS, month, week, *words):
            return None
        members += len(batch)
    now = timezone.now()
    version = time.time_ns() // 1000
    if not run("finish", circle_id, token, month, week, version, now.isoformat()):
        return None
    logger.info("the board of circle %s was built: %s members", circle_id, members)
    return members


def reconcile(circle_id: int) -> int:
    """Compare the whole of a circle's board with SQL, write what differs, and return how many members that were.

    SQL is right, whichever of the two is newer. A write that is under way while they are compared is no difference:
    what looks wrong is looked at again after a while. A board that is right about each member and wrong as a whole is
    rebuilt. Raises store.BoardsUnavailable.
    """
    before = _state(circle_id)
    if before is None:
        return 0
    wrong: dict[int, str] = {}
    current = total_kobo = 0
    for batch in _batches(circle_id):
        wrong |= _compare(circle_id, [(standing, "") for standing in batch])
        current += sum(standing.is_current for standing in batch)
        total_kobo += sum(standing.saved_kobo for standing in batch if standing.is_current)
    if wrong:
        return _heal(circle_id, wrong) + _remove_unknown(circle_id)
    if unknown := _remove_unknown(circle_id):
        return unknown
    after = _state(circle_id)
    if after is not None and after == before and (after.members, after.total_kobo) != (current, total_kobo):
        logger.error("the board of circle %s had a wrong sum; it is rebuilt", circle_id)
        return rebuild_board(circle_id, force=True) or 0
    return 0


def _heal(circle_id: int, wrong: Mapping[int, str]) -> int:
    time.sleep(_UNDER_WAY_SECONDS)
    drifted = 0
    for ids in batched(wrong, _BATCH):
        standings = Standing.of(Membership.objects.filter(pk__in=ids))
        seen = [(standing, wrong[standing.membership_id]) for standing in standings]
        drifted += len(_compare(circle_id, seen, heal=True))
    if drifted:
        logger.error("the board of circle %s had %s members wrong; they are right now", circle_id, drifted)
    return drifted


def _remove_unknown(circle_id: int) -> int:
    """Rebuild a board that knows members whom SQL does not know, and return how many those were."""
    state = _state(circle_id)
    # Counted after the board was asked: whoever is on it has been committed before.
    unknown = state.known - Membership.objects.filter(circle_id=circle_id).count() if state else 0
    if unknown <= 0:
        return 0
    logger.error("the board of circle %s had %s members too many; it is rebuilt", circle_id, unknown)
    rebuild_board(circle_id, force=True)
    return unknown


def reconcile_all() -> int:
    """Compare every circle's board with SQL, and return how many members' standings had to be written.

    Boards of other epochs and earlier releases are removed first.
    A circle whose board cannot be compared is postponed, and the others are compared, unless Redis is away.
    """
    try:
        store.delete_former_boards()
    except store.BoardsUnavailable as error:
        logger.warning("boards of earlier releases could not be removed: %s", error)
    circles = Circle.objects.order_by("pk")
    return outbox.for_each_row(
        "reconcile_board", circles, _reconcile_if_redis_is_there, away=(store.BoardsUnavailable,)
    )


def _reconcile_if_redis_is_there(circle_id: int) -> int:
    """Compare one board. Raises BoardsUnavailable without Redis, and RuntimeError where Redis refuses this board."""
    try:
        return reconcile(circle_id)
    except store.BoardsUnavailable as error:
        store.ping()
        raise RuntimeError(f"Redis refuses the board of circle {circle_id}: {error}") from error


class _State(NamedTuple):
    """What a board says of itself: its version, the members it knows, those in the circle, and their sum (kobo)."""

    version: int
    known: int
    members: int
    total_kobo: int


def _state(circle_id: int) -> _State | None:
    """Return what a board says of itself; None for one that is missing or not whole, which readers have rebuilt."""
    month, week = store.periods(timezone.localdate())
    found = store.run_script("state", circle_id, month, week, upkeep=True)
    return _State(*map(int, found)) if found else None


def _compare(circle_id: int, seen: list[tuple[Standing, str]], *, heal: bool = False) -> dict[int, str]:
    """Return whom a board has wrong, and the version that it has of each; `seen` has the one of an earlier look."""
    words = chain.from_iterable([*standing.words(), version] for standing, version in seen)
    found = store.run_script("compare", circle_id, "1" if heal else "", *words, upkeep=True)
    return {int(membership_id): version for membership_id, version in batched(found, 2)}


def _batches(circle_id: int) -> Iterator[list[Standing]]:
    """Read a circle's members in keyset batches, those who left among them: their last word is that they left."""
    last = 0
    while batch := list(
        Standing.of(Membership.objects.filter(circle_id=circle_id, pk__gt=last).order_by("pk")[:_BATCH])
    ):
        yield batch
        last = batch[-1].membership_id
