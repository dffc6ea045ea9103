"""Places on a board: which of them are worth telling of, and how a place is said."""

from __future__ import annotations

# To come among the first so many, or to be pushed out from among them, is news.
NOTABLE_RANKS = (1, 2, 3, 5, 10)


def is_notable_change(before: int, now: int, size: int) -> bool:
    """Say whether going from one place to another passes one that is told of, on a board of `size` places.

    Being among the first so many is no news where that is everybody.
    """
    return any(min(before, now) <= place < max(before, now) and place < size for place in NOTABLE_RANKS)


def ordinal(number: int) -> str:
    """Return a place in words: 1st, 2nd, 3rd, 4th, 11th, 21st."""
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"
