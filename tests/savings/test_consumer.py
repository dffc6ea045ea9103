"""The consumer under real conditions: killed, stopped, running twice, and with Redis emptied or unreachable."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
import time_machine
from django.conf import settings
from django.utils import timezone

from savings import outbox, tasks
from savings.leaderboards import redis_client
from savings.mails import sending
from savings.models import OutboxRow
from tests.factories import make_welcome
from tests.processes import PATIENCE_SECONDS, database_url, listens_to, wait_until
from tests.redis_server import wait_until_used
from tests.smtp_sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)

HUEY = tasks.deliver_outbox_row.huey
LEASE_SECONDS = 2


@pytest.fixture
def start(sink: Sink, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start consumers as `make run` and production do, on the database and the Redis of this test."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "web.settings",
        "DATABASE_URL": database_url(),
        "EMAIL_URL": f"smtp://127.0.0.1:{sink.port}",
        "OUTBOX_FIRST_WAIT_SECONDS": "1",
    }
    started = []

    def start(lease_seconds: int = 60) -> subprocess.Popen[bytes]:
        with (tmp_path / "consumer.log").open("ab") as log:
            command = [sys.executable, "manage.py", "run_huey"]
            started.append(
                subprocess.Popen(
                    command,
                    cwd=settings.BASE_DIR,
                    env=environment | {"OUTBOX_LEASE_SECONDS": str(lease_seconds)},
                    stdout=log,
                    stderr=log,
                )
            )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def all_done() -> bool:
    return not OutboxRow.objects.filter(done_at=None).exists()


def test_another_consumer_takes_over_from_one_killed_during_a_mail(
    sink: Sink, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    row = make_welcome()
    sink.answers.clear()
    # Only the consumer that is killed gets so short a lease: on a busy machine a mail may take longer.
    first = start(LEASE_SECONDS)
    wait_until(lambda: sink.mails)
    first.kill()
    first.wait()
    sink.answers.set()
    wait_until(lambda: OutboxRow.objects.filter(due_at__lte=timezone.now()).exists())
    start()
    wait_until(all_done)
    row.refresh_from_db()
    assert row.tries == 2
    # The worst case: the mail server already had the whole mail. Both copies have the same Message-ID.
    assert sink.message_ids == [sending.message_id(row)] * 2


def test_a_consumer_that_is_stopped_finishes_its_mail(
    sink: Sink, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    row = make_welcome()
    sink.answers.clear()
    consumer = start()
    wait_until(lambda: sink.mails)
    # The workers start a moment before the consumer handles signals.
    wait_until(lambda: listens_to(consumer, signal.SIGTERM))
    consumer.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        consumer.wait(1)
    sink.answers.set()
    assert consumer.wait(PATIENCE_SECONDS) == 0
    row.refresh_from_db()
    assert row.done_at is not None
    assert len(sink.mails) == 1


def test_two_consumers_that_both_sweep_send_each_mail_once(
    sink: Sink, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    rows = [make_welcome() for _ in range(30)]
    start()
    start()
    wait_until(all_done)
    assert sink.message_ids == sorted(sending.message_id(row) for row in rows)


def test_the_sweep_sends_mails_whose_tasks_redis_lost(
    sink: Sink, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    rows = [make_welcome() for _ in range(10)]
    assert HUEY.pending_count() == 10
    HUEY.storage.flush_all()
    start()
    wait_until(all_done)
    assert sink.message_ids == sorted(sending.message_id(row) for row in rows)


@pytest.mark.parametrize("listens", [False, True], ids=["refuses", "never answers"])
def test_a_dead_redis_causes_no_error_and_delays_one_task_only(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    mailoutbox: list[object],
    *,
    listens: bool,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if not listens:
            server.close()
        url = f"redis://127.0.0.1:{port}/1?socket_timeout=3&socket_connect_timeout=0.5"
        with redis.Redis.from_url(url) as dead, monkeypatch.context() as patch:
            patch.setattr(HUEY.storage, "conn", dead)
            # The clock stands still, so the pause after the first failure does not end meanwhile.
            with time_machine.travel(timezone.now(), tick=False):
                for _ in range(100):
                    make_welcome()
    assert caplog.text.count("Redis accepts no tasks") == 1
    assert outbox.sweep(timezone.now(), tasks.HANDLERS) == 100
    assert len(mailoutbox) == 100


def test_redis_is_tried_again_after_a_pause() -> None:
    redis_client.breaker.open()
    make_welcome()
    assert HUEY.pending_count() == 0
    wait_until_used()
    make_welcome()
    assert HUEY.pending_count() == 1
