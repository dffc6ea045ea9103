"""Monthly statements: once for each month that is over, even if a run is interrupted."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import connection

from savings import plans, statements
from savings.exceptions import Refused
from savings.models import OutboxRow, Statement, StatementSubscription, User
from savings.statements import request_monthly, subscribe, subscriptions, unsubscribe
from tests.factories import fill, make_plan, start_circle

pytestmark = pytest.mark.django_db

DAY = datetime.date
NOON = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


def periods() -> list[tuple[datetime.date, datetime.date]]:
    return list(Statement.objects.order_by("id").values_list("since", "until"))


def test_the_first_statement_is_for_the_month_of_the_subscription(saver: User) -> None:
    subscribe(saver, scope="stash", format="pdf")
    assert request_monthly(DAY(2026, 11, 30)) == 0
    assert request_monthly(DAY(2026, 12, 1)) == 1
    assert periods() == [(DAY(2026, 11, 1), DAY(2026, 11, 30))]
    assert OutboxRow.objects.filter(kind=statements.OUTBOX_KIND).count() == 1


def test_a_second_run_asks_for_nothing_more(saver: User) -> None:
    subscribe(saver, scope="stash", format="pdf")
    assert [request_monthly(DAY(2026, 12, 1)) for _ in range(3)] == [1, 0, 0]


def test_what_was_missed_is_made_up_for(saver: User) -> None:
    subscribe(saver, scope="everything", format="csv")
    assert request_monthly(DAY(2027, 2, 15)) == 3
    assert [since.month for since, _ in periods()] == [11, 12, 1]


def test_a_run_that_was_killed_midway_is_made_up_for(saver: User) -> None:
    subscribe(saver, scope="stash", format="pdf")
    subscribe(saver, scope="everything", format="pdf")

    def kill(run: Any, sql: str, params: Any, *rest: Any) -> Any:
        if sql.startswith('INSERT INTO "savings_statement"') and "everything" in params:
            raise KeyboardInterrupt
        return run(sql, params, *rest)

    with connection.execute_wrapper(kill), pytest.raises(KeyboardInterrupt):
        request_monthly(DAY(2026, 12, 1))
    assert Statement.objects.count() == 1
    assert request_monthly(DAY(2026, 12, 1)) == 1
    assert set(Statement.objects.values_list("scope", flat=True)) == {"stash", "everything"}


def test_a_month_that_another_run_has_requested_is_skipped(
    saver: User,
) -> None:
    subscription = subscribe(saver, scope="stash", format="pdf")
    subscription_id = subscription.pk
    assert not subscriptions._request_month(subscription.next_month, subscription_id)
    unsubscribe(subscription)
    assert not subscriptions._request_month(DAY(2030, 1, 1), subscription_id)
    assert not Statement.objects.exists()


def test_subscribing_twice_is_one_subscription_with_the_later_format(saver: User) -> None:
    plan = make_plan(saver)
    first = subscribe(saver, scope="plan", plan=plan, format="pdf")
    assert subscribe(saver, scope="plan", plan=plan, format="csv") == first
    assert StatementSubscription.objects.get().format == "csv"


def test_nobody_subscribes_to_another_users_plan_or_circle(saver: User) -> None:
    with pytest.raises(Refused):
        subscribe(saver, scope="plan", plan=make_plan(), format="pdf")
    with pytest.raises(Refused):
        subscribe(saver, scope="circle", circle=start_circle(), format="pdf")


def test_after_unsubscribing_there_are_none(saver: User) -> None:
    unsubscribe(subscribe(saver, scope="stash", format="pdf"))
    assert request_monthly(DAY(2027, 1, 1)) == 0


def test_a_closed_plan_gets_a_statement_of_its_last_month_and_no_more(saver: User) -> None:
    plan = make_plan(saver)
    subscribe(saver, scope="plan", plan=plan, format="pdf")
    plans.close(plan)
    assert request_monthly(DAY(2027, 3, 1)) == 1
    assert not StatementSubscription.objects.exists()


def test_a_month_that_a_pdf_does_not_hold_comes_as_excel(saver: User) -> None:
    fill(saver, (statements.most_rows("pdf") or 0) + 1)
    subscribe(saver, scope="stash", format="pdf")
    request_monthly(DAY(2026, 12, 1))
    assert Statement.objects.get().format == "xlsx"


def test_a_closed_account_gets_none(saver: User) -> None:
    subscribe(saver, scope="stash", format="pdf")
    User.objects.update(is_active=False)
    assert request_monthly(DAY(2026, 12, 1)) == 0


def test_a_run_stops_while_many_are_waiting(saver: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "_MOST_WAITING", 1)
    subscribe(saver, scope="stash", format="pdf")
    subscribe(saver, scope="everything", format="pdf")
    request_monthly(DAY(2027, 2, 1))
    assert request_monthly(DAY(2027, 2, 1)) == 0
    Statement.objects.update(state="failed")
    assert request_monthly(DAY(2027, 2, 1)) > 0
