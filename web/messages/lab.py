"""What the lab says in notices."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.text import get_text_list
from django.utils.translation import ngettext

LOADING_ALREADY = "This circle is being loaded already, or Redis does not answer."
REDIS_AWAY = "Redis does not answer. Load the circle again once it does."
CLEANED = "The lab’s circles are deleted."
ALL_CLEANED = "Everything that the lab had loaded is deleted."


def deleted_statements(count: int) -> str:
    return ngettext("%(count)s statement deleted.", "%(count)s statements deleted.", count) % {"count": count}


def why_not_used(*, by_another: bool) -> str:
    """Say why the planner left an index aside for its query."""
    return "another index finds so few as quickly" if by_another else "so few are read as a whole"


# What each comparison of a leaderboard without and with a cache is of, by the name of its figures.
CACHES = {
    "computed : cached in sorted sets": "Reading a leaderboard that is cached in sorted sets",
    "computed : cached as one value": "Reading one that is cached as one value",
    "computed again : one updated": "Refreshing the sorted sets after a payment",
}


# Within these ratios, two times are about the same: one run differs so much from the next.
_SLOWER, _QUICKER = 0.8, 1.25


def cache_pays(doing: str, ratios: Sequence[tuple[str, float]]) -> str:
    """Say at how many members a leaderboard's cache is quicker than SQL, about as quick, and slower.

    `ratios` have a size as text and the time of SQL divided by that of the cache, and begin with the smallest circle.
    """
    found: dict[str, list[str]] = {"quicker than SQL": [], "about as quick as SQL": [], "slower than SQL": []}
    for members, times in ratios:
        quicker, equal, slower = found.values()
        group = quicker if times > _QUICKER else slower if times < _SLOWER else equal
        group.append(f"{members} members ({times:,.1f}\u202f×)")
    parts = [f"{words} at {get_text_list(sizes, 'and')}" for words, sizes in found.items() if sizes]
    return f"{doing}, of the sizes measured: {'; '.join(parts)}."
