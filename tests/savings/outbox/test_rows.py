"""The rows of the outbox: one per cause, in the transaction of their cause."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from pytest_django import DjangoCaptureOnCommitCallbacks

from savings import outbox
from savings.models import OutboxRow, User
from tests.factories import make_user, pay_in
from tests.savings.outbox.work import Work, make_row

pytestmark = pytest.mark.django_db


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
