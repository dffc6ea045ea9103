"""What the tests of pages share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import caches
from pytest_django.fixtures import Settings

from web.limits import Cache


@pytest.fixture
def without_redis(settings: Settings) -> Iterator[None]:
    """A cache whose Redis refuses every connection."""
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"}}
    yield
    cache_here = caches["default"]
    assert isinstance(cache_here, Cache)
    cache_here._memory.clear()
