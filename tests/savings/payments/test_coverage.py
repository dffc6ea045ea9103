"""The daily coverage: stored once a day, and an error in the log when there is too little."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Iterator

import pytest
import time_machine
from django.utils import timezone
from time_machine import Traveller

from savings import payments, tasks
from savings.models import CoverageDay, Plan
from tests import threads
from tests.factories import make_plan, make_product, make_user, pay_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock() -> Iterator[Traveller]:
    """Noon of 10 January 2026, Nigerian time."""
    with time_machine.travel("2026-01-10T11:00:00Z", tick=False) as clock:
        yield clock


@pytest.fixture
def plan(clock: Traveller) -> Plan:
    """A plan with ₦100,000.00 at 10 %, paid by card."""
    return make_plan(product=make_product(rate_bps=1_000), holding_kobo=10_000_000)


def test_yesterday_is_stored_once(plan: Plan, clock: Traveller) -> None:
    clock.move_to("2026-01-10T23:12:00Z")
    tasks.record_coverage.call_local()
    pay_in(plan.user, 500)
    clock.shift(3_600)
    tasks.record_coverage.call_local()
    day = CoverageDay.objects.get()
    assert (day.day_on, day.owed_kobo, day.held_kobo) == (
        datetime.date(2026, 1, 10),
        10_002_739,
        10_000_000,
    )
    assert day.owed[1] == ["Plans", 10_000_000]
    clock.shift(datetime.timedelta(days=1))
    tasks.record_coverage.call_local()
    assert CoverageDay.objects.count() == 2


def test_too_little_is_logged_as_an_error_once(
    plan: Plan, clock: Traveller, caplog: pytest.LogCaptureFixture
) -> None:
    clock.shift(datetime.timedelta(days=73))
    for _ in range(2):
        payments.record_coverage(timezone.now())
    [record] = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert record.getMessage() == "end of 2026-03-23: Coverage is 98.03%: ₦2,000 is missing."


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_workers_store_a_day_once() -> None:
    pay_in(make_user(), 500)
    now = timezone.now()
    assert list(threads.at_once(lambda _: payments.record_coverage(now).pk, 4).values()) == [4]
