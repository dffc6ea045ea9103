"""One request in four tools: the page makes it, and the tools agree on its counts."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from savings.models import User
from tests.factories import fill, make_plan
from web.lab import one_request, speeds
from web.lab.one_request import PAGES, make_request
from web.observability.request_costs import response_measured


@pytest.fixture
def history(saver: User, settings: Settings) -> User:
    # Development sends the header to everybody.
    settings.DEBUG = True
    fill(saver, 6, plan=make_plan(saver, name="Rent"))
    return saver


@pytest.mark.parametrize("word", PAGES)
def test_header_and_log_agree_on_the_counts(saver_client: Client, history: User, word: str) -> None:
    made = make_request(saver_client, reverse(PAGES[word][0]))
    _, header, line, _ = made.sights()
    assert made.response.status_code == 200
    assert header.numbers["queries"] == line.numbers["queries"] == made.labels["sql_count"] > 0
    assert header.numbers["cache_hits"] == line.numbers["cache_hits"]
    assert json.loads(line.raw)["request_id"] == made.response["X-Request-ID"]


def test_the_naive_page_has_a_query_for_each_row(saver_client: Client, history: User) -> None:
    saver_client.get("/lab/naive/transactions/")
    made = make_request(saver_client, "/lab/naive/transactions/")
    # The user of the session, the plans of the filter, the payments that are checked, the count, the rows, and the
    # plan of each row.
    assert made.labels["sql_count"] == 5 + 6


def test_the_page_shows_the_request_that_it_makes(saver_client: Client, history: User) -> None:
    seen: list[str] = []

    def note(*, request: object, counts: object, **_: object) -> None:
        seen.append(f"{request.path} {counts.sql_count}")  # type: ignore[attr-defined]

    response_measured.connect(note)
    try:
        page = saver_client.get("/lab/measure/?page=naive").content.decode()
    finally:
        response_measured.disconnect(note)
    # The inner request ends first. Its queries are part of what the outer one took.
    assert [line.partition(" ")[0] for line in seen] == ["/lab/naive/transactions/", "/lab/measure/"]
    queries = seen[0].partition(" ")[2]
    assert re.findall(r'<td class="r">(.*?)</td>', page)[2] == queries
    assert f"&quot;sql_count&quot;: {queries}" in page


def test_each_tool_that_is_off_says_how_to_turn_it_on(saver_client: Client, history: User) -> None:
    page = saver_client.get("/lab/measure/").content.decode()
    assert "Off. Start the site with DEBUG_TOOLBAR=1." in page
    assert "Off. Start the site with make apm. Its viewer is pictured in docs/apm.md." in page


def test_an_unknown_page_is_the_first_one(saver_client: Client, history: User) -> None:
    assert "Activity, the naive way</h2>" in saver_client.get("/lab/measure/?page=x").content.decode()
    part = saver_client.get("/lab/measure/?page=plans", headers={"HX-Request": "true"}).content.decode()
    assert part.strip().startswith('<div class="stack" id="result">')
    assert "Plans</h2>" in part


def test_a_trace_is_linked_only_in_the_viewer(settings: Settings) -> None:
    trace_id = "ab" * 16
    assert one_request.trace_url(trace_id) == ""
    settings.ELASTIC_APM = {"SERVER_URL": "http://127.0.0.1:8002"}
    assert one_request.trace_url("") == ""
    assert one_request.trace_url(trace_id) == f"http://127.0.0.1:8002/traces/{trace_id}/"
    settings.ELASTIC_APM = {"SERVER_URL": "https://apm.example"}
    assert one_request.trace_url(trace_id) == ""


def test_without_a_user_there_are_no_figures(db: None) -> None:
    assert list(one_request.headlines()) == list(speeds.headlines()) == []


def test_latency_and_throughput_of_every_page_are_measured_when_asked_for(
    saver_client: Client, history: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Not measured yet" in saver_client.get("/lab/measure/").content.decode()
    monkeypatch.setattr(speeds, "ROUNDS", 2)
    page = saver_client.get("/lab/measure/?page=plans&do=time").content.decode()
    table = re.search(r"The latency and the throughput of each page.*?</table>", page, re.DOTALL)
    assert table
    assert re.findall(r'<span class="b">(.*?)</span>', table[0]) == [title for _, title in PAGES.values()]
    assert len(re.findall(r"[\d,]+ a second", table[0])) == len(PAGES)
    assert re.search(r"The median of Plans is\s+[\d.]+% of that", page)


def test_the_figures_of_speed_name_the_slowest_page(history: User) -> None:
    found = list(speeds.headlines())
    assert len(found) == len(PAGES) + 1
    assert "its share of two seconds" in found[-1].what
