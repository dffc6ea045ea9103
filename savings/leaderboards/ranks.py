"""Ranks on a leaderboard: which changes are notable, and a rank as text."""

from __future__ import annotations

# Rising into the first N ranks, or falling out of them, is notable for each of these N.
NOTABLE_RANKS = (1, 2, 3, 5, 10)


def is_notable_change(*, before: int, now: int, size: int) -> bool:
    """Return whether a change of rank crosses a notable rank, on a leaderboard of `size` members.

    Being among the first N is not notable on a leaderboard of N or fewer members.
    """
    return any(min(before, now) <= rank < max(before, now) and rank < size for rank in NOTABLE_RANKS)


def in_words(rank: int | None, *, is_shared: bool) -> str:
    """Return a member's rank as text: `3rd`, or `joint 3rd` where the board says `3=`; empty without a rank."""
    if not rank:
        return ""
    return f"joint {ordinal(rank)}" if is_shared else ordinal(rank)


def ordinal(number: int) -> str:
    """Return a rank as text: 1st, 2nd, 3rd, 4th, 11th, 21st."""
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"
