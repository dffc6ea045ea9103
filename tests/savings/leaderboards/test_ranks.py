"""Notable changes of rank, and ranks as text."""

from __future__ import annotations

import pytest

from savings import leaderboards
from savings.leaderboards import ranks


@pytest.mark.parametrize("rank", ranks.NOTABLE_RANKS)
def test_rising_into_a_notable_rank_and_falling_out_of_it_are_notable(rank: int) -> None:
    assert leaderboards.is_notable_change(before=rank + 1, now=rank, size=12)
    assert leaderboards.is_notable_change(before=rank, now=rank + 1, size=12)
    assert not leaderboards.is_notable_change(before=rank, now=rank, size=12)


@pytest.mark.parametrize(("before", "now"), [(5, 4), (10, 6), (12, 11), (40, 30)])
def test_changes_between_and_below_notable_ranks_are_not_notable(before: int, now: int) -> None:
    assert not leaderboards.is_notable_change(before=before, now=now, size=50)
    assert not leaderboards.is_notable_change(before=now, now=before, size=50)


def test_the_first_five_of_five_are_not_notable() -> None:
    assert not leaderboards.is_notable_change(before=51, now=4, size=5)
    assert leaderboards.is_notable_change(before=51, now=4, size=6)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (11, "11th"),
        (12, "12th"),
        (21, "21st"),
        (1111, "1,111th"),
    ],
)
def test_an_ordinal(number: int, text: str) -> None:
    assert leaderboards.ordinal(number) == text


def test_a_shared_rank_says_so() -> None:
    assert [leaderboards.in_words(3, is_shared=shared) for shared in (False, True)] == ["3rd", "joint 3rd"]
