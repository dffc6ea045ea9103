"""The stored balances of each day: by local day, in few queries, caught up, resumed and safe twice."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from time_machine import Traveller

from savings import ledger, plans, references, tasks
from savings.models import BalanceDay, Product, Transaction
from tests import threads
from tests.factories import make_plan, make_product, make_user, pay_in

pytestmark = pytest.mark.django_db

DECEMBER_30 = datetime.date(2025, 12, 30)


@pytest.fixture
def clock() -> Iterator[Traveller]:
    """Ten in the evening of 30 December 2025, Nigerian time."""
    with time_machine.travel("2025-12-30T21:00:00Z", tick=False) as clock:
        yield clock


def stored() -> list[tuple[str, str, int, int]]:
    return [
        (
            f"{row.day_on:%m-%d}",
            row.product.name if row.product else "stashes",
            row.accounts,
            row.balance_kobo,
        )
        for row in BalanceDay.objects.select_related("product").order_by("day_on", "product_id")
    ]


def fill_days(clock: Traveller) -> Product:
    """Let money come and go around midnight on three days, and return the product."""
    product = make_product(name="Flexible")
    user = make_user()
    plan = make_plan(user, product, holding_kobo=1_000)
    pay_in(user, 50)
    # In Lagos the next day has begun, in UTC it has not.
    clock.move_to("2025-12-30T23:30:00Z")
    pay_in(make_user(), 7)
    other = make_plan(make_user(), product, holding_kobo=300)
    clock.move_to("2026-01-01T08:00:00Z")
    for amount_kobo, source in ((300, other), (400, plan)):
        plans.move_from_plan(
            source.user,
            source,
            amount_kobo=amount_kobo,
            reference=references.new(Transaction.Kind.PLAN_TO_STASH),
        )
    clock.move_to("2026-01-02T00:22:00Z")
    return product


ROWS = [
    ("12-30", "Flexible", 1, 1_000),
    ("12-30", "stashes", 1, 50),
    ("12-31", "Flexible", 2, 1_300),
    ("12-31", "stashes", 2, 57),
    ("01-01", "Flexible", 1, 600),
    ("01-01", "stashes", 3, 757),
]


def by_day(rows: list[tuple[str, str, int, int]]) -> list[tuple[str, str, int, int]]:
    days = ["12-30", "12-31", "01-01"]
    return sorted(rows, key=lambda row: (days.index(row[0]), row[1]))


@pytest.mark.parametrize("days_per_chunk", [1, 2, 366])
def test_all_past_days_are_stored_once_from_the_first_entry_on(clock: Traveller, days_per_chunk: int) -> None:
    fill_days(clock)
    assert ledger.store_balances(timezone.now(), days_per_chunk=days_per_chunk) == 3
    assert by_day(stored()) == ROWS
    assert ledger.store_balances(timezone.now()) == 0
    assert by_day(stored()) == ROWS
    assert list(ledger.run_checks()) == []


def test_a_run_that_was_killed_is_continued(clock: Traveller) -> None:
    fill_days(clock)
    with time_machine.travel("2025-12-31T12:00:00Z", tick=False):
        assert ledger.store_balances(timezone.now()) == 1
    assert ledger.store_balances(timezone.now()) == 2
    assert by_day(stored()) == ROWS


def test_the_job_does_nothing_once_yesterday_is_stored(clock: Traveller) -> None:
    fill_days(clock)
    tasks.store_balances.call_local()
    with CaptureQueriesContext(connection) as queries:
        assert ledger.store_balances(timezone.now()) == 0
    assert len(queries) == 1


def test_a_day_without_postings_repeats_the_day_before(clock: Traveller) -> None:
    fill_days(clock)
    ledger.store_balances(timezone.now())
    clock.shift(datetime.timedelta(days=2))
    assert ledger.store_balances(timezone.now()) == 2
    newest = BalanceDay.objects.filter(day_on=datetime.date(2026, 1, 3)).order_by("product_id")
    assert {(row.accounts, row.balance_kobo) for row in newest} == {(1, 600), (3, 757)}


@pytest.mark.parametrize("plans_each", [1, 30])
def test_the_queries_do_not_depend_on_the_accounts_and_days(clock: Traveller, plans_each: int) -> None:
    product = make_product()
    for _ in range(plans_each):
        make_plan(product=product, holding_kobo=5)
    clock.shift(datetime.timedelta(days=200))
    with CaptureQueriesContext(connection) as queries:
        assert ledger.store_balances(timezone.now()) == 200
    statements = [query["sql"] for query in queries if "savings_" in query["sql"]]
    assert len(statements) == 4


def test_without_entries_there_is_nothing_to_store(clock: Traveller) -> None:
    make_plan()
    assert ledger.store_balances(timezone.now()) == 0
    assert not BalanceDay.objects.exists()


def test_a_balance_of_nothing_has_a_row_for_the_stashes_alone(clock: Traveller) -> None:
    plan = make_plan(holding_kobo=10)
    plans.move_from_plan(
        plan.user, plan, amount_kobo=10, reference=references.new(Transaction.Kind.PLAN_TO_STASH)
    )
    clock.shift(datetime.timedelta(days=1))
    ledger.store_balances(timezone.now())
    assert stored() == [("12-30", "stashes", 1, 10)]


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_store_each_day_once(clock: Traveller) -> None:
    fill_days(clock)
    threads.at_once(lambda _: ledger.store_balances(timezone.now()), 2)
    assert by_day(stored()) == ROWS
