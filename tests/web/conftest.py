"""What holds for every page that a test asks for: what is kept of it is what would be made anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.core.cache import caches
from django.db import connection
from django.http import HttpResponse
from pytest_django.fixtures import Settings

from web import caching
from web.http import SaverRequest
from web.limits import Cache


@pytest.fixture(autouse=True)
def _kept_pages_are_as_fresh_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make each page that comes out of the cache once more: no change of what is shown may go unnoticed."""
    answer = caching._answer
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
            fresh = caching._kept(request, view())
            # A test that counts queries means those of the page it was given.
            while len(connection.queries_log) > before:
                connection.queries_log.pop()
            kept = (
                shown.get(tag) if response.status_code == 304 else caching._TOKEN.sub(b"\0", response.content)
            )
            assert fresh is not None
            assert fresh.body == kept, f"{request.get_full_path()} is kept, but not as it is by now"
        if response.status_code == 200 and tag:
            shown[tag] = caching._TOKEN.sub(b"\0", response.content)
        return response

    monkeypatch.setattr(caching, "_answer", compared)


@pytest.fixture
def without_redis(settings: Settings) -> Iterator[None]:
    """A cache whose Redis refuses every connection."""
    gone = {name: cache | {"LOCATION": "redis://127.0.0.1:1/0"} for name, cache in settings.CACHES.items()}
    settings.CACHES = gone
    yield
    cache_here = caches["default"]
    assert isinstance(cache_here, Cache)
    cache_here._memory.clear()
