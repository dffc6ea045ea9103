"""The outbox: once per cause, tried until it is done or dead, taken by one worker at a time."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks
from pytest_django.fixtures import Settings

from savings import outbox
from savings.models import OutboxRow, User
from savings.outbox import rows as outbox_rows
from tests.factories import make_user, pay_in

pytestmark = pytest.mark.django_db

NOON = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def make_row(key: str = "one", **fields: Any) -> OutboxRow:
    with transaction.atomic():
        row = outbox.add("note", dedupe_key=key, **fields)
    assert row is not None
    return row


class Work:
    """A handler that counts, and fails while it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.done: list[int] = []
        self.error = error

    def __call__(self, row: OutboxRow) -> Mapping[str, object]:
        if self.error:
            raise self.error
        self.done.append(row.pk)
        return {"subject": "as done"}

    def on(self, row: OutboxRow) -> bool:
        finished = outbox.deliver(row.pk, {"note": self})
        row.refresh_from_db()
        return finished


def test_a_row_is_done_once() -> None:
    row, work = make_row(), Work()
    assert work.on(row)
    assert not work.on(row)
    assert work.done == [row.pk]
    assert (row.tries, row.due_at, row.error, row.subject) == (1, None, "", "as done")
    assert row.done_at is not None


def test_the_same_cause_writes_one_row_and_its_transaction_goes_on() -> None:
    user = make_user()
    first = make_row("payment:1", user=user)
    with transaction.atomic():
        assert outbox.add("note", dedupe_key="payment:1", user=user) is None
        movement = pay_in(user, 100)
    assert OutboxRow.objects.get() == first
    assert user.transactions.get() == movement


@pytest.mark.django_db(transaction=True)
def test_a_row_outside_of_the_transaction_of_its_cause_is_refused() -> None:
    with pytest.raises(RuntimeError, match="transaction of its cause"):
        outbox.add("note", dedupe_key="one")
    with pytest.raises(RuntimeError, match="transaction of its cause"):
        outbox.add_for_many("note", {}, cause="one")
    assert not OutboxRow.objects.exists()


def test_many_get_a_row_each_once_per_cause_and_their_pages_know() -> None:
    users = [make_user() for _ in range(3)]
    for _ in range(2):
        outbox.add_for_many("note", {user.pk: {"for": user.name} for user in users}, cause="week 1")
    rows = OutboxRow.objects.order_by("user_id")
    assert [row.payload for row in rows] == [{"for": user.name} for user in users]
    assert {User.objects.get(pk=user.pk).version for user in users} == {2}


def test_what_is_wrong_with_a_row_for_many_is_not_taken_for_one_that_is_there() -> None:
    user = make_user()
    with pytest.raises(IntegrityError), transaction.atomic():
        outbox.add_for_many("note", {user.pk: None}, cause="week 1")  # type: ignore[dict-item]
    assert not OutboxRow.objects.exists()


def test_a_row_whose_work_is_done_can_ask_for_the_next(clock: time_machine.Traveller) -> None:
    row, work, later = make_row(), Work(), datetime.timedelta(minutes=1)
    OutboxRow.objects.update(tries=3, error="no route")
    outbox.convert_to([row.pk], "next", after=later)
    assert not outbox.deliver(row.pk, {"next": work})
    clock.shift(later)
    assert outbox.deliver(row.pk, {"next": work})
    outbox.convert_to([row.pk], "next", after=later)
    row.refresh_from_db()
    assert (row.tries, row.due_at) == (1, None), "what is done stays so"


def test_a_row_goes_with_the_transaction_that_is_taken_back(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    told: list[int] = []

    def listen(row_id: int, **_: Any) -> None:
        told.append(row_id)

    outbox.row_committed.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            with transaction.atomic():
                make_row("lost")
                transaction.set_rollback(True)
            kept = make_row("kept")
    finally:
        outbox.row_committed.disconnect(listen)
    assert list(OutboxRow.objects.all()) == [kept]
    assert told == [kept.pk]


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
    assert outbox_rows.claim(row.pk, timezone.now())
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
        assert outbox_rows.claim(row.pk, timezone.now())
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
