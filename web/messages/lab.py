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


def cache_pays(compared: str, ratios: Sequence[tuple[str, float]]) -> str:
    """Say from how many members on the leaderboard's cache is quicker than SQL.

    `compared` names the two ways. `ratios` have a size as text and the time of SQL divided by that of the cache, and
    begin with the smallest circle.
    """
    first = len(ratios)
    while first and ratios[first - 1][1] > 1:
        first -= 1
    doing = "Reading a leaderboard" if "sorted sets" in compared else "Refreshing it after a payment"
    lost = get_text_list([_at(*ratio) for ratio in ratios[:first]], "or")
    if first == len(ratios):
        return f"{doing}: of the sizes measured, the cache pays at none, not at {lost}."
    members, times = ratios[first]
    won = f"{doing}: of the sizes measured, the cache pays from {members} members on ({_times(times)})"
    return f"{won}, and not at {lost}." if lost else f"{won}."


def _at(members: str, times: float) -> str:
    return f"{members} members ({_times(times)})"


def _times(times: float) -> str:
    return f"{times:,.1f}\u202f×"
