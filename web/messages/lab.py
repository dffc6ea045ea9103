"""What the lab says in notices."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.text import get_text_list
from django.utils.translation import ngettext

LOADING_ALREADY = "This circle is being loaded already, or Redis does not answer."
CLEANED = "The lab’s circles are deleted."
ALL_CLEANED = "Everything that the lab had loaded is deleted."


def deleted_statements(count: int) -> str:
    return ngettext("%(count)s statement deleted.", "%(count)s statements deleted.", count) % {"count": count}


# What each comparison of a leaderboard without and with a cache is of, by the name of its figures.
CACHES = {
    "computed : cached in sorted sets": "Reading a leaderboard that is cached in sorted sets",
    "computed : cached as one value": "Reading one that is cached as one value",
    "computed again : one updated": "Refreshing the sorted sets after a payment",
}


def cache_pays(doing: str, ratios: Sequence[tuple[str, float]]) -> str:
    """Say at how many members a leaderboard's cache is quicker than SQL.

    `ratios` have a size as text and the time of SQL divided by that of the cache, and begin with the smallest circle.
    """
    won = [_at(*ratio) for ratio in ratios if ratio[1] > 1]
    lost = [_at(*ratio) for ratio in ratios if ratio[1] <= 1]
    if not won:
        return f"{doing}: of the sizes measured, the cache pays at none, not at {get_text_list(lost, 'or')}."
    pays = f"{doing}: of the sizes measured, the cache pays at {get_text_list(won, 'and')}"
    return f"{pays}, and not at {get_text_list(lost, 'or')}." if lost else f"{pays}."


def _at(members: str, times: float) -> str:
    return f"{members} members ({times:,.1f}\u202f×)"
