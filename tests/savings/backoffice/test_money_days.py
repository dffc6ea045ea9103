"""The money of each day: what counts as in and out, outcomes by day, and days that were missed."""

from __future__ import annotations

import datetime

import pytest
from django.db import connection
from django.utils import timezone

from savings import backoffice, plans, references
from savings.backoffice import money_days
from savings.models import Entry, MoneyDay, Payment
from tests.factories import make_plan, make_user, pay_in
from tests.payments import settle
from tests.provider import Provider

pytestmark = pytest.mark.django_db

NOW = datetime.datetime(2026, 11, 20, 11, 0, tzinfo=datetime.UTC)


def test_card_money_counts_once_and_moves_inside_count_never() -> None:
    user = make_user()
    plan = make_plan(user)
    pay_in(user, 5_000_00, plan=plan)
    pay_in(user, 1_000_00)
    plans.move_to_plan(user, plan, amount_kobo=500_00, reference=references.new("stash_to_plan"))
    now = timezone.now()
    backoffice.count_money_days(now)
    day = MoneyDay.objects.get(day_on=timezone.localdate(now))
    assert (day.in_kobo, day.out_kobo) == (6_000_00, 0)


def test_outcomes_of_payments(provider: Provider, payment: Payment) -> None:
    provider.pay(payment)
    settle(payment)
    backoffice.count_money_days(timezone.now())
    day = MoneyDay.objects.latest("day_on")
    assert (day.payments_paid, day.payments_failed) == (1, 0)


def test_the_first_run_counts_a_month_and_later_runs_three_days() -> None:
    now = timezone.now()
    assert backoffice.count_money_days(now) == money_days.DAYS
    assert backoffice.count_money_days(now) == 3
    assert MoneyDay.objects.count() == money_days.DAYS


def test_a_day_that_was_missed_is_counted() -> None:
    now = timezone.now()
    backoffice.count_money_days(now)
    MoneyDay.objects.filter(day_on=timezone.localdate(now) - datetime.timedelta(days=9)).delete()
    assert backoffice.count_money_days(now) == 10


def test_the_first_id_of_a_day_is_found_by_halving() -> None:
    user = make_user()
    moments = []
    for hours in range(50, 0, -1):
        entry = pay_in(user, 1_00).entries.get()
        at = NOW - datetime.timedelta(hours=hours)
        moments.append((entry.pk, at))
        _move(entry, at)
    for pk, at in moments:
        found = money_days._newest_id_before(Entry, "posted_at", at)
        assert found < pk
        assert not Entry.objects.filter(pk__gt=found, pk__lt=pk, posted_at__lt=at).exists()
    assert money_days._newest_id_before(Entry, "posted_at", NOW) == moments[-1][0]


def _move(entry: Entry, at: datetime.datetime) -> None:
    """Give an entry another moment, which a trigger refuses."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER IF EXISTS entry_not_updated")
        else:
            cursor.execute("SET LOCAL session_replication_role = replica")
    Entry.objects.filter(pk=entry.pk).update(posted_at=at)
