"""The lab's lesson of N+1 queries: all ways give the same rows, and their queries are those that the page shows."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client

from savings.models import Plan, Transaction, User
from tests.factories import fill, make_circle, make_member, make_plan
from web.lab import names, related_rows, relations, shared_plans
from web.lab.measure import Comparison, compare
from web.lab.shared_plans import Asked

URL = "/lab/plan-names/"


@pytest.fixture
def rows(saver: User) -> None:
    fill(saver, 6, plan=make_plan(saver, name="Rent"))
    make_member(make_circle(name="Lagos"), nickname="Bola")
    related_rows.load(25)


def queries(comparison: Comparison) -> dict[str, int]:
    return {outcome.name: outcome.queries for outcome in comparison.outcomes}


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("key", relations.RELATIONS)
def test_every_way_gives_the_same_rows(key: str) -> None:
    comparison = relations.measured(relations.RELATIONS[key], 25, rounds=1)
    assert comparison.agree
    assert {outcome.rows for outcome in comparison.outcomes} == {25}
    assert all(outcome.peak_bytes for outcome in comparison.outcomes)


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("key", ["plan", "account"])
def test_one_related_row_costs_the_naive_way_a_query_per_row(key: str) -> None:
    assert queries(compare(relations.RELATIONS[key].ways, 25, rounds=0)) == {
        "Naive": 1 + 25,
        "select_related": 1,
        "prefetch_related": 2,
        "FETCH_PEERS": 2,
        "values": 1,
    }


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("key", ["members", "transactions"])
def test_fetch_peers_does_not_help_the_managers_of_other_relations(key: str) -> None:
    assert queries(compare(relations.RELATIONS[key].ways, 25, rounds=0)) == {
        "Naive": 1 + 25,
        "prefetch_related": 2,
        "FETCH_PEERS": 1 + 25,
        "values": 1,
    }


@pytest.mark.usefixtures("rows")
def test_repeated_sql_is_shown_once_with_its_count() -> None:
    naive = compare(names.WAYS, 25, rounds=0).outcomes[0]
    assert [count for count, _ in naive.statements] == [1, 25]
    assert "FROM lab_plans" in naive.statements[1][1].replace('"', "")


@pytest.mark.usefixtures("rows")
def test_the_rows_are_copies_of_real_ones() -> None:
    shown = names.with_values(25)
    assert {name for _, name in shown} == {*Plan.objects.values_list("name", flat=True)}
    real = {*Transaction.objects.values_list("reference", flat=True)}
    assert {str(reference).rpartition("-")[0] for reference, _ in shown} == real


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("key", relations.RELATIONS)
def test_the_headline_is_the_lesson_s_own_pair(saver_client: Client, key: str) -> None:
    text = saver_client.get(URL, {"relation": key, "rows": "25"}).content.decode()
    before, after = relations.RELATIONS[key].pair
    assert f"{before} took " in text
    assert f" as long as {after}</h2>" in text
    assert '<th scope="col" class="r md">Memory</th>' in text
    assert ("FieldFetchBlocked" in text) == (key == "plan")


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(("sharing", "plans"), [(1, 1), (25, 25), (0, 25)])
def test_prefetch_related_reads_a_shared_plan_once_and_select_related_in_each_row(
    saver_client: Client, sharing: int, plans: int
) -> None:
    comparison, (naive, joined, prefetched) = shared_plans.measured(Asked(25, sharing), rounds=0)
    assert comparison.agree
    assert queries(comparison) == {"Naive": 26, "select_related": 1, "prefetch_related": 2}
    assert (naive.plans_read, joined.plans_read, prefetched.plans_read) == (25, 25, plans)
    if sharing == 1:
        assert prefetched.size < joined.size
    page = saver_client.get(URL, {"relation": "shared", "rows": "25", "plans": f"{sharing}"}).text
    assert f"25 transactions have {plans} plan" in page
    assert f"prefetch_related {plans}</h2>" in " ".join(page.split())


def test_the_page_loads_and_removes_its_rows(saver_client: Client) -> None:
    assert "No rows yet" in saver_client.get(URL).content.decode()
    assert saver_client.post(URL, {"do": "load"}).status_code == 302
    assert related_rows.loaded_rows() == related_rows.SIZES[-1]
    assert len(names.with_values(2_500)) == 2_500
    saver_client.post(URL, {"do": "remove"})
    with connection.cursor() as cursor:
        found = connection.introspection.table_names(cursor)
    assert not [name for name in found if name.startswith("lab_")]


@pytest.mark.usefixtures("rows")
def test_an_unknown_relation_or_size_is_the_first(saver_client: Client) -> None:
    response = saver_client.get(URL, {"relation": "x", "rows": "7"})
    assert (response.context["chosen"], response.context["rows"]) == ("plan", 25)


def test_the_site_does_not_know_the_models_of_the_lab(db: None) -> None:
    assert not [
        model for model in apps.get_models(include_auto_created=True) if model.__name__.startswith("Lab")
    ]
