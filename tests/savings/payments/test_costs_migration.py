"""The migration that posts the costs of payments that the release before had settled without them."""

from __future__ import annotations

import datetime
from importlib import import_module
from types import SimpleNamespace

import pytest
import time_machine
from django.apps import apps
from django.db import connection

from savings import ledger
from savings.models import Account, Entry, Payment, Transaction, User
from tests.factories import make_plan, make_transaction, make_user, pay_in, reverse_as_before

pytestmark = pytest.mark.django_db(transaction=True)

migration = import_module("savings.migrations.0043_costs_of_past_payments")


def post() -> None:
    migration.post(apps, SimpleNamespace(connection=connection))


def wrong() -> list[str]:
    return [damage.row for damage in ledger.run_checks()]


def paid(transaction: Transaction, paid_kobo: int | None, fee_kobo: int | None) -> Transaction:
    """Give a transaction the provider's figures, as the release before stored them."""
    Payment.objects.create(transaction=transaction, paid_kobo=paid_kobo, fee_kobo=fee_kobo)
    return transaction


def suspend(user: User, amount_kobo: int) -> Transaction:
    transaction = make_transaction("stash_deposit", 30_000_00, user=user, status=Transaction.Status.REVIEW)
    ledger.post(
        transaction,
        Entry.Code.SUSPENSE,
        debit=ledger.house_account(Account.Kind.CLEARING, "paystack"),
        credit=ledger.house_account(Account.Kind.SUSPENSE),
        amount_kobo=amount_kobo,
    )
    return transaction


@pytest.mark.parametrize("chunk", [1, 2, 20_000])
def test_past_payments_get_their_costs(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(migration, "CHUNK", chunk)
    with time_machine.travel("2026-01-10T23:30:00Z", tick=False) as clock:
        plan = make_plan()
        user = plan.user
        top_up = paid(pay_in(user, 25_000_00, plan=plan), 25_000_00, 475_00)
        less = paid(suspend(user, 15_000_00), 15_000_00, 325_00)
        reversed_ = paid(pay_in(user, 100_00), 100_00, 1_50)
        reverse_as_before(reversed_)
        # The payer bore the fee, or a part of it.
        paid(pay_in(user, 300_50), 403_33, 102_83)
        part = paid(pay_in(user, 300_00), 350_00, 102_00)
        # There is no cost: none is known, none can be, or no money is booked.
        paid(pay_in(user, 100_00), 100_00, None)
        paid(pay_in(user, 100_00), 100_00, 0)
        paid(pay_in(user, 100_00), 100_00, 100_01)
        paid(make_transaction("stash_deposit", 100_00, user=user, status="failed"), None, None)
        paid(make_transaction("stash_deposit", 100_00, user=user, status="review"), 100_00, 5_00)
        damaged = [f"payment {row.reference}" for row in (top_up, less, reversed_, part)]
        assert wrong() == damaged
        clock.shift(datetime.timedelta(days=20))
        post()
        costs = Entry.objects.filter(code="cost").order_by("id")
        assert [(cost.transaction_id, cost.amount_kobo) for cost in costs] == [
            (top_up.pk, 475_00),
            (less.pk, 325_00),
            (reversed_.pk, 1_50),
            (part.pk, 52_00),
        ]
        assert {(str(cost.posted_at.date()), str(cost.value_on)) for cost in costs} == {
            ("2026-01-30", "2026-01-11")
        }
        assert wrong() == []
        assert ledger.balance_kobo(ledger.house_account("provider_fees")) == 853_50


def test_it_may_run_twice_and_continues_where_it_was() -> None:
    user = make_user()
    first = paid(pay_in(user, 25_000_00), 25_000_00, 475_00)
    post()
    post()
    later = paid(pay_in(user, 25_000_00), 25_000_00, 475_00)
    post()
    costs = Entry.objects.filter(code="cost").order_by("id").values_list("transaction_id", flat=True)
    assert list(costs) == [first.pk, later.pk]
    assert wrong() == []


def test_without_payments_it_opens_no_account() -> None:
    post()
    assert not Account.objects.exists()
