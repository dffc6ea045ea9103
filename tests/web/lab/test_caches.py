"""The lab's caches: the cached value, fragment, page and 304 equal the fresh ones, and cost no query."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from savings.models import User
from tests.factories import fill, make_plan
from web.lab import caches
from web.lab.measure import compare

pytestmark = pytest.mark.django_db


@pytest.fixture
def _cached_pages_equal_fresh_ones() -> None:
    """Do not render cached pages again as in all other tests: here the queries of a cached page are counted."""


@pytest.fixture
def history(saver: User) -> User:
    fill(saver, 6, plan=make_plan(saver, name="Rent"))
    saver.shown_as = "a version"
    return saver


@pytest.mark.parametrize("kind", list(caches.WAYS))
def test_the_cached_answer_is_the_fresh_one(history: User, kind: str) -> None:
    comparison = compare(caches.WAYS[kind], caches.visitor_of(history, kind), rounds=2)
    assert comparison.agree
    cold, warm = comparison.outcomes
    assert warm.queries == 0
    assert cold.queries == 0 if kind == "not-modified" else cold.queries > 0


def test_a_304_has_no_content(history: User) -> None:
    visitor = caches.visitor_of(history, "not-modified")
    assert visitor.tag
    answer = caches.visit(history, tag=visitor.tag)
    assert (answer.status_code, answer.content) == (304, b"")
    assert caches.visit(history).status_code == 200


def test_the_fragment_lists_the_months(history: User) -> None:
    month, count = caches.count_by_month(history)[0]
    assert f"<li>{month}: {count}</li>" in caches.fragment(history)


@pytest.mark.parametrize("kind", [*caches.WAYS, "nonsense"])
def test_the_page_compares_one_kind(saver_client: Client, history: User, kind: str) -> None:
    page = saver_client.get(f"/lab/caching/?kind={kind}")
    assert page.context["lesson"] == "caching"
    assert "Same result" in page.text
    part = saver_client.get(f"/lab/caching/?kind={kind}", headers={"HX-Request": "true"}).text
    assert part.strip().startswith('<div class="stack" id="result">')
    queries = re.findall(r'<td class="r md">(\d+)</td>', page.text)[::2]
    assert queries[1] == "0"


def test_without_the_page_cache_the_page_says_so(saver_client: Client, settings: Settings) -> None:
    settings.KEEPS_PAGES = False
    assert "KEEPS_PAGES=0" in saver_client.get("/lab/caching/?kind=page").text
    assert list(caches.headlines()) == []


def test_its_figures_are_of_every_kind(history: User) -> None:
    found = dict(caches.headlines())
    assert found["page, queries without and with the cache"].endswith(" : 0")
    assert found["not modified, queries without and with the cache"] == "0 : 0"
    assert {what.split(",")[0] for what in found} == {"value", "fragment", "page", "not modified"}
