"""Load the leaderboards of the lab: rows by one statement, then the product's leaderboard from the rows.

A large one is loaded by a thread of the development server. Its progress is in the cache and expires soon after the
last batch, so a server that restarts leaves nothing locked, and a second press while it loads does nothing.
"""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

from django.core.cache import cache
from django.db import connection, transaction

from savings import installation, leaderboards
from savings.leaderboards import BoardsUnavailable, Standing

SIZES = (24, 1_000, 10_000, 100_000)
# A prime, so that the members' amounts are in another order than their ids.
SHUFFLE = 7919
# Loaded within a request.
MOST_AT_ONCE = 1_000
_BATCH = 1_000
_STOPPED_SECONDS = 20
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
MICROSECOND = datetime.timedelta(microseconds=1)

_TABLE = """
CREATE TABLE IF NOT EXISTS lab_members (
    board bigint, id bigint, saved_kobo bigint, reached_us bigint, version bigint, PRIMARY KEY (board, id)
)
"""
# The same columns as the index of the real table.
_INDEX = (
    "CREATE INDEX IF NOT EXISTS lab_members_board ON lab_members (board, saved_kobo DESC, reached_us, id)"
)
# As in real circles, most have little, a few have much, and some have the same amount.
_FILL = """
INSERT INTO lab_members
WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {members} - 1),
    shaped AS (SELECT n, n * {shuffle} % {members} * 1000 / {members} AS x FROM numbers)
SELECT -{members}, n, 100 * (100 + x * x * x / 20000), 1000000 * (1700000000 + CAST(n AS bigint)), 1 FROM shaped
"""

_READ = "SELECT id, saved_kobo, reached_us, version FROM lab_members WHERE board = %s AND id > %s ORDER BY id LIMIT %s"


class LabBoard(NamedTuple):
    """The leaderboard of the lab with so many members."""

    members: int

    @property
    def circle_id(self) -> int:
        """The id under which it is stored. Circles have positive ids."""
        return -self.members

    @property
    def reader_id(self) -> int:
        """The member as whom the page is read: the one in the middle before anybody pays in."""
        return self.members // 2 * pow(SHUFFLE, -1, self.members) % self.members

    @property
    def value_key(self) -> str:
        return f"lab:leaderboard:{self.members}"


def start_loading(board: LabBoard) -> bool:
    """Load a leaderboard, a large one in the background; return False if that runs already, and without Redis."""
    if not cache.add(_progress_key(board), 0, _STOPPED_SECONDS):
        return False
    if board.members <= MOST_AT_ONCE:
        return _load_and_note(board)
    threading.Thread(target=_load_in_a_thread, args=[board], daemon=True).start()
    return True


def loaded_so_far(board: LabBoard) -> int | None:
    """Return how many members of a leaderboard that is being loaded are in Redis; None if none is being loaded."""
    found = cache.get(_progress_key(board))
    return found if isinstance(found, int) else None


def is_loaded(board: LabBoard) -> bool:
    """Return whether the table and Redis have the leaderboard.

    It must not be read otherwise: a worker would rebuild it, as a circle without members.
    """
    if leaderboards.version(board.circle_id) is None or not leaderboards.are_trusted():
        return False
    with connection.cursor() as cursor:
        return "lab_members" in connection.introspection.table_names(cursor)


def load(board: LabBoard, note: Callable[[int], object] = lambda _: None) -> None:
    """Load a leaderboard again, and call `note` with the number of members that are in Redis so far."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TABLE)
        cursor.execute(_INDEX)
        cursor.execute("DELETE FROM lab_members WHERE board = %s", [board.circle_id])
        cursor.execute(_FILL.format(members=board.members, shuffle=SHUFFLE))
        cursor.execute("ANALYZE lab_members")
    cache.delete(board.value_key)
    leaderboards.load_board(board.circle_id, batches(board, note), force=True)


def standings(board: LabBoard, *, after: int, most: int) -> list[Standing]:
    """Return the standings of at most so many members with ids above `after`, in order of the ids."""
    with connection.cursor() as cursor:
        cursor.execute(_READ, [board.circle_id, after, most])
        rows = cursor.fetchall()
    epoch = installation.epoch()
    return [
        Standing(
            membership_id=member_id,
            circle_id=board.circle_id,
            version=version,
            saved_kobo=saved_kobo,
            reached_at=EPOCH + reached_us * MICROSECOND,
            on_board=True,
            left_at=None,
            target_kobo=None,
            week=None,
            week_start_kobo=0,
            month=None,
            month_start_kobo=0,
            epoch=epoch,
        )
        for member_id, saved_kobo, reached_us, version in rows
    ]


def clean() -> None:
    """Delete the lab's table of members, and its leaderboards in Redis, unless Redis is away."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS lab_members")
    for members in SIZES:
        with suppress(BoardsUnavailable):
            empty(LabBoard(members))


def empty(board: LabBoard) -> None:
    """Delete everything that Redis has of a leaderboard; its rows stay. Raises BoardsUnavailable."""
    cache.delete(board.value_key)
    leaderboards.delete_whole_board(board.circle_id)


def _load_in_a_thread(board: LabBoard) -> None:
    try:
        _load_and_note(board)
    finally:
        connection.close()


def _load_and_note(board: LabBoard) -> bool:
    key = _progress_key(board)
    try:
        load(board, lambda members: cache.set(key, members, _STOPPED_SECONDS))
    except BoardsUnavailable:
        return False
    finally:
        cache.delete(key)
    return True


def batches(board: LabBoard, note: Callable[[int], object] = lambda _: None) -> Iterator[list[Standing]]:
    """Yield the standings of all members, and call `note` with the number of those that are in Redis so far."""
    done, last = 0, -1
    while batch := standings(board, after=last, most=_BATCH):
        yield batch
        done, last = done + len(batch), batch[-1].membership_id
        note(done)


def _progress_key(board: LabBoard) -> str:
    return f"lab:loading:{board.members}"
