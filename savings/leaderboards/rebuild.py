"""Rebuild the leaderboards in Redis from SQL, and reconcile the two."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import batched, chain
from typing import NamedTuple

from django.utils import timezone

from savings import installation, outbox
from savings.leaderboards import store
from savings.leaderboards.standings import Standing
from savings.models import Circle, Membership

logger = logging.getLogger(__name__)

_BATCH = 500
# A rebuild that makes no progress for so long loses its lease, and another process may start again.
_LEASE_SECONDS = 60
_IN_FLIGHT_SECONDS = 2


def rebuild_board(circle_id: int, *, force: bool = False) -> int | None:
    """Build a circle's leaderboard from SQL beside the old one and swap the two; return its number of members.

    None if the leaderboard exists (unless `force`) or another process is rebuilding it. Meanwhile readers get the old
    leaderboard, or SQL, and postings are written to both. Memory does not grow with the circle.
    Raises store.BoardsUnavailable.
    """
    return load_board(circle_id, _batches(circle_id), force=force)


def load_board(circle_id: int, batches: Iterable[list[Standing]], *, force: bool = False) -> int | None:
    """Build a leaderboard from batches of all its standings, as `rebuild_board` does from those of a circle.

    The first batch is read once the new leaderboard exists, so later commits are written to it as well.
    """
    token, epoch = secrets.token_hex(4), installation.epoch()
    run = partial(store.run_script, upkeep=True, epoch=epoch)
    month, week = store.periods(timezone.localdate())
    if not run("begin", circle_id, token, _LEASE_SECONDS, "1" if force else "", month, week):
        return None
    members = 0
    for batch in batches:
        values = chain.from_iterable(standing.script_values() for standing in batch)
        if not run("load", circle_id, token, _LEASE_SECONDS, month, week, *values):
            return None
        members += len(batch)
    now = timezone.now()
    version = time.time_ns() // 1000
    if not run("finish", circle_id, token, month, week, version, now.isoformat()):
        return None
    logger.info("rebuilt the leaderboard of circle %s: %s members", circle_id, members)
    return members


def reconcile(circle_id: int) -> int:
    """Compare a circle's whole leaderboard with SQL, correct it, and return the number of members that were wrong.

    SQL is right, even if Redis has a newer version. A write in flight is no difference: members that look wrong are
    compared again after two seconds. A leaderboard whose members are right and whose totals are wrong is rebuilt.
    Raises store.BoardsUnavailable.
    """
    before = _read_state(circle_id)
    if before is None:
        return 0
    wrong: dict[int, str] = {}
    current = total_kobo = 0
    for batch in _batches(circle_id):
        wrong |= _compare(circle_id, [(standing, "") for standing in batch])
        current += sum(standing.is_current for standing in batch)
        total_kobo += sum(standing.saved_kobo for standing in batch if standing.is_current)
    if wrong:
        return _correct_members(circle_id, wrong) + _remove_unknown(circle_id)
    if unknown := _remove_unknown(circle_id):
        return unknown
    after = _read_state(circle_id)
    if after is not None and after == before and (after.members, after.total_kobo) != (current, total_kobo):
        logger.error("the leaderboard of circle %s had wrong totals: rebuilding it", circle_id)
        return rebuild_board(circle_id, force=True) or 0
    return 0


def _correct_members(circle_id: int, wrong: Mapping[int, str]) -> int:
    time.sleep(_IN_FLIGHT_SECONDS)
    drifted = 0
    for ids in batched(wrong, _BATCH):
        standings = Standing.read(Membership.objects.filter(pk__in=ids))
        versioned = [(standing, wrong[standing.membership_id]) for standing in standings]
        drifted += len(_compare(circle_id, versioned, correct=True))
    if drifted:
        logger.error("corrected %s members in the leaderboard of circle %s", drifted, circle_id)
    return drifted


def _remove_unknown(circle_id: int) -> int:
    """Rebuild a leaderboard that has more members than SQL, and return how many more."""
    state = _read_state(circle_id)
    # Counted after Redis was read: every member in Redis was committed before.
    unknown = state.known - Membership.objects.filter(circle_id=circle_id).count() if state else 0
    if unknown <= 0:
        return 0
    logger.error("the leaderboard of circle %s had %s unknown members: rebuilding it", circle_id, unknown)
    rebuild_board(circle_id, force=True)
    return unknown


def reconcile_all() -> int:
    """Reconcile every circle's leaderboard with SQL, and return the number of members that were wrong.

    Deletes the leaderboards of other epochs and earlier releases first. A circle that fails is postponed, and the
    others are reconciled, unless Redis is away.
    """
    try:
        store.delete_former_boards()
    except store.BoardsUnavailable as error:
        logger.warning("cannot delete leaderboards of earlier releases: %s", error)
    circles = Circle.objects.order_by("pk")
    return outbox.for_each_row("reconcile_board", circles, _reconcile_one, away=(store.BoardsUnavailable,))


def _reconcile_one(circle_id: int) -> int:
    """Reconcile one circle. Raises BoardsUnavailable without Redis, and RuntimeError if only this circle fails."""
    try:
        return reconcile(circle_id)
    except store.BoardsUnavailable as error:
        store.ping()
        raise RuntimeError(f"Redis fails for the leaderboard of circle {circle_id}: {error}") from error


class _State(NamedTuple):
    """A leaderboard's own counters: version, known members, current members, and the current members' total (kobo)."""

    version: int
    known: int
    members: int
    total_kobo: int


def _read_state(circle_id: int) -> _State | None:
    """Return a leaderboard's counters; None if it is missing or incomplete, since its next reader has it rebuilt."""
    month, week = store.periods(timezone.localdate())
    counters = store.run_script("state", circle_id, month, week, upkeep=True)
    return _State(*map(int, counters)) if counters else None


def _compare(
    circle_id: int, versioned: list[tuple[Standing, str]], *, correct: bool = False
) -> dict[int, str]:
    """Return the members that the leaderboard has wrong, with the version it has of each.

    `versioned` pairs each standing with the version that an earlier comparison returned, "" for the first comparison.
    """
    values = chain.from_iterable([*standing.script_values(), version] for standing, version in versioned)
    wrong = store.run_script("compare", circle_id, "1" if correct else "", *values, upkeep=True)
    return {int(membership_id): version for membership_id, version in batched(wrong, 2)}


def _batches(circle_id: int) -> Iterator[list[Standing]]:
    """Read the standings of a circle in keyset batches, including former members: Redis stores that they left."""
    last = 0
    while batch := list(
        Standing.read(Membership.objects.filter(circle_id=circle_id, pk__gt=last).order_by("pk")[:_BATCH])
    ):
        yield batch
        last = batch[-1].membership_id
