"""How often an open page asks again: often at first, then more slowly, then no more."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import QueryDict

from web import keyset

# Pairs: up to this number of polls, the next one comes after so many seconds.
type Steps = Sequence[tuple[int, int]]


def polls_so_far(query: QueryDict) -> int:
    """Return how often a page has polled already, from its URL (`?look=`)."""
    text = query.get("look", "")
    return int(text) if keyset.is_id(text) else 0


def seconds_until_next(polls: int, steps: Steps) -> int | None:
    """Return the seconds until the next poll of a page that has polled so often; None to stop."""
    return next((seconds for most, seconds in steps if polls < most), None)
