"""Health checks: alive, ready, and which part has failed."""

import datetime
import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import caches
from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries, Settings
from redis import RedisError, ResponseError

from savings.models import OutboxRow
from web import checks
from web.caching import redis_client
from web.doctor import parts

pytestmark = pytest.mark.django_db


class Redis:
    """A Redis that can stop answering."""

    def __init__(self, *, answers: bool) -> None:
        self.answers = answers

    def ping(self) -> bool:
        if not self.answers:
            raise RedisError("redis://:secret@host")
        return True


@pytest.fixture(autouse=True)
def redis(monkeypatch: pytest.MonkeyPatch) -> Redis:
    redis = Redis(answers=True)
    monkeypatch.setattr(parts, "get_redis_connection", lambda alias: redis)
    return redis


def asked(client: Client, query: str = "") -> tuple[int, dict[str, Any]]:
    response = client.get(f"/readyz/{query}")
    return response.status_code, json.loads(response.content)


def waiting(*, due: datetime.timedelta, age: datetime.timedelta) -> None:
    now = timezone.now()
    OutboxRow.objects.create(kind="mail", dedupe_key="k", due_at=now + due, created_at=now - age)


def test_a_process_that_answers_is_alive_whatever_else(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        assert client.get("/healthz/").json() == {"status": "ok"}


def test_a_server_with_all_its_parts_is_ready(client: Client) -> None:
    parts = {"database": "ok", "migrations": "ok", "redis": "ok", "outbox": "ok"}
    assert asked(client) == (200, {"status": "ready", "parts": parts, "oldest_unsent_seconds": None})


def test_without_the_database_it_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise DatabaseError("host=db password=secret")

    monkeypatch.setattr(connection, "cursor", fail)
    status, answer = asked(client)
    assert (status, answer["status"]) == (503, "unready")
    assert answer["parts"] == {"database": "does not answer", "redis": "ok"}


@pytest.mark.postgres
def test_a_database_that_only_reads_makes_it_unready(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
    status, answer = asked(client)
    assert (status, answer["status"], answer["parts"]["database"]) == (503, "unready", "read-only")


@pytest.mark.parametrize(
    ("table", "part", "expected"),
    [("django_migrations", "migrations", 503), ("savings_outboxrow", "outbox", 200)],
)
def test_a_table_that_cannot_be_read_is_named(client: Client, table: str, part: str, expected: int) -> None:
    def fail(execute: Any, sql: str, *args: Any) -> Any:
        if table in sql:
            raise OperationalError("permission denied for user=secret")
        return execute(sql, *args)

    with connection.execute_wrapper(fail):
        status, answer = asked(client)
    assert (status, answer["parts"][part]) == (expected, "cannot be read")


def test_a_migration_that_is_missing_makes_it_unready(client: Client) -> None:
    (newest,) = MigrationLoader(connection).graph.leaf_nodes("savings")
    MigrationRecorder(connection).record_unapplied(*newest)
    status, answer = asked(client)
    assert (status, answer["status"]) == (503, "unready")
    assert answer["parts"]["migrations"] == "1 not applied"


@pytest.mark.parametrize(
    ("memory", "is_well"),
    [
        ({"maxmemory": 0, "maxmemory_policy": "allkeys-lru"}, True),
        ({"maxmemory": 1_000_000, "maxmemory_policy": "noeviction"}, True),
        ({"maxmemory": 1_000_000, "maxmemory_policy": "allkeys-lru"}, False),
        ({"maxmemory": 1_000_000, "maxmemory_policy": "volatile-ttl"}, False),
        ({"maxmemory_policy": "allkeys-lfu"}, False),
        ({}, True),
        (ResponseError("unknown command"), True),
    ],
)
def test_a_redis_that_may_remove_keys_is_named(
    client: Client, monkeypatch: pytest.MonkeyPatch, memory: Any, *, is_well: bool
) -> None:
    def info(_: str) -> Any:
        if isinstance(memory, Exception):
            raise memory
        return memory

    monkeypatch.setattr(redis_client, "get_redis_connection", lambda _: SimpleNamespace(info=info))
    status, answer = asked(client)
    assert (status, answer["status"]) == (200, "ready" if is_well else "degraded")
    assert (answer["parts"]["redis"] == "ok") == is_well
    warnings = checks.redis_keeps_its_keys()
    assert [warning.id for warning in warnings] == ([] if is_well else ["web.W001"])


def test_the_check_ignores_a_redis_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> None:
        raise RedisError

    monkeypatch.setattr(redis_client, "get_redis_connection", refuse)
    assert checks.redis_keeps_its_keys() == []


def test_without_redis_it_still_serves(client: Client, redis: Redis) -> None:
    redis.answers = False
    status, answer = asked(client)
    assert (status, answer["status"]) == (200, "degraded")
    assert answer["parts"]["redis"] == "does not answer"


def test_a_strict_monitor_hears_of_it_by_the_status(client: Client, redis: Redis) -> None:
    redis.answers = False
    assert asked(client, "?strict")[0] == 503
    redis.answers = True
    assert asked(client, "?strict")[0] == 200


def test_mails_that_nobody_sends_are_named(client: Client) -> None:
    waiting(due=-datetime.timedelta(minutes=6), age=datetime.timedelta(minutes=6))
    status, answer = asked(client)
    assert (status, answer["status"], answer["parts"]["outbox"]) == (200, "degraded", "no worker is sending")
    assert 360 <= answer["oldest_unsent_seconds"] <= 362


def test_a_mail_that_is_tried_again_later_is_no_alarm(client: Client) -> None:
    waiting(due=datetime.timedelta(minutes=30), age=datetime.timedelta(hours=2))
    status, answer = asked(client)
    assert (status, answer["status"]) == (200, "ready")
    assert answer["oldest_unsent_seconds"] >= 7200


def test_health_tells_no_secret_and_is_never_kept(client: Client, redis: Redis) -> None:
    redis.answers = False
    response = client.get("/readyz/")
    assert "secret" not in response.text
    assert "no-store" in response["Cache-Control"]


@pytest.fixture
def on_a_server(settings: Settings) -> None:
    """The production settings that every other request must satisfy."""
    settings.ALLOWED_HOSTS = ["savings.example"]
    settings.SECURE_SSL_REDIRECT = True


@pytest.mark.usefixtures("on_a_server")
@pytest.mark.parametrize(
    "host", ["10.0.0.7", "10.0.0.7:8000", "[::1]:8000", "nowhere.example", "savings.example", "_"]
)
@pytest.mark.parametrize("path", ["/healthz/", "/healthz", "/readyz/", "/readyz"])
def test_a_probe_asks_by_any_host_over_plain_http(client: Client, host: str, path: str) -> None:
    assert client.get(path, headers={"Host": host}).status_code == 200


@pytest.mark.usefixtures("on_a_server")
@pytest.mark.parametrize("path", ["/healthz/", "/readyz/"])
def test_a_probe_with_a_session_cookie_asks_the_database_for_no_session(
    saver_client: Client, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("server closed the connection")

    caches["default"].clear()
    with connection.execute_wrapper(fail):
        response = saver_client.get(path, headers={"Host": "10.0.0.7"})
    if path == "/healthz/":
        assert response.status_code == 200
    else:
        assert response.status_code == 503
        assert response.json()["parts"]["database"] == "does not answer"


@pytest.mark.parametrize("path", ["/healthz/", "/readyz/"])
def test_a_probe_may_ask_by_head_and_not_by_post(client: Client, path: str) -> None:
    assert client.head(path).status_code == 200
    assert client.post(path).status_code == 405


def test_a_probe_leaves_no_session_and_no_cookie(client: Client) -> None:
    response = client.get("/readyz/")
    assert not response.cookies
    assert "Vary" not in response
