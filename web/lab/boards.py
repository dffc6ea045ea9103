"""Experiment: the leaderboard of a circle, computed at each request or cached, and its refresh after a contribution.

The circle is the lab's own: its members are rows of a table of the lab (`web/lab/board_loading.py`), and its
leaderboard in Redis is the product's, under an id that no circle has. No user, plan, posting or mail belongs to it.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Iterable, Iterator

from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from savings import leaderboards
from savings.leaderboards import Board
from web.lab import board_loading
from web.lab.board_loading import EPOCH, MICROSECOND, LabBoard, clean, load, standings
from web.lab.measure import Headline, Rows, Way, compare, milliseconds_text
from web.messages import lab as messages

PAYMENT_KOBO = 5_000_00
_CACHE_SECONDS = 60 * 60
_ROUNDS = 7
_EMPTIED_ROUNDS = 3

# The figures that compare the time without a cache with that of a cache.
_RATIO = re.compile(
    r"([\d,]+) members, "
    r"(computed : cached in sorted sets|computed : cached as one value|computed again : one updated)"
)

_RANKED = """
SELECT rank, id, saved_kobo FROM (
    SELECT id, saved_kobo, rank() OVER (ORDER BY saved_kobo DESC) AS rank,
        row_number() OVER (ORDER BY saved_kobo DESC, reached_us, id) AS line_no
    FROM lab_members WHERE board = %s
) AS ranked
WHERE line_no <= %s OR id = %s ORDER BY line_no
"""
_ALL_RANKED = """
SELECT rank() OVER (ORDER BY saved_kobo DESC), id, saved_kobo
FROM lab_members WHERE board = %s ORDER BY saved_kobo DESC, reached_us, id
"""
_PAY = """
UPDATE lab_members SET saved_kobo = saved_kobo + %s, reached_us = %s, version = version + 1
WHERE board = %s AND id = %s
"""


def computed(board: LabBoard) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(_RANKED, [board.circle_id, leaderboards.TOP, board.reader_id])
        return list(cursor.fetchall())


def cached_as_a_value(board: LabBoard) -> Rows:
    ranked = cache.get(board.value_key) or ranked_into_the_cache(board)
    mine = [line for line in ranked[leaderboards.TOP :] if line[1] == board.reader_id]
    return [tuple(line) for line in [*ranked[: leaderboards.TOP], *mine]]


def cached_in_sorted_sets(board: LabBoard) -> Rows:
    read = leaderboards.read_board(circle_id=board.circle_id, membership_id=board.reader_id)
    mine = [read.mine] if read.mine and read.mine not in read.lines else []
    return [(line.rank, line.membership_id, line.saved_kobo) for line in [*read.lines, *mine]]


def ranked_into_the_cache(board: LabBoard) -> list[list[int]]:
    with connection.cursor() as cursor:
        cursor.execute(_ALL_RANKED, [board.circle_id])
        ranked = [list(line) for line in cursor.fetchall()]
    cache.set(board.value_key, ranked, _CACHE_SECONDS)
    return ranked


def computed_again(board: LabBoard) -> Rows:
    ranked = ranked_into_the_cache(board)
    return [(rank, saved_kobo) for rank, member_id, saved_kobo in ranked if member_id == board.reader_id]


def updated(board: LabBoard) -> Rows:
    (standing,) = standings(board, after=board.reader_id - 1, most=1)
    leaderboards.write_standing(standing)
    mine = read_around(board).mine
    return [(mine.rank, mine.saved_kobo)] if mine else []


def rebuilt(board: LabBoard) -> Rows:
    leaderboards.load_board(board.circle_id, board_loading.batches(board))
    return cached_in_sorted_sets(board)


READING = [
    Way("Computed", "SQL ranks all members at each request.", computed),
    Way(
        "Cached as one value",
        "The ranks of all members are one value of the cache, which every reader fetches as a whole.",
        cached_as_a_value,
    ),
    Way(
        "Cached in sorted sets",
        "The site’s way: one EVAL reads the first ranks and the reader’s own.",
        cached_in_sorted_sets,
    ),
]
# The ways that the headline compares.
PAIR = ("Computed", "Cached in sorted sets")
REFRESHING = [
    Way("Computed again", "All members are ranked and cached again.", computed_again),
    Way("One member updated", "The site’s way: one EVAL writes the one member who has paid in.", updated),
]


EMPTIED = [
    Way("Read from SQL", "Redis has no board: SQL ranks all members, and the page works.", computed),
    Way("Rebuilt", "A worker loads all members into sorted sets. Until then, pages read SQL.", rebuilt),
    Way("Read from Redis", "Every page after that.", cached_in_sorted_sets),
]
EMPTIED_PAIR = ("Rebuilt", "Read from SQL")


def read_around(board: LabBoard) -> Board:
    """Return the reader's line with their neighbours, from Redis."""
    return leaderboards.read_board(circle_id=board.circle_id, membership_id=board.reader_id, length=0)


def pay_in(board: LabBoard, amount_kobo: int) -> None:
    """Add kobo to the reader's amount in the table. Both leaderboards in the cache are out of date afterwards."""
    now_us = (timezone.now() - EPOCH) // MICROSECOND
    with connection.cursor() as cursor:
        cursor.execute(_PAY, [amount_kobo, now_us, board.circle_id, board.reader_id])


def headlines() -> Iterator[Headline]:
    """Measure reading, refreshing and rebuilding at each size."""
    try:
        for members in board_loading.SIZES:
            board = LabBoard(members)
            begun_at = time.perf_counter()
            load(board)
            yield Headline(f"{members:,} members loaded", f"{time.perf_counter() - begun_at:.1f} s")
            yield from _reading(board)
            yield from _refreshing(board)
            yield from _emptied(board)
    finally:
        clean()


def conclusions(figures: Iterable[Headline]) -> list[str]:
    """Return a sentence for each way to cache and for refreshing: at how many members the cache pays.

    It is computed from the figures of `headlines`; without figures there is no sentence.
    """
    found: dict[str, list[tuple[str, float]]] = {}
    for what, value in figures:
        if match := _RATIO.fullmatch(what):
            found.setdefault(match[2], []).append((match[1], float(value.removesuffix("×").replace(",", ""))))
    return [
        messages.cache_pays(doing, found[pair]) for pair, doing in messages.CACHES.items() if pair in found
    ]


def _reading(board: LabBoard) -> Iterator[Headline]:
    found = compare(READING, board, rounds=_ROUNDS)
    fresh, *cached = found.outcomes
    yield from (
        Headline(
            f"{board.members:,} members, computed : {way.name.lower()}",
            f"{fresh.milliseconds / way.milliseconds:.1f} ×",
        )
        for way in cached
    )
    yield from (
        Headline(f"{board.members:,} members, {one.name.lower()}", one.time_text) for one in found.outcomes
    )


def _refreshing(board: LabBoard) -> Iterator[Headline]:
    """Pay in several times, and refresh the leaderboard each time in both ways."""
    turns = []
    for _ in range(_ROUNDS + 1):
        pay_in(board, 1_00)
        turns.append([one.milliseconds for one in compare(REFRESHING, board, rounds=0).outcomes])
    again, update = (statistics.median(times) for times in zip(*turns[1:], strict=True))
    yield Headline(f"{board.members:,} members, computed again : one updated", f"{again / update:.1f} ×")
    yield Headline(f"{board.members:,} members, computed again after a payment", milliseconds_text(again))
    yield Headline(f"{board.members:,} members, one updated after a payment", milliseconds_text(update))


def _emptied(board: LabBoard) -> Iterator[Headline]:
    """Remove the leaderboard from Redis several times, and each time read it and rebuild it."""
    turns = []
    for _ in range(_EMPTIED_ROUNDS):
        board_loading.empty(board)
        turns.append(compare(EMPTIED, board, rounds=0).outcomes)
    for outcomes in zip(*turns, strict=True):
        name, queries = outcomes[0].name.lower(), outcomes[0].queries
        median = statistics.median(outcome.milliseconds for outcome in outcomes)
        yield Headline(
            f"{board.members:,} members, Redis emptied: queries and time, {name}",
            f"{queries:,}, {milliseconds_text(median)}",
        )
