"""What stands above and below a list of the admin: its filters, and the number of its rows where it is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from django import template
from django.utils.text import capfirst

from web.messages import lists

register = template.Library()
# The letters of choices that have room beside the search and the export on a screen of 1,280 px, and what each filter
# more takes of them.
_ROOM, _MENU = 45, 10


class Filter(NamedTuple):
    """One filter: its choices stand side by side, or in a menu that shows the chosen one."""

    title: str
    choices: Sequence[dict[str, Any]]
    is_menu: bool
    chosen: str


@register.simple_tag
def filters_of(its: Any) -> list[Filter]:
    """Return the filters of a list. Those for which there is no room side by side are menus."""
    found: list[Filter] = []
    room = _ROOM - _MENU * (len(its.filter_specs) - 1)
    for spec in its.filter_specs:
        choices = list(spec.choices(its))
        letters = sum(len(str(choice["display"])) for choice in choices)
        is_menu = letters > room
        room -= 0 if is_menu else letters
        chosen = next((str(choice["display"]) for choice in choices if choice["selected"]), "")
        found.append(Filter(capfirst(str(spec.title)), choices, is_menu, chosen))
    return found


@register.filter
def filters_set(its: Any) -> int:
    """Return how many filters of a list are set."""
    return sum(bool(spec.used_parameters) for spec in its.filter_specs)


@register.filter
def rows_shown(page: Any) -> str:
    """Return the number of rows: of the list where one page has them all, otherwise of the page."""
    if page.newer or page.older:
        return lists.rows_on_page(len(page.rows))
    return lists.rows(len(page.rows))
