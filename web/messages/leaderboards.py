"""The texts of leaderboards: their orders, ranges, moments and charts."""

from __future__ import annotations

FINAL_BOARD = "Final board"
BY_SAVED = "Saved"
BY_SHARE = "% of goal"
BY_MONTH = "This month"

RANK = "Rank"
RANK_CHART = "Your rank over time"


def as_of(day: str, time: str) -> str:
    """Return a moment; without a day it is today."""
    return f"{day}, {time}" if day else f"today, {time}"


def rank_of(rank: str, size: int, members: int) -> str:
    """Return a rank in words among the ranked members, who may be fewer than the members."""
    return f"{rank} of {size:,}" if size >= members else f"{rank} of {size:,} on the board"


def ranks_shown(first: int, last: int, size: int) -> str:
    return f"Ranks {first:,} to {last:,} of {size:,}"


def ranks_from_to(first: tuple[str, str], last: tuple[str, str], best: tuple[str, str] | None) -> str:
    """Describe a chart of ranks; each is a rank and its day. `best` is given if it is better than both ends."""
    (rank, day), (last_rank, last_day) = first, last
    if best is None:
        return f"From {rank} on {day} to {last_rank} on {last_day}."
    return f"From {rank} on {day} to {last_rank} on {last_day}. At best {best[0]}, on {best[1]}."
