"""The delivery of outbox rows: tried until a row is done or dead, and by one worker at a time."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import outbox
from savings.models import OutboxRow, User
from tests.factories import make_user
from tests.savings.outbox.work import Work, make_row

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """The death of a worker."""


def die_with(row: OutboxRow) -> None:
    """Kill a worker that has claimed the row."""

    def die(_: OutboxRow) -> Mapping[str, object]:
        raise Killed

    with pytest.raises(Killed):
        outbox.deliver(row.pk, {"note": die})


def test_a_row_is_done_once() -> None:
    row, work = make_row(), Work()
    assert work.on(row)
    assert not work.on(row)
    assert work.done == [row.pk]
    assert (row.tries, row.due_at, row.error, row.subject) == (1, None, "", "as done")
    assert row.done_at is not None


def test_pages_of_its_owner_know_of_each_change() -> None:
    user = make_user()
    versions = []
    row = make_row(user=user)
    versions.append(User.objects.get(pk=user.pk).version)
    Work(OSError("no route")).on(row)
    versions.append(User.objects.get(pk=user.pk).version)
    OutboxRow.objects.update(due_at=timezone.now())
    Work().on(row)
    versions.append(User.objects.get(pk=user.pk).version)
    assert versions == [1, 2, 3]


def test_waits_grow_until_the_row_is_dead_after_eight_tries(clock: time_machine.Traveller) -> None:
    row, waits = make_row(), []
    work = Work(OSError("no route"))
    for _ in range(7):
        work.on(row)
        assert row.due_at is not None
        waits.append((row.due_at - timezone.now()).total_seconds())
        assert not work.on(row)
        clock.move_to(row.due_at)
    assert row.error == "OSError: no route"
    for seconds, wait in zip([30, 120, 480, 1920, 7680, 30720, 86400], waits, strict=True):
        assert seconds <= wait <= seconds * 1.2
    work.on(row)
    assert (row.tries, row.due_at, row.dead_at) == (8, None, timezone.now())


def test_staff_let_a_dead_row_begin_anew() -> None:
    row = make_row()
    assert not outbox.retry_dead_row(row)
    OutboxRow.objects.update(dead_at=timezone.now(), due_at=None, tries=8)
    assert outbox.retry_dead_row(row)
    work = Work()
    assert work.on(row)
    assert row.tries == 1


def test_what_nobody_can_do_is_tried_again_like_any_failure() -> None:
    row = make_row()
    assert not outbox.deliver(row.pk, {})
    row.refresh_from_db()
    assert row.error == "KeyError: 'note'"
    assert row.due_at is not None


def test_a_taken_row_is_left_alone_until_its_lease_ends(
    clock: time_machine.Traveller, settings: Settings
) -> None:
    row, work = make_row(), Work()
    die_with(row)
    clock.shift(settings.OUTBOX_LEASE_SECONDS - 1)
    assert not work.on(row)
    clock.shift(1)
    assert work.on(row)
    assert row.tries == 2


def test_the_lease_is_longer_than_the_worst_send(settings: Settings) -> None:
    worst_send_seconds = 12 * settings.EMAIL_TIMEOUT_SECONDS
    assert 2 * worst_send_seconds < settings.OUTBOX_LEASE_SECONDS


def test_a_worker_that_was_overtaken_changes_nothing_more(
    clock: time_machine.Traveller, settings: Settings
) -> None:
    row, second = make_row(), Work()

    def slow(_: OutboxRow) -> Mapping[str, object]:
        clock.shift(settings.OUTBOX_LEASE_SECONDS)
        assert second.on(row)
        raise OSError("too late")

    assert not outbox.deliver(row.pk, {"note": slow})
    row.refresh_from_db()
    assert row.done_at is not None
    assert row.error == ""


def test_a_row_whose_workers_all_died_is_dead(clock: time_machine.Traveller, settings: Settings) -> None:
    row, work = make_row(), Work()
    for _ in range(8):
        die_with(row)
        clock.shift(settings.OUTBOX_LEASE_SECONDS)
    assert outbox.sweep(timezone.now(), {"note": work}) == 0
    row.refresh_from_db()
    assert row.dead_at == timezone.now()


def test_a_sweep_does_what_is_due_and_a_second_one_nothing() -> None:
    rows = [make_row(str(number)) for number in range(3)]
    OutboxRow.objects.filter(pk=rows[2].pk).update(due_at=timezone.now() + datetime.timedelta(hours=1))
    work = Work()
    assert outbox.sweep(timezone.now(), {"note": work}) == 2
    assert outbox.sweep(timezone.now(), {"note": work}) == 0
    assert work.done == [rows[0].pk, rows[1].pk]


def test_one_bad_row_does_not_stop_a_sweep() -> None:
    bad = make_row("bad")
    good = make_row("good")
    work = Work()

    def handler(row: OutboxRow) -> Mapping[str, object]:
        if row.pk == bad.pk:
            raise ValueError("\0 cannot be stored by PostgreSQL")
        return work(row)

    assert outbox.sweep(timezone.now(), {"note": handler}) == 1
    assert work.done == [good.pk]


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_do_a_row_once() -> None:
    rows = [make_row(str(number)) for number in range(10)]
    work, start = Work(), Barrier(2)

    def worker() -> int:
        try:
            start.wait()
            return sum(outbox.deliver(row.pk, {"note": work}) for row in rows)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        finished = [pool.submit(worker), pool.submit(worker)]
    assert sum(future.result() for future in finished) == 10
    assert sorted(work.done) == [row.pk for row in rows]
