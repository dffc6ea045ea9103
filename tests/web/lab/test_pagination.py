"""The lab's experiment of pages: both ways have the same rows, and only a key leads straight to a page."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.web.lab.test_lookups import URL
from web.lab import pagination, query_plans, table_loads

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("rows", "numbers"),
    [(1, [1]), (1_000, [1, 40]), (25_001, [1, 1_000, 1_001]), (1_000_000, [1, 1_000, 40_000])],
)
def test_the_first_the_thousandth_and_the_last_page_are_read_each_once(rows: int, numbers: list[int]) -> None:
    assert [page.number for page in pagination.pages(rows)] == numbers


def test_both_ways_read_the_same_rows_and_only_the_key_by_an_index(saver_client: Client) -> None:
    table_loads.make_copies(1_010)
    (first, _), (last, comparison) = pagination.measured(1_010, rounds=0)
    assert (first.number, last.number) == (1, 41)
    assert comparison.agree
    assert [row[0] for row in pagination.by_key(first)] == list(range(1_010, 985, -1))
    assert [row[0] for row in pagination.by_offset(last)] == list(range(10, 0, -1))
    assert query_plans.is_by_index(comparison.after.plan)
    assert table_loads.BY_ID in comparison.after.plan
    page = saver_client.get(f"{URL}?part=pages").text
    assert "OFFSET and keyset" in page
    assert "web/keyset.py:" in page


def test_its_figures_name_each_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pagination, "_HEADLINE_ROWS", 1_000)
    assert [one.what for one in pagination.headlines() if one.what.endswith("time")] == [
        "Page 1 of 1,000 rows, OFFSET : keyset, time",
        "Page 40 of 1,000 rows, OFFSET : keyset, time",
    ]
