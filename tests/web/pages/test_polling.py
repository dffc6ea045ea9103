"""An open page asks again more and more slowly, and then no more."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from web.pages.polling import polls_so_far, seconds_until_next

STEPS = ((2, 1), (3, 30))


def test_the_seconds_between_polls_grow_until_there_is_none() -> None:
    assert [seconds_until_next(polls, STEPS) for polls in range(5)] == [1, 1, 30, None, None]


@pytest.mark.parametrize(
    ("query", "polls"),
    [("look=7", 7), ("look=007", 7), ("", 0), ("look=-1", 0), ("look=1e9", 0), ("look=٣", 0)],
)
def test_only_a_number_in_the_url_counts(query: str, polls: int) -> None:
    assert polls_so_far(QueryDict(query)) == polls
