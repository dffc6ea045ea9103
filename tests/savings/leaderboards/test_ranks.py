"""Which places are told of, and how a place is said."""

from __future__ import annotations

import pytest

from savings import leaderboards
from savings.leaderboards import ranks


@pytest.mark.parametrize("place", ranks.NOTABLE_RANKS)
def test_coming_among_the_first_so_many_is_news_and_so_is_being_pushed_out(place: int) -> None:
    assert leaderboards.is_notable_change(place + 1, place, 12)
    assert leaderboards.is_notable_change(place, place + 1, 12)
    assert not leaderboards.is_notable_change(place, place, 12)


@pytest.mark.parametrize(("before", "now"), [(5, 4), (10, 6), (12, 11), (40, 30)])
def test_places_in_between_and_below_are_no_news(before: int, now: int) -> None:
    assert not leaderboards.is_notable_change(before, now, 50)
    assert not leaderboards.is_notable_change(now, before, 50)


def test_to_be_among_the_first_five_of_five_is_no_news() -> None:
    assert not leaderboards.is_notable_change(51, 4, 5)
    assert leaderboards.is_notable_change(51, 4, 6)


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
def test_a_place_in_words(number: int, text: str) -> None:
    assert leaderboards.ordinal(number) == text
