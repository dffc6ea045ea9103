"""The lab's lesson of indexes: the copies, the parts of the page, and what they measure."""

from __future__ import annotations

import time

import pytest
from django.db import connection
from django.test import Client

from savings.models import Transaction, User
from tests.factories import fill, make_circle, make_member, make_plan
from web.lab import index_costs, lookups, project_indexes, query_plans, table_loads, unused_indexes, updates
from web.lab.measure import compare

URL = "/lab/lookup/"


@pytest.fixture
def copies(saver: User) -> None:
    fill(saver, 3)
    table_loads.make_copies(10_000)


def counted(table: str) -> tuple[int, int]:
    """Return how many rows and different references a table has."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*), COUNT(DISTINCT reference) FROM {table}")
        rows, references = cursor.fetchone()
    return rows, references


def lab_tables() -> list[str]:
    with connection.cursor() as cursor:
        return [name for name in connection.introspection.table_names(cursor) if name.startswith("lab_")]


@pytest.mark.usefixtures("copies")
def test_the_lookup_needs_its_index() -> None:
    comparison = compare(lookups.WAYS, lookups.sample(), rounds=1, pair=lookups.PAIR)
    without, with_index = comparison.before, comparison.after
    assert comparison.agree
    assert without.rows == with_index.rows == without.queries == lookups.LOOKUPS
    assert "lab_by_reference" in with_index.plan
    assert query_plans.is_by_index(with_index.plan)
    assert not query_plans.is_by_index(without.plan)


@pytest.mark.usefixtures("copies")
def test_an_update_by_reference_needs_the_index_too_and_changes_nothing(saver_client: Client) -> None:
    comparison = updates.measured(rounds=1)
    without, with_index = comparison.before, comparison.after
    assert comparison.agree
    assert without.rows == with_index.rows == without.queries == with_index.queries == lookups.LOOKUPS
    assert "lab_by_reference" in with_index.plan
    assert query_plans.is_by_index(with_index.plan)
    assert not query_plans.is_by_index(without.plan)
    assert all("UPDATE" in outcome.statements[0][1] for outcome in comparison.outcomes)
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM lab_transactions WHERE status = 'reversed'")
        assert cursor.fetchone() == (0,)
    assert "is rolled back" in saver_client.get(f"{URL}?part=update").content.decode()


@pytest.mark.django_db
def test_the_page_makes_the_copies_and_leaves_the_transactions_alone(
    saver_client: Client, saver: User
) -> None:
    fill(saver, 7)
    for rows in (3_000, 1_000):
        assert saver_client.post(URL, {"rows": rows, "do": "load"}).status_code == 302
        assert counted(table_loads.PLAIN) == counted(table_loads.INDEXED) == (rows, rows)
    assert Transaction.objects.count() == 7
    assert "A few references among 1,000 rows" in saver_client.get(URL).content.decode()


@pytest.mark.usefixtures("copies")
def test_a_part_says_when_the_copies_are_too_small_to_show_a_difference(
    saver_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "The copies have 10,000 rows."
    assert words in saver_client.get(f"{URL}?part=pages").text
    assert words not in saver_client.get(f"{URL}?part=ours").text
    monkeypatch.setattr(table_loads, "DEFAULT_ROWS", 10_000)
    assert words not in saver_client.get(f"{URL}?part=pages").text


@pytest.mark.django_db
def test_without_a_transaction_the_copies_repeat_an_invented_one() -> None:
    table_loads.make_copies(1_000)
    assert counted(table_loads.PLAIN) == (1_000, 1_000)
    assert len(lookups.sample()) == lookups.LOOKUPS


@pytest.mark.parametrize("rows", ["", "7", "many"])
def test_a_size_that_is_not_offered_is_refused(saver_client: Client, rows: str) -> None:
    response = saver_client.post(URL, {"rows": rows, "do": "load"})
    assert response.status_code == 422
    assert 'class="err"' in response.content.decode()
    assert lab_tables() == []


@pytest.mark.usefixtures("copies")
def test_the_copies_can_be_removed(saver_client: Client) -> None:
    assert saver_client.post(URL, {"do": "remove"}).status_code == 302
    assert lab_tables() == []
    assert "No copies yet" in saver_client.get(URL).content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_large_load_goes_on_in_the_background_and_starts_once(saver_client: Client) -> None:
    try:
        saver_client.post(URL, {"rows": 30_000, "do": "load"})
        load = table_loads.current()
        assert load is not None
        assert table_loads.start(1_000) is load or not load.is_running
        shown = saver_client.get(URL).content.decode()
        assert "Making two copies of 30,000 rows" in shown or not load.is_running
        until = time.monotonic() + 30
        while load.is_running and time.monotonic() < until:
            time.sleep(0.02)
        assert load.error == ""
        assert not load.is_running
    finally:
        table_loads.clean()


def test_a_page_shows_the_progress_of_a_load_and_asks_again(
    saver_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_loads, "_current", table_loads.Load(rows=1_000_000, steps=10, done=4))
    for headers in ({}, {"HX-Request": "true"}):
        text = saver_client.get(f"{URL}?part=unused", headers=headers).content.decode()
        assert "Making two copies of 1,000,000 rows" in text
        assert '<progress max="10" value="4"' in text
        assert f'hx-get="{URL}?part=unused" hx-trigger="every 1s"' in text


def test_a_load_that_failed_is_named(saver_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    load = table_loads.Load(rows=1_000_000, steps=10, done=4, error="OperationalError")
    monkeypatch.setattr(table_loads, "_current", load)
    assert "The load stopped: OperationalError." in saver_client.get(URL).content.decode()


def test_writing_is_measured_on_request_and_leaves_no_table(saver_client: Client, saver: User) -> None:
    assert "Not measured yet" in saver_client.get(f"{URL}?part=cost").content.decode()
    part = saver_client.post(URL, {"do": "measure"}, headers={"HX-Request": "true"}).content.decode()
    assert "With 4 indexes, inserting took" in part
    assert "kind, id" in part
    assert lab_tables() == []


@pytest.mark.django_db
def test_more_indexes_take_more_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_costs, "BASE_ROWS", 2_000)
    monkeypatch.setattr(index_costs, "WRITTEN_ROWS", 100)
    costs = index_costs.measured(rounds=1)
    assert [cost.indexes for cost in costs] == [0, 1, 2, 4]
    sizes = [cost.index_bytes for cost in costs]
    assert None in sizes or sizes == sorted({*sizes}, key=lambda size: size or 0)
    assert costs[0].table_bytes is None or costs[0].table_bytes > 0


@pytest.mark.usefixtures("copies")
def test_the_planner_leaves_an_index_alone_and_the_page_says_why(saver_client: Client) -> None:
    text = saver_client.get(f"{URL}?part=unused").content.decode()
    cases = {case.name: case for case in unused_indexes.cases()}
    assert len(cases) == 4
    for name, case in cases.items():
        assert name in text
        assert f"For comparison, {case.beside}" in text
        assert case.unhelped.plan
    for name in ("A function on the column", "A wildcard at the beginning"):
        assert not cases[name].unhelped.is_by_index
        assert cases[name].helped.is_by_index
    if connection.vendor == "postgresql":
        assert not any(case.unhelped.is_by_index for case in cases.values())


def test_the_indexes_of_the_site_are_shown_with_their_queries(saver_client: Client, saver: User) -> None:
    make_member(make_circle(), saved_kobo=100)
    fill(saver, 5, plan=make_plan(saver))
    text = saver_client.get(f"{URL}?part=ours").content.decode()
    found = project_indexes.indexes(saver)
    for index in found:
        assert index.name in text
        assert f'name="{index.name}"' in index.declaration
        assert index.declaration.startswith("# ")
        assert index.definition.startswith("CREATE")
        assert index.plan
        assert (
            index.is_used
            or f"{index.rows} row{'' if index.rows == 1 else 's'} here:\n      {index.reason}." in text
        )
    assert any("WHERE" in index.definition for index in found)
    if connection.vendor == "sqlite":
        assert {index.name for index in found if index.is_used} >= {"transaction_by_user", "outbox_waiting"}


def test_what_the_database_does_not_have_is_empty(db: None) -> None:
    assert query_plans.definition("lab_no_such_index") == ""
    assert query_plans.declaration(Transaction, "lab_no_such_index") == ""


@pytest.mark.django_db
def test_headlines_name_each_number_of_indexes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_costs, "BASE_ROWS", 1_000)
    monkeypatch.setattr(index_costs, "WRITTEN_ROWS", 100)
    assert [line.what for line in index_costs.headlines() if "inserting" in line.what] == [
        f"{count} : none, inserting 100 rows" for count in ("1 index", "2 indexes", "4 indexes")
    ]
    assert lab_tables() == []
