"""Checks on every page of every test: a cached page equals a fresh one, and no row is fetched lazily."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection
from django.db.models import FETCH_ONE, FETCH_PEERS, FETCH_RAISE, Model
from django.http import HttpResponse
from django.test import Client
from pytest_django.fixtures import Settings

from web.caching import form_tokens
from web.caching import pages as page_cache
from web.caching.cache import Cache
from web.counts import counting
from web.http import SaverRequest
from web.observability import request_metrics
from web.observability.request_costs import response_measured

# The lab's naive ways fetch lazily on purpose.
_LAB = "/lab/"

_is_in_a_page: ContextVar[bool] = ContextVar("is_in_a_page", default=False)


@pytest.fixture(autouse=True)
def _pages_fetch_nothing_in_passing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise for each related row or deferred column that a page loads lazily (FETCH_RAISE).

    Not for a POST, which reads rows again one by one under a lock, and not while a test prepares its data.
    """
    ask = Client.request

    def watched(client: Client, **request: Any) -> Any:
        is_watched = not request["PATH_INFO"].startswith(_LAB)
        token = _is_in_a_page.set(is_watched and request["REQUEST_METHOD"] in {"GET", "HEAD"})
        try:
            return ask(client, **request)
        finally:
            _is_in_a_page.reset(token)

    monkeypatch.setattr(Client, "request", watched)
    for mode in (FETCH_ONE, FETCH_PEERS):
        monkeypatch.setattr(type(mode), "fetch", _refused_in_pages(type(mode).fetch))


def _refused_in_pages(fetch_one: Callable[..., None]) -> Callable[..., None]:
    def fetch(mode: Any, fetcher: Any, instance: Model) -> None:
        if _is_in_a_page.get():
            FETCH_RAISE.fetch(fetcher, instance)
        fetch_one(mode, fetcher, instance)

    return fetch


@pytest.fixture(autouse=True)
def _cached_pages_equal_fresh_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Render each cached page again and compare, so that no change of the shown data goes unnoticed."""
    answer = page_cache._answer
    shown: dict[str, bytes] = {}

    def compared(request: SaverRequest, key: str, view: Callable[[], HttpResponse]) -> HttpResponse:
        made: list[HttpResponse] = []

        def noted() -> HttpResponse:
            made.append(view())
            return made[-1]

        response = answer(request, key, noted)
        tag = response.headers.get("ETag", "")
        if not made:
            before = len(connection.queries_log)
            # A test that counts must see the cost of the page it received.
            with counting():
                fresh = page_cache._to_cache(request, view())
            while len(connection.queries_log) > before:
                connection.queries_log.pop()
            is_unchanged = response.status_code == 304
            cached = shown.get(tag) if is_unchanged else form_tokens.without_tokens(response.content)
            assert fresh is not None
            assert fresh.body == cached, f"{request.get_full_path()} is cached, but its content has changed"
        if response.status_code == 200 and tag:
            shown[tag] = form_tokens.without_tokens(response.content)
        return response

    monkeypatch.setattr(page_cache, "_answer", compared)


@pytest.fixture
def without_redis(settings: Settings) -> Iterator[None]:
    """A cache whose Redis refuses every connection."""
    gone = {name: cache | {"LOCATION": "redis://127.0.0.1:1/0"} for name, cache in settings.CACHES.items()}
    settings.CACHES = gone
    yield
    cache_here = caches["default"]
    assert isinstance(cache_here, Cache)
    cache_here._memory.clear()


@pytest.fixture
def sample_page(settings: Settings) -> None:
    """Add the template `page.html` with the part `part`, which shows `form` if there is one."""
    page = (
        '{% extends "base.html" %}{% block content %}'
        '{% partialdef part inline %}<p id="part"></p>{{ form }}{% endpartialdef %}'
        "{% endblock %}"
    )
    (templates,) = settings.TEMPLATES
    loaders = [
        ("django.template.loaders.locmem.Loader", {"page.html": page}),
        "django.template.loaders.filesystem.Loader",
        "django.template.loaders.app_directories.Loader",
    ]
    options = {**templates["OPTIONS"], "loaders": loaders}
    settings.TEMPLATES = [{**templates, "APP_DIRS": False, "OPTIONS": options}]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process counts its requests for /metrics, as a server does.

    In a folder of its own: the workers of pytest have one parent, as those of a server have.
    """
    monkeypatch.setattr(os, "getppid", os.getpid)
    request_metrics.start()
    yield
    response_measured.disconnect(request_metrics._count)
