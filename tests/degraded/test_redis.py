"""Redis is frozen, gone or full: everything works, from the database, and no limit is lifted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest
import redis
from django.core.cache import caches
from pytest_django import Settings

from savings import tasks
from savings.leaderboards import store
from tests.degraded.areas import AREAS, USUAL, Site, work
from tests.factories import make_welcome
from tests.provider import Provider
from tests.redis_server import Server
from web.auth.sessions import SessionStore
from web.caching.cache import Cache
from web.caching.redis_client import RepetitionFilter
from web.doctor import parts

pytestmark = pytest.mark.django_db

HUEY = tasks.build_board.huey
# Also what undoes them.
FAULTS: dict[str, tuple[Callable[[Server], None], Callable[[Server], None]]] = {
    "frozen": (Server.freeze, Server.thaw),
    "gone": (Server.kill, Server.start),
    "full": (Server.fill, Server.drain),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


@pytest.fixture
def _own_redis(server: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The caches, leaderboards and tasks use the private Redis, with the timeouts of production."""
    settings.CACHES = {
        name: cache
        | {
            "LOCATION": f"redis://127.0.0.1:{server.port}/{number}",
            "OPTIONS": cache["OPTIONS"] | {"SOCKET_TIMEOUT": 0.25, "SOCKET_CONNECT_TIMEOUT": 0.25},
        }
        for number, (name, cache) in zip((0, 2), settings.CACHES.items(), strict=True)
    }
    settings.LEADERBOARD_REDIS_URL = settings.LEADERBOARD_UPKEEP_REDIS_URL = server.url(2)
    with redis.Redis.from_url(server.url(1, 3, 0.5)) as client:
        monkeypatch.setattr(HUEY.storage, "conn", client)
        yield
    store.client(settings.LEADERBOARD_REDIS_URL).close()
    cache = caches["default"]
    assert isinstance(cache, Cache)
    cache._memory.clear()


@pytest.fixture
def site(_own_redis: None, provider: Provider) -> Site:
    return Site()


@pytest.fixture(params=FAULTS)
def fault(request: pytest.FixtureRequest, site: Site, server: Server) -> Iterator[str]:
    """Redis fails after the forms were opened."""
    begin, end = FAULTS[request.param]
    begin(server)
    yield request.param
    end(server)
    server.empty()


@pytest.mark.parametrize("area", AREAS)
def test_it_works_as_usual(site: Site, fault: str, area: str) -> None:
    assert AREAS[area](site).status_code == USUAL[area]


def test_the_worker_sends_what_was_not_queued(site: Site, fault: str) -> None:
    make_welcome()
    assert work() == 2


@pytest.mark.usefixtures("fault")
def test_wrong_passwords_are_limited(site: Site) -> None:
    assert [site.sign_in("wrong").status_code for _ in range(6)][-1] == 429
    assert site.sign_in().status_code == 429


@pytest.mark.usefixtures("_own_redis")
def test_a_change_of_a_session_is_not_hidden_by_what_a_full_redis_still_has(server: Server) -> None:
    session = SessionStore()
    session["step"] = 1
    session.save()
    server.fill()
    try:
        session["step"] = 2
        session.save()
        assert SessionStore(session.session_key)["step"] == 2
    finally:
        server.drain()


@pytest.mark.usefixtures("_own_redis")
def test_a_counter_of_a_full_redis_is_continued_in_memory_and_taken_back_by_redis(server: Server) -> None:
    cache = caches["default"]
    assert isinstance(cache, Cache)
    cache.set("tries:x", [1.0], 60)
    server.fill()
    try:
        cache.set("tries:x", [1.0, 2.0], 60)
        assert cache.get("tries:x") == [1.0, 2.0]
        # A lock that Redis could not store is released all the same.
        assert cache.add("tries:x:lock", "", 60)
        cache.delete("tries:x:lock")
        assert cache.add("tries:x:lock", "", 60)
    finally:
        server.drain()
    cache.set("tries:x", [1.0, 2.0, 3.0], 60)
    assert cache._memory.get("tries:x") is None
    assert cache.get("tries:x") == [1.0, 2.0, 3.0]


@pytest.mark.usefixtures("_own_redis")
def test_a_full_redis_has_one_log_line_and_not_one_for_each_write(
    server: Server, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another one than that of the earlier tests, which may have just let a line pass.
    monkeypatch.setattr(logging.getLogger("django_redis.cache"), "filters", [RepetitionFilter()])
    server.fill()
    try:
        with caplog.at_level(logging.ERROR, "django_redis.cache"):
            for number in range(20):
                caches["default"].set(f"x{number}", 1)
        assert parts.redis() == "is full: raise maxmemory"
    finally:
        server.drain()
    assert [record.name for record in caplog.records] == ["django_redis.cache"]
