"""Closed months: their sums, their order, and that nothing is posted into them afterwards."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.db.transaction import atomic
from time_machine import Traveller

from savings import ledger
from savings.exceptions import Refused
from savings.models import Account, ClosedMonth, Entry, Plan
from tests import threads
from tests.factories import make_plan, make_transaction, make_user, pay_in, settled

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]

Kind = Account.Kind
JANUARY, FEBRUARY, MARCH = (datetime.date(2026, month, 1) for month in (1, 2, 3))


@pytest.fixture
def clock() -> Iterator[Traveller]:
    """Noon of 10 January 2026, Nigerian time."""
    with time_machine.travel("2026-01-10T11:00:00Z", tick=False) as clock:
        yield clock


@pytest.fixture
def plan(clock: Traveller) -> Plan:
    """A plan with 1,000 kobo of January. It is 10 February."""
    plan = make_plan(holding_kobo=1_000)
    clock.move_to("2026-02-10T11:00:00Z")
    return plan


def test_a_month_is_stored_with_its_sums_and_newest_entry(plan: Plan) -> None:
    newest = Entry.objects.latest("id").pk
    pay_in(plan.user, 300, plan=plan)
    closed = ledger.close_month(JANUARY)
    assert closed.lines == [
        [f"plan {plan.product_id}", 0, 0, 1_000, 1_000],
        ["clearing paystack", 0, 1_000, 0, 1_000],
    ]
    assert closed.last_entry_id == newest
    assert len(closed.digest) == 64


def test_the_month_ends_at_local_midnight(clock: Traveller) -> None:
    user = make_user()
    clock.move_to("2026-01-31T22:59:59.999Z")
    pay_in(user, 100)
    clock.move_to("2026-01-31T23:00:00Z")
    pay_in(user, 7)
    assert ledger.close_month(JANUARY).lines[0] == ["stash", 0, 0, 100, 100]
    pay_in(user, 1)


def test_each_month_continues_the_one_before(plan: Plan, clock: Traveller) -> None:
    first = ledger.close_month(JANUARY)
    pay_in(plan.user, 300, plan=plan)
    clock.move_to("2026-03-02T11:00:00Z")
    second = ledger.close_month(FEBRUARY)
    assert second.lines[0] == [f"plan {plan.product_id}", 1_000, 0, 300, 1_300]
    assert second.digest != first.digest
    # A month without entries can be closed too.
    clock.move_to("2026-04-02T11:00:00Z")
    assert ledger.close_month(MARCH).last_entry_id == second.last_entry_id
    ClosedMonth.objects.filter(pk=first.pk).update(digest="0" * 64)
    assert [damage.row for damage in ledger.run_checks()] == ["2026-01", "2026-02"]
    ClosedMonth.objects.filter(pk=first.pk).update(digest=first.digest)


def test_a_month_is_closed_once_in_order_and_when_it_is_over(plan: Plan, clock: Traveller) -> None:
    for month_on, sentence in (
        (FEBRUARY, "not over"),
        (datetime.date(2025, 12, 1), "no entries in this month"),
        (datetime.date(2026, 1, 2), "first day"),
    ):
        with pytest.raises(Refused, match=sentence):
            ledger.close_month(month_on)
    clock.move_to("2026-03-02T11:00:00Z")
    with pytest.raises(Refused, match="Close January 2026 first"):
        ledger.close_month(FEBRUARY)
    ledger.close_month(JANUARY)
    with pytest.raises(Refused, match="closed already"):
        ledger.close_month(JANUARY)
    assert ClosedMonth.objects.count() == 1


def test_there_is_nothing_to_close_without_entries() -> None:
    with pytest.raises(Refused, match="no entries yet"):
        ledger.close_month(JANUARY)


def test_adjustments_must_be_zero(plan: Plan, clock: Traveller) -> None:
    clock.move_to("2026-02-11T11:00:00Z")
    adjustments, stash = ledger.house_account(Kind.ADJUSTMENTS), ledger.stash_account(plan.user)
    ledger.close_month(JANUARY)
    settled("adjustment", 70, debit=adjustments, credit=stash, user=plan.user)
    clock.move_to("2026-03-02T11:00:00Z")
    with pytest.raises(Refused, match="Clear the adjustments first: −.₦0.70 is left"):
        ledger.close_month(FEBRUARY)


def test_an_entry_into_a_closed_month_is_refused(plan: Plan, clock: Traveller) -> None:
    ledger.close_month(JANUARY)
    clock.move_to("2026-01-31T22:59:59.999Z")
    with pytest.raises(IntegrityError, match="this month is closed"), atomic():
        pay_in(plan.user, 300, plan=plan)
    clock.move_to("2026-01-31T23:00:00Z")
    pay_in(plan.user, 300, plan=plan)
    clock.move_to("2026-02-10T12:00:00Z")


def test_an_older_value_date_is_allowed(plan: Plan) -> None:
    ledger.close_month(JANUARY)
    movement = make_transaction("top_up", 300, user=plan.user, plan=plan)
    clearing = ledger.house_account(Kind.CLEARING, "paystack")
    value_on = datetime.date(2026, 2, 5)
    ledger.settle(movement, debit=clearing, credit=plan.account, value_on=value_on)
    due_on = datetime.date(2026, 2, 1)
    posting = ledger.post_interest(plan, until=due_on)
    assert posting is not None
    assert posting.interest is not None
    assert set(movement.entries.values_list("value_on", flat=True)) == {value_on}
    assert set(posting.interest.entries.values_list("value_on", flat=True)) == {due_on}


def test_raw_sql_cannot_post_into_a_closed_month_either(plan: Plan) -> None:
    ledger.close_month(JANUARY)
    with pytest.raises(IntegrityError, match="this month is closed"), connection.cursor() as cursor, atomic():
        cursor.execute(
            "INSERT INTO savings_entry"
            " (transaction_id, code, debit_account_id, credit_account_id, amount_kobo, posted_at)"
            " SELECT transaction_id, 'cost', debit_account_id, credit_account_id, 1, posted_at FROM savings_entry"
        )


def test_the_command_closes_a_month_and_says_why_not(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("close_month", "2026-01")
    assert "Closed 2026-01 with 2 lines" in capsys.readouterr().out
    for month, sentence in (
        ("2026-01", "closed already"),
        ("2026-13", "not a month"),
        ("now", "not a month"),
    ):
        with pytest.raises(CommandError, match=sentence):
            call_command("close_month", month)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_month_that_is_closed_while_others_post_misses_no_entry() -> None:
    with time_machine.travel("2026-01-31T22:59:00Z", tick=False) as clock:
        user = make_user()
        pay_in(user, 1)
        clock.move_to("2026-02-01T00:00:00Z")

        def act(number: int) -> object:
            if number == 0:
                return type(ledger.close_month(JANUARY))
            pay_in(user, 1)
            return "paid"

        assert threads.at_once(act, 8) == {ClosedMonth: 1, "paid": 7}
        assert ClosedMonth.objects.get().lines[0] == ["stash", 0, 0, 1, 1]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_month_is_closed_once_by_two_at_once() -> None:
    with time_machine.travel("2026-01-31T22:59:00Z", tick=False) as clock:
        pay_in(make_user(), 1)
        clock.move_to("2026-02-02T00:00:00Z")
        outcomes = threads.at_once(lambda _: str(ledger.close_month(JANUARY)), 4)
    assert outcomes == {"2026-01": 1, Refused: 3}
