"""The filters above a list of the admin, and the number of its rows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from web import keyset
from web.templatetags.list_heads import filters_of, filters_set, rows_shown


def spec(*choices: str, used: bool = False) -> Any:
    displayed = [{"display": choice, "selected": place == 0} for place, choice in enumerate(choices)]
    return SimpleNamespace(
        title="state", choices=lambda its: displayed, used_parameters={"state": ["x"]} if used else {}
    )


def test_filters_without_room_are_menus() -> None:
    its = SimpleNamespace(
        filter_specs=[spec("All", "Waits"), spec("All", "A choice of the list that is longer than the room")]
    )
    short, long = filters_of(its)
    assert (short.title, short.is_menu, short.chosen) == ("State", False, "All")
    assert long.is_menu


def test_three_filters_leave_no_room_for_choices_of_one() -> None:
    day = spec("All", "Today", "Yesterday", "Last 7 days")
    assert not filters_of(SimpleNamespace(filter_specs=[day]))[0].is_menu
    assert filters_of(SimpleNamespace(filter_specs=[day, spec("All"), spec("All")]))[0].is_menu


def test_the_number_of_filters_that_are_set() -> None:
    assert filters_set(SimpleNamespace(filter_specs=[spec("All"), spec("All", used=True)])) == 1


@pytest.mark.parametrize(
    ("number", "older", "said"),
    [(1, None, "1 row"), (7, None, "7 rows"), (50, "?before=3", "50 rows on this page")],
)
def test_only_a_list_on_one_page_says_how_many_rows_it_has(number: int, older: str | None, said: str) -> None:
    assert rows_shown(keyset.KeysetPage(list(range(number)), None, older)) == said
