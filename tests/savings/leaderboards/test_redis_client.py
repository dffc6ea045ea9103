"""The Redis client: all that use Redis skip one that refuses or hangs, and use it again once it answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest
import redis
from django.core.cache import caches
from django_redis.cache import RedisCache
from django_redis.exceptions import ConnectionInterrupted
from pytest_django import Settings

from savings import leaderboards, tasks
from savings.leaderboards import redis_client, store
from tests.processes import wait_until
from tests.redis_server import Server, wait_until_used

HUEY = tasks.build_board.huey
ATTEMPTS = "tries:test"


@pytest.fixture
def server(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A private Redis for caches, leaderboards and tasks, with the timeouts of the settings."""
    server = Server(tmp_path)
    settings.CACHES = {
        name: cache
        | {
            "LOCATION": f"redis://127.0.0.1:{server.port}/{number}",
            "OPTIONS": cache["OPTIONS"] | {"SOCKET_TIMEOUT": 0.25, "SOCKET_CONNECT_TIMEOUT": 0.25},
        }
        for number, (name, cache) in enumerate(settings.CACHES.items())
    }
    settings.LEADERBOARD_REDIS_URL = server.url(2)
    with redis.Redis.from_url(server.url(1, 3, 0.5)) as client:
        monkeypatch.setattr(HUEY.storage, "conn", client)
        yield server
    store.client(settings.LEADERBOARD_REDIS_URL).close()
    caches["default"].delete(ATTEMPTS)
    server.kill()


def read_cache() -> bool:
    caches["default"].set("x", 1)
    return bool(caches["default"].get("x") == 1)


def count_attempt() -> bool:
    cache = cast("RedisCache", caches["default"])
    cache.set(ATTEMPTS, [1.0])
    assert cache.get(ATTEMPTS) == [1.0], "an attempt is never lost"
    with suppress(ConnectionInterrupted):
        return bool(cache.client.has_key(ATTEMPTS))
    return False


def read_board() -> bool:
    with suppress(leaderboards.BoardsUnavailable):
        leaderboards.ping()
        return True
    return False


def queue_task() -> bool:
    return tasks.nudge(tasks.build_board, 1)


# Each returns whether Redis was used.
USERS = [read_cache, count_attempt, read_board, queue_task]


def in_two_threads(act: Callable[[], Any]) -> list[float]:
    """Return the seconds that two threads need which begin at the same moment, the shorter time first."""
    ready = threading.Barrier(2)

    def timed() -> float:
        ready.wait()
        begun_at = time.monotonic()
        act()
        return time.monotonic() - begun_at

    with ThreadPoolExecutor(2) as pool:
        return sorted(task.result() for task in [pool.submit(timed) for _ in range(2)])


@pytest.mark.parametrize("use", USERS)
def test_a_redis_that_refuses_is_used_again_when_it_is_back(server: Server, use: Callable[[], bool]) -> None:
    assert use()
    server.kill()
    assert not any(use() for _ in range(20))
    server.start()
    wait_until_used()
    assert use()


@pytest.mark.parametrize("use", USERS)
def test_a_redis_that_hangs_costs_one_timeout(server: Server, use: Callable[[], bool]) -> None:
    assert use()
    server.freeze()
    assert not use()
    begun_at = time.monotonic()
    assert not any(use() for _ in range(20))
    assert time.monotonic() - begun_at < 0.25
    server.thaw()
    wait_until_used()
    assert use()


@pytest.mark.parametrize("use", USERS)
def test_nobody_waits_for_the_question_whether_a_hanging_redis_is_back(
    server: Server, use: Callable[[], bool]
) -> None:
    use()
    server.freeze()
    redis_client.breaker.open()
    # The thread that asks waits a quarter of a second for the first answer now.
    time.sleep(redis_client.PAUSE_SECONDS + 0.1)
    assert max(in_two_threads(use)) < 0.15
    assert redis_client.breaker.is_open


def test_threads_do_not_wait_for_the_commands_of_others(server: Server) -> None:
    with redis_client.Client.from_url(server.url(0, timeout_seconds=5)) as client:
        shorter, longer = in_two_threads(lambda: client.blpop(["nothing"], timeout=1))
    assert shorter >= 1
    assert longer < 1.9


def test_all_that_use_redis_skip_it_after_one_has_failed(server: Server) -> None:
    server.freeze()
    assert not read_cache()
    begun_at = time.monotonic()
    assert not any(use() for use in USERS)
    assert time.monotonic() - begun_at < 0.5


def test_a_failure_after_the_check_opens_the_breaker_again(server: Server) -> None:
    has_begun, is_checked = threading.Event(), threading.Event()

    def fail_late() -> None:
        has_begun.set()
        is_checked.wait()
        raise redis.TimeoutError

    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(redis_client.call_redis, fail_late)
        has_begun.wait()
        redis_client.breaker.open()
        wait_until_used()
        assert read_board()
        is_checked.set()
        with pytest.raises(redis.TimeoutError):
            late.result()
    assert redis_client.breaker.is_open


def test_a_failure_after_the_probe_keeps_leaderboards_on_sql() -> None:
    store.gate.fail()
    time.sleep(redis_client.PAUSE_SECONDS)
    probe = store.gate.take_probe()
    assert probe is not None
    assert store.gate.take_probe() is None, "one caller a second"
    store.gate.fail()
    store.gate.trust(probe)
    assert not leaderboards.are_trusted()


def test_one_thread_asks_for_all_and_ends_with_the_answer(server: Server) -> None:
    server.freeze()
    for _ in range(3):
        redis_client.breaker.open()
    assert len(watching()) == 1
    server.thaw()
    wait_until_used()
    wait_until(lambda: not watching())


def watching() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "redis-watch"]


def test_an_error_reply_is_an_answer(server: Server) -> None:
    with redis_client.Client.from_url(server.url(0)) as client:
        client.set("x", "text")
        with pytest.raises(redis.ResponseError):
            client.lpush("x", 1)
    assert not redis_client.breaker.is_open


def test_only_leaderboards_are_the_sender_of_counted_commands(server: Server) -> None:
    senders: list[type] = []

    def note(sender: type, **_: Any) -> None:
        senders.append(sender)

    redis_client.command_sent.connect(note)
    try:
        read_cache()
        read_board()
    finally:
        redis_client.command_sent.disconnect(note)
    assert senders == [redis_client.Client, redis_client.Client, store.BoardClient]


def test_a_pipeline_is_skipped_like_a_command(server: Server) -> None:
    """A cache writes several values by one. A frozen Redis would hold up each page that does."""
    pipeline = store.client(server.url(2)).pipeline()
    pipeline.set("x", 1)
    redis_client.breaker.open()
    with pytest.raises(redis_client.CallSkipped):
        pipeline.execute()
    redis_client.breaker.close()
    assert pipeline.execute() == [True]
