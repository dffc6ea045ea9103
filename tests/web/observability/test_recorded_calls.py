"""The keys of Redis commands are found by the server, and a value is never taken for one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import redis

from web.dev import embedded_redis
from web.observability.recorded_calls import keys_of


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (("SET", b"key", b"value", "EX", 10), ["key"]),
        (("MSET", "one", "1", "two", "2"), ["one", "two"]),
        (("MGET", "one", "two"), ["one", "two"]),
        (("EVAL", "return 1", 2, "one", "two", "value"), ["one", "two"]),
        (("ZADD", "board", 5, "member"), ["board"]),
        (("LPUSH", "queue", b"message"), ["queue"]),
        (("OBJECT ENCODING", "key"), ["key"]),
        (("PUBLISH", "channel", "value"), []),
        (("AUTH", "password"), []),
        (("NO_SUCH_COMMAND", "value"), []),
    ],
)
def test_only_keys_are_taken_for_keys(
    words: tuple[Any, ...], keys: list[str], redis_clients: list[redis.Redis]
) -> None:
    assert keys_of(redis_clients[0].connection_pool, [words, ("GET", "next")]) == [keys, ["next"]]


def test_a_server_that_refuses_to_find_keys_costs_only_the_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    stand_in = embedded_redis.start(tmp_path / "redis.sock")
    try:
        with redis.Redis.from_url(stand_in.url) as client:
            client.set("key", "value")
            assert keys_of(client.connection_pool, [("GET", "key"), ("GET", "key")]) == [[], []]
            assert client.get("key") == b"value"
    finally:
        stand_in.stop()
