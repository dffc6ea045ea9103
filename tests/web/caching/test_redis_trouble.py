"""Every page is correct and without an error while Redis is gone, frozen, flushed or full of invalid data."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from django.core.cache import caches
from django.test import Client
from pytest_django import Settings

from savings import leaderboards
from savings.models import User
from tests.factories import PASSWORD, join_circle, make_plan, make_user, pay_in, start_circle
from tests.redis_server import Server, wait_until_used

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]

TOKEN = re.compile(rb'(name="csrfmiddlewaretoken" value=")\w+')
# Invalid values of a key. The last one belongs to another key.
NONSENSE: list[bytes | None] = [
    b"\xff\xfe\x00",
    b'{"cut',
    b"12345",
    b"null",
    b"[]",
    b'{"key": 1}',
    b'[["x"]]',
    None,
]


@pytest.fixture
def server(tmp_path: Path, settings: Settings) -> Iterator[Server]:
    """A private Redis for the caches and the boards."""
    server = Server(tmp_path)
    settings.CACHES = {
        name: cache
        | {
            "LOCATION": f"redis://127.0.0.1:{server.port}/{number}",
            "OPTIONS": cache["OPTIONS"] | {"SOCKET_TIMEOUT": 0.25, "SOCKET_CONNECT_TIMEOUT": 0.25},
        }
        # As in the settings: pages are in the same database as the boards they show.
        for number, (name, cache) in zip((0, 2), settings.CACHES.items(), strict=True)
    }
    settings.LEADERBOARD_REDIS_URL = server.url(2)
    settings.LEADERBOARD_UPKEEP_REDIS_URL = settings.LEADERBOARD_REDIS_URL
    yield server
    server.kill()


@pytest.fixture
def ada(server: Server) -> User:
    user = make_user(name="Ada")
    circle = start_circle()
    join_circle(circle, user, saved_kobo=500_00)
    make_plan(user, circle.product, holding_kobo=1_000_00)
    pay_in(user, 250_00)
    leaderboards.rebuild_board(circle.pk)
    return user


def addresses(user: User) -> list[str]:
    circle = user.memberships.get().circle
    paths = ["/dashboard/", "/plans/", f"/plans/{user.plans.latest('pk').pk}/", "/stash/", "/transactions/"]
    paths += [f"/transactions/{user.transactions.latest('pk').reference}/", "/circles/", "/profile/"]
    return [*paths, f"/circles/{circle.slug}/", f"/circles/{circle.slug}/leaderboard/"]


def shown(client: Client, path: str) -> bytes:
    response = client.get(path)
    assert response.status_code == 200, path
    # A board shows its age, which SQL knows to the second.
    return re.sub(rb"<time.*?</time>|<i class=\"md\">, after.*?</i>", b"", TOKEN.sub(b"", response.content))


@pytest.mark.parametrize("trouble", [Server.kill, Server.freeze, Server.empty])
def test_every_page_works_as_usual(ada: User, server: Server, trouble: Callable[[Server], None]) -> None:
    client = Client()
    client.force_login(ada)
    before = {path: balances(shown(client, path)) for path in addresses(ada) * 2}
    trouble(server)
    begun_at = time.monotonic()
    for path in addresses(ada):
        assert balances(shown(client, path)) == before[path], path
    # Each of these makes half a dozen calls to Redis.
    assert time.monotonic() - begun_at < 6


def balances(page: bytes) -> list[bytes]:
    """Return the amounts on a page; SQL does not know the weekly rank changes, for example."""
    return sorted(re.findall("₦[\\d,.]+".encode(), page))


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_invalid_values_count_as_a_miss(
    ada: User, server: Server, settings: Settings, nonsense: bytes | None
) -> None:
    client, other = Client(), Client()
    client.force_login(ada)
    other.force_login(make_user(name="Bola"))
    other.get("/dashboard/")
    for path in addresses(ada) * 2:
        client.get(path)
    for number in (0, 2):
        with redis.Redis(port=server.port, db=number) as store:
            # An invalid lock only delays a page by two seconds; the next test includes locks too.
            keys = sorted(key for key in store.keys("asusu:*") if b":making:" not in key)
            values = [store.get(key) for key in keys]
            for key, foreign in zip(keys, [*values[1:], *values[:1]], strict=True):
                store.set(key, foreign if nonsense is None else nonsense)
    damaged = {path: shown(client, path) for path in addresses(ada)}
    settings.KEEPS_PAGES = False
    assert damaged == {path: shown(client, path) for path in addresses(ada)}


def test_a_key_of_another_kind_counts_as_nothing(ada: User, server: Server) -> None:
    client = Client()
    client.force_login(ada)
    for path in addresses(ada):
        client.get(path)
    for number in range(3):
        with redis.Redis(port=server.port, db=number) as store:
            for key in store.keys("*"):
                store.delete(key)
                store.rpush(key, "a list")
    for path in addresses(ada):
        shown(client, path)


@pytest.mark.parametrize("nonsense", ["nonsense", "9" * 5_000])
def test_a_board_of_invalid_data_comes_from_sql(ada: User, server: Server, nonsense: str) -> None:
    client = Client()
    client.force_login(ada)
    for path in addresses(ada):
        client.get(path)
    with redis.Redis(port=server.port, db=2) as store:
        for key in store.keys("*"):
            if store.type(key) == b"hash":
                for field in store.hkeys(key):
                    if field != b"token":
                        store.hset(key, field, nonsense)
    for path in addresses(ada) * 2:
        tag = client.get(path).headers.get("ETag", "")
        assert client.get(path, headers={"If-None-Match": tag}).status_code in {200, 304}, path


def test_a_session_ended_while_redis_was_frozen_stays_ended(ada: User, server: Server) -> None:
    client, stays = Client(), Client()
    client.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})
    client.get("/dashboard/")
    stays.cookies.update(client.cookies)
    server.freeze()
    client.post("/accounts/logout/")
    server.thaw()
    wait_until_used()
    assert "sessionid" in stays.cookies
    assert stays.get("/dashboard/").status_code == 302


def test_after_one_call_without_an_answer_the_others_do_not_wait(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.freeze()
    cache = caches["default"]
    begun_at = time.monotonic()
    for _ in range(50):
        assert cache.get("x") is None
    assert time.monotonic() - begun_at < 0.5
    # There is also no log line for each of them.
    assert [record.name for record in caplog.records] == ["django_redis.cache"]
    server.thaw()
    wait_until_used()
    cache.set("x", 1)
    assert cache.get("x") == 1
