"""Experiment: a worker is killed in the middle of a mail, and the outbox has another worker send it.

`run` is the experiment. It needs some seconds and a process of its own (`web/lab/worker.py`), and it writes what
happens into the cache, where the page reads it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connections, transaction
from django.utils import timezone

from savings import mails, outbox
from savings.models import OutboxRow, User
from web.lab.measure import Headline

# A claimed row belongs to its worker for so long. On a server it is `OUTBOX_LEASE_SECONDS`, five minutes by default.
LEASE_SECONDS = 2
MOMENTS = ("before", "after")
SUBJECT = "A mail from the lab, through a killed worker"
TEXT = "Hello,\n\nSomeone, most likely you, killed a worker in the lab. No money was moved.\n"
_LOOK_SECONDS = 0.05
# A busy machine takes seconds to start Python and to deliver a mail.
_MOST_SECONDS = 60
_SHOWN_SECONDS = 60 * 60
_KIND = "account"

type Send = Callable[[OutboxRow], Mapping[str, object]]
type Event = dict[str, Any]


def start(user: User, moment: str) -> bool:
    """Start the experiment in a process of its own; return False while one of the user's runs, and without Redis."""
    if not cache.add(_running_key(user.pk), 1, _MOST_SECONDS):
        return False
    cache.delete(_events_key(user.pk))
    command = [sys.executable, "-m", "web.lab.worker", str(user.pk), moment, str(LEASE_SECONDS)]
    process = subprocess.Popen(command, cwd=settings.BASE_DIR)  # noqa: S603 - our own words
    threading.Thread(target=process.wait, daemon=True).start()
    return True


def is_running(user: User) -> bool:
    """Return whether the user's experiment is going on."""
    return cache.get(_running_key(user.pk)) is not None


def events_of(user_id: int) -> list[Event]:
    """Return what has happened so far in the user's last experiment: `what`, and `at` in seconds since the commit."""
    return cache.get(_events_key(user_id)) or []


def run(
    user_id: int, moment: str, *, lease_seconds: int = LEASE_SECONDS, send: Send = mails.send
) -> OutboxRow:
    """Write a mail into the outbox, kill the worker that claims it, let a second worker deliver it; return its row.

    `moment` says when the first worker is killed: `before` it sends the mail, or `after` that and before it notes so.
    """
    row, begun_at = write_mail(User.objects.get(pk=user_id)), time.time()

    def note(what: str, **facts: object) -> None:
        events = [*events_of(user_id), {"what": what, "at": round(time.time() - begun_at, 2), **facts}]
        cache.set(_events_key(user_id), events, _SHOWN_SECONDS)

    usual_seconds, settings.OUTBOX_LEASE_SECONDS = settings.OUTBOX_LEASE_SECONDS, lease_seconds
    try:
        note("committed")
        _kill_a_worker(row.pk, moment, send, note)
        os.waitpid(_fork(lambda: _work_until_done(row.pk, send, note)), 0)
        row.refresh_from_db()
        note("done" if row.done_at else "waiting", tries=row.tries)
    finally:
        settings.OUTBOX_LEASE_SECONDS = usual_seconds
        cache.delete(_running_key(user_id))
    return row


def write_mail(user: User) -> OutboxRow:
    """Write a mail to a user into the outbox, without a task: the workers of the experiment come first.

    The sweep finds the row if they do not.
    """
    with transaction.atomic():
        row = outbox.add(
            _KIND,
            dedupe_key=f"lab:{uuid.uuid4()}",
            user=user,
            to=user.email,
            subject=SUBJECT,
            text=TEXT,
            nudge=False,
        )
    if row is None:
        raise RuntimeError("the row was there already")
    return row


def headlines() -> Iterator[Headline]:
    """Kill a worker at both moments, for a user of the lab whose mails are only counted."""
    for moment in MOMENTS:
        user = User.objects.create_user(f"lab-{uuid.uuid4()}@example.com", name="Lab", is_active=False)
        try:
            row = run(user.pk, moment, send=lambda _: {})
            sent = [event["at"] for event in events_of(user.pk) if event["what"] == "sent"]
        finally:
            cache.delete(_events_key(user.pk))
            user.delete()
        what = f"worker killed {moment} it sends" if moment == "before" else "worker killed after it has sent"
        yield Headline(f"{what}: tries, mails", f"{row.tries}, {len(sent)}")
        yield Headline(f"{what}: the last mail, with a lease of {LEASE_SECONDS} s", f"after {sent[-1]:.1f} s")


def _kill_a_worker(row_id: int, moment: str, send: Send, note: Callable[..., None]) -> None:
    """Start a worker that delivers the row, wait until it has come to the moment, and kill it."""
    reading, writing = os.pipe()

    def wait_to_be_killed() -> None:
        os.write(writing, b"!")
        # Should the process that kills it have died itself, the worker ends nevertheless.
        signal.alarm(_MOST_SECONDS)
        signal.pause()

    worker = _fork(lambda: deliver_and_wait(row_id, send, note, wait_to_be_killed, moment))
    os.close(writing)
    has_come = os.read(reading, 1)
    os.close(reading)
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)
    note("killed" if has_come else "ended", pid=worker)


def deliver_and_wait(
    row_id: int,
    send: Send,
    note: Callable[..., None],
    wait_to_be_killed: Callable[[], None] = lambda: None,
    moment: str = "",
) -> None:
    """Deliver the row as a worker does, but stop at a moment of the handler."""

    def handle(row: OutboxRow) -> Mapping[str, object]:
        note("claimed", pid=os.getpid(), tries=row.tries)
        if moment == "before":
            wait_to_be_killed()
        changes = send(row)
        note("sent", pid=os.getpid())
        if moment == "after":
            wait_to_be_killed()
        return changes

    outbox.deliver(row_id, {_KIND: handle})


def _work_until_done(row_id: int, send: Send, note: Callable[..., None]) -> None:
    """Look for the row as the sweep does, more often, and deliver it once it is due."""
    note("looking", pid=os.getpid())
    ends_at = time.monotonic() + _MOST_SECONDS / 2
    while OutboxRow.objects.filter(pk=row_id, due_at__isnull=False).exists() and time.monotonic() < ends_at:
        if outbox.due_rows(timezone.now()).filter(pk=row_id).exists():
            deliver_and_wait(row_id, send, note)
        time.sleep(_LOOK_SECONDS)


def _fork(work: Callable[[], None]) -> int:
    """Do some work in a child process, and return its id. Each process opens its own connections to the database."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            work()
        os._exit(0)
    return child


def _events_key(user_id: int) -> str:
    return f"lab:killing:{user_id}"


def _running_key(user_id: int) -> str:
    return f"lab:killing:{user_id}:running"
