"""The debug toolbar's panels record commands, keys and tasks, and never a value."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.core.cache import cache
from django.core.checks.registry import registry
from django.test import Client
from pytest_django.fixtures import Settings
from redis.exceptions import ConnectionError as RedisIsAway

from savings import outbox, tasks
from savings.leaderboards import redis_client
from savings.models import OutboxRow, User
from tests.factories import join_circle, start_circle
from web.settings import MIDDLEWARE

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
QUEUE = tasks.deliver_outbox_row.huey.storage


@pytest.fixture(autouse=True)
def _toolbar(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the toolbar as in development, and clear its stored requests after the test."""
    # Its first import registers its checks for the whole process: the doctor's tests would find them.
    monkeypatch.setattr(registry, "registered_checks", {*registry.registered_checks})
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "debug_toolbar"]
    htmx = MIDDLEWARE.index("django_htmx.middleware.HtmxMiddleware")
    settings.MIDDLEWARE = [*MIDDLEWARE[:htmx], "web.observability.toolbar.Middleware", *MIDDLEWARE[htmx:]]
    settings.ROOT_URLCONF = "tests.toolbar_urls"
    settings.DEBUG = True


def panel(client: Client, response: Any, name: str) -> str:
    """Return a panel's content for the request of this response."""
    asked = {"request_id": response["djdt-request-id"], "panel_id": name}
    return str(client.get("/__debug__/render_panel/", asked).json()["content"])


def test_the_redis_panel_lists_commands_times_and_keys(saver_client: Client) -> None:
    shown = panel(saver_client, saver_client.get("/stash/"), "RedisPanel")
    assert "GET" in shown
    assert f"asusu:1:django.contrib.sessions.cached_db{saver_client.session.session_key}" in shown
    assert " ms" in shown
    assert "web/auth/sessions.py:" in shown


def test_the_redis_panel_sees_the_boards_and_hueys_own_client(saver_client: Client, saver: User) -> None:
    circle = start_circle()
    join_circle(circle, saver)
    shown = panel(saver_client, saver_client.get(f"/circles/{circle.slug}/leaderboard/"), "RedisPanel")
    assert f"board:{{{circle.pk}}}" in shown
    assert "savings/leaderboards/store.py:" in shown
    assert "huey.redis.asusu" in shown


def test_no_panel_keeps_a_value(saver_client: Client) -> None:
    session = saver_client.session
    session["note"] = "a-secret-in-the-session"
    session.save()
    cache.set("hidden", {"balance": "a-secret-in-the-cache"})
    response = saver_client.post("/profile/theme/", {"theme": "dark", "next": "/stash/"})
    from debug_toolbar.store import get_store  # noqa: PLC0415 - a model of an app that is there only now

    store = get_store()
    for name in ("RedisPanel", "CachePanel"):
        kept = json.dumps(store.panel(response["djdt-request-id"], name))
        assert "django.contrib.sessions" in kept
        assert "secret" not in kept
        assert "_auth_user" not in kept


def test_a_pipeline_is_one_call_with_all_its_keys(saver_client: Client) -> None:
    from web.observability.toolbar import RedisPanel  # noqa: PLC0415 - as above

    watching = RedisPanel(None, None)
    watching.enable_instrumentation()
    try:
        pipeline = QUEUE.conn.pipeline()
        pipeline.set("one", "secret").get("two").execute()
    finally:
        watching.disable_instrumentation()
    (call,) = watching.calls
    assert (call["command"], call["keys"], call["failure"]) == ("SET, GET", ["one", "two"], "")
    assert "secret" not in repr(call)


def test_a_command_that_fails_is_noted_without_its_words(
    saver_client: Client,
) -> None:
    from web.observability.toolbar import RedisPanel  # noqa: PLC0415 - as above

    watching = RedisPanel(None, None)
    watching.enable_instrumentation()
    QUEUE.conn.set("text", "secret")
    watching.calls.clear()
    try:
        with pytest.raises(Exception, match="WRONGTYPE"):
            QUEUE.conn.lpush("text", "secret")
    finally:
        watching.disable_instrumentation()
    assert watching.calls[0]["failure"] == "ResponseError"
    assert "secret" not in repr(watching.calls)


def test_the_cache_panel_shows_keys_hits_and_misses(saver_client: Client) -> None:
    shown = panel(saver_client, saver_client.get("/stash/"), "CachePanel")
    assert "django.contrib.sessions.cached_db" in shown


@pytest.mark.django_db(transaction=True)
def test_the_huey_panel_shows_what_was_queued_and_what_became_of_the_row(saver_client: Client) -> None:
    response = saver_client.post("/lab/mail/")
    row = OutboxRow.objects.get()
    shown = panel(saver_client, response, "HueyPanel")
    assert f"<td>deliver_outbox_row</td><td>{row.pk}</td><td>queued</td>" in shown
    assert "account: waiting, 0 tries" in shown
    outbox.deliver(row.pk, tasks.HANDLERS)
    assert "account: done at" in panel(saver_client, response, "HueyPanel")


@pytest.mark.django_db(transaction=True)
def test_the_huey_panel_shows_what_redis_refused_and_what_was_not_tried(
    saver_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise RedisIsAway("gone")

    monkeypatch.setattr(QUEUE, "enqueue", refuse)
    # Redis itself is there, and the thread that asks it would find that out between the two requests.
    monkeypatch.setattr(redis_client, "_is_answering", lambda: False)
    assert "refused by Redis" in panel(saver_client, saver_client.post("/lab/mail/"), "HueyPanel")
    assert "left to the sweep" in panel(saver_client, saver_client.post("/lab/mail/"), "HueyPanel")


def test_htmx_requests_are_in_the_history(saver_client: Client) -> None:
    page = saver_client.get("/transactions/")
    part = saver_client.get("/transactions/?q=TOP", headers=HTMX)
    assert "djDebugRoot" in page.content.decode()
    assert "djDebugRoot" not in part.content.decode()
    assert "/transactions/?q=TOP" in panel(saver_client, page, "HistoryPanel")


def test_signed_out_pages_have_it_too(client: Client) -> None:
    shown = panel(client, client.get("/accounts/login/"), "SQLPanel")
    assert "queries" in shown


def test_it_keeps_to_the_content_policy_and_starts_closed(client: Client) -> None:
    page = client.get("/accounts/login/")
    assert "nonce" not in page.headers["Content-Security-Policy"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert not re.search(r"\sstyle=|<style|<script(?![^>]*\ssrc=)|\son[a-z]+=", page.content.decode())
    assert 'data-default-show="false"' in page.content.decode()


def test_another_machine_gets_none_of_it(client: Client) -> None:
    page = client.get("/accounts/login/", REMOTE_ADDR="192.0.2.1")
    assert "djDebugRoot" not in page.content.decode()
    assert "djdt-request-id" not in page.headers
    asked = {"request_id": "x", "panel_id": "SQLPanel"}
    assert client.get("/__debug__/render_panel/", asked, REMOTE_ADDR="192.0.2.1").status_code == 404
