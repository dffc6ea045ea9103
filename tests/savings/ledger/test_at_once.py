"""Concurrent calls of the ledger, in threads with their own connections, on PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from savings import ledger, plans, references
from savings.exceptions import NotEnoughMoney, ReferenceTaken
from savings.models import Account, Entry, Plan, Transaction, User
from tests import threads
from tests.factories import make_plan, make_user, pay_in, put_in

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

Kind = Transaction.Kind
TIMES = 50


def at_once(act: Callable[[int], object], times: int = TIMES) -> Counter[Any]:
    return threads.at_once(act, times, refusals=(NotEnoughMoney, ReferenceTaken))


def balance(account: Account) -> int:
    return ledger.balance_kobo(account)


def test_the_same_reference_fifty_times_at_once_is_one_payment() -> None:
    user, reference = make_user(), references.new(Kind.STASH_DEPOSIT)

    def pay(_: int) -> object:
        transaction, opened = ledger.open_transaction(
            reference=reference, kind=Kind.STASH_DEPOSIT, user=user, amount_kobo=700
        )
        clearing = ledger.house_account(Account.Kind.CLEARING, "paystack")
        return opened, ledger.settle(transaction, debit=clearing, credit=ledger.stash_account(user))

    outcomes = at_once(pay)
    assert sum(times for (opened, _), times in outcomes.items() if opened) == 1
    assert sum(times for (_, posted), times in outcomes.items() if posted) == 1
    assert Entry.objects.count() == 1
    assert balance(ledger.stash_account(user)) == 700
    assert list(ledger.run_checks()) == []


def test_the_same_reference_from_fifty_users_at_once_belongs_to_one_user() -> None:
    users, reference = [make_user() for _ in range(TIMES)], references.new(Kind.STASH_DEPOSIT)

    def open_deposit(number: int) -> object:
        return ledger.open_transaction(
            reference=reference, kind=Kind.STASH_DEPOSIT, user=users[number], amount_kobo=700
        )[1]

    assert at_once(open_deposit) == {True: 1, ReferenceTaken: TIMES - 1}


def test_fifty_moves_at_once_succeed_until_the_balance_is_used_up() -> None:
    plan = make_plan()
    user = plan.user
    pay_in(user, 30 * 100 + 99)

    def move(_: int) -> object:
        plans.move_to_plan(
            User.objects.get(pk=user.pk),
            Plan.objects.get(pk=plan.pk),
            amount_kobo=100,
            reference=references.new(Kind.STASH_TO_PLAN),
        )
        return "moved"

    assert at_once(move) == {"moved": 30, NotEnoughMoney: 20}
    assert (balance(ledger.stash_account(user)), balance(plan.account)) == (99, 3000)
    assert list(ledger.run_checks()) == []


def test_moves_both_ways_between_the_same_accounts_never_deadlock() -> None:
    plan = make_plan(holding_kobo=10_000)
    user = plan.user
    pay_in(user, 10_000)

    def move(number: int) -> object:
        kind = Kind.PLAN_TO_STASH if number % 2 else Kind.STASH_TO_PLAN
        move_money = plans.move_from_plan if number % 2 else plans.move_to_plan
        move_money(
            User.objects.get(pk=user.pk),
            Plan.objects.get(pk=plan.pk),
            amount_kobo=100,
            reference=references.new(kind),
        )
        return kind

    assert at_once(move) == {Kind.PLAN_TO_STASH: 25, Kind.STASH_TO_PLAN: 25}
    assert (balance(ledger.stash_account(user)), balance(plan.account)) == (10_000, 10_000)
    assert list(ledger.run_checks()) == []


def test_fifty_reversals_at_once_reverse_a_transaction_once() -> None:
    user = make_user()
    transaction = put_in(user, 700)
    reference = references.new(Kind.REVERSAL)

    def reverse(_: int) -> object:
        return ledger.reverse(Transaction.objects.get(pk=transaction.pk), reference=reference).pk

    assert list(at_once(reverse).values()) == [TIMES]
    assert balance(ledger.stash_account(user)) == 0
    assert list(ledger.run_checks()) == []


def test_a_house_account_is_opened_once() -> None:
    outcomes = at_once(lambda _: ledger.house_account(Account.Kind.FEE_INCOME).pk)
    assert list(outcomes.values()) == [TIMES]
