"""The lab's experiment that creates an index: what it changes, and whether another connection can write meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client

from tests.web.lab.test_lookups import URL, counted, lab_tables
from web.lab import index_building, table_loads

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def copies() -> Iterator[None]:
    table_loads.make_copies(1_000)
    yield
    table_loads.clean()


def test_creating_an_index_makes_a_write_wait_and_the_lookup_use_it() -> None:
    tables = set(lab_tables())
    build = index_building.built(index_building.PLAIN, rounds=1)
    assert build.rows == 1_000
    assert build.writes.found_lock
    assert build.writes.done_meanwhile == 0
    assert not build.before.is_by_index
    assert build.after.is_by_index
    assert index_building.INDEX in build.after.lookup.plan
    assert build.before.lookup.rows == build.after.lookup.rows
    # Neither the copies nor the table of the experiment have changed.
    assert set(lab_tables()) == tables
    assert counted(table_loads.PLAIN) == (1_000, 1_000)


def test_only_postgresql_creates_an_index_without_a_lock() -> None:
    is_postgresql = connection.vendor == "postgresql"
    assert (index_building.CONCURRENT in index_building.statements()) == is_postgresql
    if is_postgresql:
        build = index_building.built(index_building.CONCURRENT, rounds=1)
        assert not build.writes.found_lock
        assert build.after.is_by_index


def test_the_page_has_a_button_for_each_statement(saver_client: Client) -> None:
    page = saver_client.get(f"{URL}?part=create").text
    assert "No index yet" in page
    assert page.count('name="statement"') == len(index_building.statements())
    assert ("SQLite locks the whole file" in page) == (connection.vendor == "sqlite")
    for statement in index_building.statements():
        page = saver_client.post(URL, {"do": "create", "statement": statement}).text
        assert f"<dt>{statement}</dt>" in page
        assert "Before the index, the lookup took" in page
    assert (
        "The write waited for a lock"
        in saver_client.post(
            URL, {"do": "create", "statement": index_building.PLAIN}, headers={"HX-Request": "true"}
        ).text
    )


def test_an_unknown_statement_creates_nothing(saver_client: Client) -> None:
    assert "No index yet" in saver_client.post(URL, {"do": "create", "statement": "DROP TABLE"}).text


def test_its_figures_name_each_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_building, "_HEADLINE_ROWS", 1_000)
    found = [one.what for one in index_building.headlines()]
    for statement in index_building.statements():
        assert f"{statement} on 1,000 rows, longest wait of a write meanwhile" in found
    assert lab_tables() == []
