"""The embedded Redis: redis-server on a socket, or a substitute, and nothing left behind."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import redis

from web.dev import embedded_redis


def test_it_answers_on_its_socket_until_it_is_stopped(tmp_path: Path) -> None:
    started = embedded_redis.start(tmp_path / "redis.sock")
    with redis.Redis.from_url(started.url) as client:
        assert client.ping()
    assert started.is_running()
    started.stop()
    assert not started.is_running()
    assert not (tmp_path / "redis.sock").exists()


def test_a_start_does_not_wait_for_a_server_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("redis.retry.sleep", waits.append)
    forgotten = embedded_redis.start(tmp_path / "redis.sock")
    embedded_redis.start(tmp_path / "redis.sock").stop()
    assert not forgotten.is_running()
    assert not waits


def test_a_path_too_long_for_a_socket_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 30)
    folder.mkdir()
    started = embedded_redis.start(folder / "redis.sock")
    with redis.Redis.from_url(started.url) as client:
        assert client.ping()
    started.stop()
    assert not Path(started.url.removeprefix("unix://")).parent.exists()


def test_a_server_left_by_a_killed_run_is_stopped(tmp_path: Path) -> None:
    forgotten = embedded_redis.start(tmp_path / "redis.sock")
    started = embedded_redis.start(tmp_path / "redis.sock")
    assert not forgotten.is_running()
    with redis.Redis.from_url(started.url) as client:
        assert client.ping()
    started.stop()


def test_a_socket_that_nobody_listens_on_is_no_hindrance(tmp_path: Path) -> None:
    killed = embedded_redis.start(tmp_path / "redis.sock")
    assert killed.process
    os.kill(killed.process.pid, signal.SIGKILL)
    killed.process.wait()
    started = embedded_redis.start(tmp_path / "redis.sock")
    assert started.is_running()
    started.stop()


def test_without_redis_server_a_stand_in_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    started = embedded_redis.start(tmp_path / "redis.sock")
    with redis.Redis.from_url(started.url) as client:
        client.set("saved", 5)
        assert client.eval("return redis.call('INCRBY', KEYS[1], ARGV[1])", 1, "saved", 2) == 7
    assert "not on PATH" in started.notice
    started.stop()
    with redis.Redis.from_url(started.url) as client, pytest.raises(redis.ConnectionError):
        client.ping()
