"""Statements written by real workers: killed at any moment, stopped, or two at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier

import pytest
from django.conf import settings as project
from django.db import connection
from django.utils import timezone

from savings import ledger, outbox, tasks
from savings.models import OutboxRow, Statement, StatementSubscription
from savings.statements import request_monthly
from tests.factories import fill, make_user, pay_in
from tests.processes import PATIENCE_SECONDS, database_url, listens_to, wait_until
from tests.statements import ask, content, read, row_of, written

pytestmark = pytest.mark.django_db(transaction=True)

State = Statement.State
# For each line of input, a forked child writes a statement as a worker does. It prints its pid and a line for each
# page, so that it can be killed while writing and not while Python starts. Each line is one write: with unbuffered
# output, `print` writes the line end separately, so a child killed in between would leave half a line, which would be
# joined with the next one.
NURSERY = """
import os, sys, django
django.setup()
def say(word):
    os.write(1, f"{word}\\n".encode())
from functools import partial
from django.conf import settings
from django.db import connection
from savings import outbox, tasks
from savings.models import OutboxRow
settings.STATEMENT_PAGE_ROWS, settings.STATEMENT_PROGRESS_SECONDS = 20, 0
def run_aloud(run, sql, *rest):
    if sql.startswith('UPDATE "savings_statement" SET "rows_written"'):
        connection.on_commit(partial(say, "page"))
    return run(sql, *rest)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        say(os.getpid())
        row = OutboxRow.objects.filter(pk=int(line), due_at__isnull=False)
        with connection.execute_wrapper(run_aloud):
            while row.exists():
                outbox.deliver(int(line), tasks.HANDLERS)
        os._exit(0)
    os.waitpid(child, 0)
    say("over")
"""


@pytest.fixture
def environment(statements_folder: Path) -> dict[str, str]:
    """The environment of a process that uses this test's database and files."""
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "web.settings",
        "DATABASE_URL": database_url(),
        "VAR_DIR": str(statements_folder.parent),
        "EMAIL_URL": "dummymail://",
        "OUTBOX_LEASE_SECONDS": "1",
        "OUTBOX_FIRST_WAIT_SECONDS": "1",
        "STATEMENT_LEASE_SECONDS": "1",
        "LOG_LEVEL": "ERROR",
        # The harder case for reading the output of a program that is killed.
        "PYTHONUNBUFFERED": "1",
    }


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts programs that end with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, *words]
        started.append(
            subprocess.Popen(
                command,
                cwd=project.BASE_DIR,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()


def entries(statement: Statement) -> list[bytes]:
    return [line for line in content(statement).splitlines() if line.startswith(b"entry")]


def _write_and_kill(
    nursery: subprocess.Popen[bytes], row: OutboxRow, *, pages: int, seconds: float = 0
) -> None:
    """Start a child, and kill it some time after it has saved some pages, unless it has finished."""
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    nursery.stdin.write(f"{row.pk}\n".encode())
    nursery.stdin.flush()
    child, said = int(nursery.stdout.readline()), b""
    for _ in range(pages):
        said = _hear(nursery)
        if said == b"over\n":
            return
    time.sleep(seconds)
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    while said != b"over\n":
        said = _hear(nursery)


def _hear(nursery: subprocess.Popen[bytes]) -> bytes:
    """Return the next line of the nursery's output, which has only these two kinds of line."""
    assert nursery.stdout is not None
    said = nursery.stdout.readline()
    assert said in {b"page\n", b"over\n"}, said
    return said


def _in_the_middle_of_one(
    start: Callable[..., subprocess.Popen[bytes]],
) -> tuple[Statement, subprocess.Popen[bytes]]:
    """Return a long statement, and the consumer that has just started to write it."""
    user = make_user()
    fill(user, 15_000)
    statement = ask(user)
    consumer = start("manage.py", "run_huey")
    wait_until(lambda: Statement.objects.get().state != State.QUEUED)
    return statement, consumer


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("file_format", "kills", "rows"), [("csv", 20, 6_000), ("xlsx", 4, 600), ("pdf", 4, 200)]
)
def test_a_statement_killed_at_random_moments_is_finished_once(
    environment: dict[str, str],
    start: Callable[..., subprocess.Popen[bytes]],
    file_format: str,
    kills: int,
    rows: int,
) -> None:
    # More CSV rows than these children can write: eight deaths without progress would make the row dead.
    user, chance = make_user(), random.Random(file_format)
    fill(user, rows)
    statement = ask(user, format=file_format)
    row = row_of(statement)
    nursery = start("-c", NURSERY)
    for _ in range(kills):
        _write_and_kill(nursery, row, pages=chance.randint(0, 5), seconds=chance.uniform(0, 0.02))
        # The lease of the killed child must expire.
        OutboxRow.objects.filter(pk=row.pk, due_at__isnull=False).update(due_at=timezone.now())
    pay_in(user, 999)
    _write_and_kill(nursery, row, pages=1_000)
    statement.refresh_from_db()
    assert statement.state == State.READY
    assert OutboxRow.objects.filter(kind="statement_ready").count() == 1
    said = read(statement)
    assert [line.balance_kobo for line in said.lines] == [100 * number for number in range(1, rows + 1)]
    assert said.closing_kobo == 100 * rows
    if file_format == "csv":
        whole = written(user, format="csv", since=timezone.localdate().replace(year=2025))
        assert entries(statement) == entries(whole)[:rows]


@pytest.mark.timeout(120)
def test_a_consumer_told_to_stop_finishes_its_statement(
    environment: dict[str, str], start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    statement, consumer = _in_the_middle_of_one(start)
    # The workers start a moment before the consumer handles signals.
    wait_until(lambda: listens_to(consumer, signal.SIGTERM))
    consumer.send_signal(signal.SIGTERM)
    assert consumer.wait(PATIENCE_SECONDS) == 0
    statement.refresh_from_db()
    assert (statement.state, statement.rows_written) == (State.READY, 15_000)


@pytest.mark.timeout(120)
def test_the_next_consumer_takes_over_from_a_killed_one(
    environment: dict[str, str], start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    statement, consumer = _in_the_middle_of_one(start)
    consumer.kill()
    consumer.wait()
    wait_until(lambda: OutboxRow.objects.filter(due_at__lte=timezone.now()).exists())
    start("manage.py", "run_huey")
    wait_until(lambda: Statement.objects.get().state == State.READY)
    assert read(Statement.objects.get(pk=statement.pk)).closing_kobo == 1_500_000


def test_two_workers_at_once_write_a_statement_once(environment: dict[str, str]) -> None:
    user = make_user()
    fill(user, 200)
    rows = [row_of(ask(user, format=file_format)) for file_format in ("csv", "xlsx")]
    begin = Barrier(2)

    def worker() -> int:
        try:
            begin.wait()
            return sum(outbox.deliver(row.pk, tasks.HANDLERS) for row in rows)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        finished = [pool.submit(worker), pool.submit(worker)]
    assert sum(future.result() for future in finished) == 2
    assert set(Statement.objects.values_list("state", flat=True)) == {State.READY}
    assert OutboxRow.objects.filter(kind="statement_ready").count() == 2


def test_the_same_request_twice_at_once_is_one_statement(environment: dict[str, str]) -> None:
    user, begin = make_user(), Barrier(2)

    def press() -> int:
        try:
            begin.wait()
            return ask(user).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(press), pool.submit(press)]
    assert len({future.result() for future in asked}) == Statement.objects.count() == 1


def test_two_monthly_runs_at_once_request_once(environment: dict[str, str]) -> None:
    users, begin = [make_user() for _ in range(5)], Barrier(2)
    month = timezone.localdate().replace(day=1)
    for user in users:
        StatementSubscription.objects.create(user=user, scope="stash", next_month=month.replace(year=2025))

    def run() -> int:
        try:
            begin.wait()
            return request_monthly(month.replace(year=2025, day=28))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(run), pool.submit(run)]
    assert sum(future.result() for future in runs) == 0
    StatementSubscription.objects.update(next_month=month.replace(year=2024))
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(run), pool.submit(run)]
    asked = sum(future.result() for future in runs)
    assert asked == Statement.objects.count() == 5 * 12


def test_postings_and_a_statement_at_once_agree(environment: dict[str, str]) -> None:
    user, begin = make_user(), Barrier(2)
    pay_in(user, 100)

    def pay() -> None:
        try:
            begin.wait()
            for _ in range(20):
                pay_in(user, 1)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        paying = pool.submit(pay)
        begin.wait()
        statements = [written(user, since=timezone.localdate().replace(year=2000 + n)) for n in range(1, 6)]
        paying.result()
    for statement in statements:
        said = read(statement)
        assert said.closing_kobo == (said.lines[-1].balance_kobo if said.lines else 0)
    assert ledger.balance_kobo(ledger.stash_account(user)) == 120
