"""How often an open page asks again: often at first, then more slowly, then no more."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import QueryDict

from web import keyset

# Pairs: up to this number of polls, the next one comes after so many seconds.
type Steps = Sequence[tuple[int, int]]

# For what waits for the provider: after 2, 2, 2, 3, 5, 8, 13, 20, 30 and 30 seconds.
PROVIDER_STEPS: Steps = ((3, 2), (4, 3), (5, 5), (6, 8), (7, 13), (8, 20), (10, 30))


def polls_so_far(query: QueryDict) -> int:
    """Return how often a page has polled already, from its URL (`?look=`)."""
    text = query.get("look", "")
    return int(text) if keyset.is_id(text) else 0


def next_look(polls: int, steps: Steps, *, is_open: bool = True) -> dict[str, int | None]:
    """Return the context of a page that polls: the seconds until the next poll, None to stop, and its number."""
    return {"seconds": seconds_until_next(polls, steps) if is_open else None, "next_look": polls + 1}


def seconds_until_next(polls: int, steps: Steps) -> int | None:
    """Return the seconds until the next poll of a page that has polled so often; None to stop."""
    return next((seconds for most, seconds in steps if polls < most), None)
