"""The lab's lesson of a whole page: each change shows the same rows, and fewer queries."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client, RequestFactory

from savings.models import Transaction, User
from tests.factories import fill, make_plan, make_transaction
from web.lab import page_bytes, whole_pages
from web.lab.whole_pages import SWITCHES

URL = "/lab/whole-page/"
ALL = {"asked": "1", "on": [*SWITCHES]}


@pytest.fixture
def history(saver: User) -> User:
    """More than a page of transactions of two plans."""
    for name in ("Rent", "School"):
        fill(saver, 15, plan=make_plan(saver, name=name))
    return saver


def references(page: bytes) -> list[str]:
    return re.findall(r"/transactions/([A-Z0-9]+)/", page.decode())


@pytest.mark.parametrize("count", range(len(SWITCHES) + 1))
def test_every_step_shows_the_rows_of_the_page(saver_client: Client, history: User, count: int) -> None:
    response: Any = saver_client.get("/transactions/")
    real = references(response.content)
    assert len(real) == 25
    run = whole_pages._page(response.wsgi_request, frozenset([*SWITCHES][:count]))
    for _ in range(2):
        assert references(run().body) == real


def test_each_change_costs_no_more_queries(saver_client: Client, history: User) -> None:
    response = saver_client.get(URL, ALL)
    steps = response.context["steps"]
    assert [step.name for step in steps] == ["Naive", *(switch.name for switch in SWITCHES.values())]
    # The count, the rows, the payments being checked, the plans of the filter, and a plan per row. Joins ask for the
    # entries of all rows, keyset pages have no count, and slim rows ask for entries only where they need them.
    assert [step.queries for step in steps] == [4 + 25, 4 + 25, 5, 4, 3, 2, 0]
    for step in steps:
        plain, gzip, brotli = [encoded.size_bytes for encoded in step.encoded]
        assert plain > 3 * gzip > 0
        assert plain > 3 * brotli > 0
    text = response.content.decode()
    assert "Naive took" in text
    assert "def naive(" in text
    assert "def slim(" in text


def test_no_change_costs_a_query_also_with_fees_and_payments_that_are_checked(
    saver_client: Client, history: User
) -> None:
    for _ in range(3):
        make_transaction("fee", 1_00, user=history)
        make_transaction("top_up", 1_00, user=history, status="review")
    steps = saver_client.get(URL, ALL).context["steps"]
    queries = [step.queries for step in steps]
    assert queries == sorted(queries, reverse=True)
    # A query for the entries of each such row, and for the plan of each other one in the page.
    assert queries[0] > queries[2] + 20


@pytest.mark.parametrize("chosen", [["joins"], ["joins", "fragments"], ["cache", "index"]])
def test_changes_can_be_chosen(saver_client: Client, history: User, chosen: list[str]) -> None:
    response = saver_client.get(URL, {"asked": "1", "on": chosen}, headers={"HX-Request": "true"})
    names = [SWITCHES[key].name for key in SWITCHES if key in chosen]
    assert [step.name for step in response.context["steps"]] == ["Naive", *names]
    # Joins cost a query for the entries.
    saved = 24 * ("joins" in chosen) + ("fragments" in chosen)
    assert response.context["steps"][-1].queries == (0 if "cache" in chosen else 29 - saved)
    assert response.content.decode().strip().startswith('<div class="stack" id="result">')


def test_an_unknown_change_is_left_out(saver_client: Client, history: User) -> None:
    response = saver_client.get(URL, {"asked": "1", "on": "magic"})
    assert [step.name for step in response.context["steps"]] == ["Naive"]


def test_the_cached_pages_of_the_lab_are_not_the_site_s(saver_client: Client, history: User) -> None:
    saver_client.get(URL, ALL)
    page = saver_client.get("/transactions/").content.decode()
    assert "the naive way" not in page


def test_a_saver_without_transactions_gets_the_page(saver_client: Client) -> None:
    for query in ({}, ALL):
        assert "The first page of your 0 transactions" in saver_client.get(URL, query).content.decode()


def test_the_bytes_are_those_that_a_browser_receives(saver_client: Client, history: User) -> None:
    body = saver_client.get("/transactions/").content
    sizes = {one.name: one.size_bytes for one in page_bytes.encoded(body)}
    sent = {
        word: len(saver_client.get("/transactions/", headers={"Accept-Encoding": word}).content)
        for word in ("gzip", "br")
    }
    # Each response has a token of its own, whose length after compression varies by a few bytes.
    assert sizes["Not compressed"] == len(body)
    assert abs(sizes["gzip"] - sent["gzip"]) < 100
    assert abs(sizes["brotli"] - sent["br"]) < 100


def test_it_runs_only_when_asked_for(saver_client: Client, history: User) -> None:
    response = saver_client.get(URL)
    assert response.context["steps"] == []
    assert "Not run yet" in response.text
    assert "def slim(" in response.text


def test_headlines_need_no_request(history: User) -> None:
    lines = list(whole_pages.headlines())
    assert lines[0].what == "Transactions page of 30 rows, naive : ours, time"
    assert [line.what for line in lines[1:]] == [
        "Naive",
        *(f"+ {switch.name}" for switch in SWITCHES.values()),
        *(f"Sent with {name}: size, and time to compress it" for name in ("gzip", "brotli")),
    ]
    assert lines[-3].value.startswith("0 queries, ")


def test_without_a_transaction_there_is_no_headline(db: None) -> None:
    assert not Transaction.objects.exists()
    assert list(whole_pages.headlines()) == []


def test_the_measured_request_is_a_plain_one(saver_client: Client, saver: User) -> None:
    request = RequestFactory().get(
        "/lab/whole-page/?on=joins", headers={"HX-Request": "true", "If-None-Match": "x"}
    )
    sent = whole_pages._request(saver)
    sent.META = request.META
    asked = whole_pages._copy(sent, frozenset(SWITCHES))
    assert not asked.htmx
    assert asked.headers.get("If-None-Match") is None
    assert dict(asked.GET) == {}
