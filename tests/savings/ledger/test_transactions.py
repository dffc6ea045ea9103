"""Transactions: opening, posting, settling and reversing them."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection
from django.db import transaction as db_transaction
from django.utils import timezone

from savings import ledger, money, plans, references
from savings.exceptions import BadAmount, NotEnoughMoney, ReferenceTaken, Refused
from savings.models import Account, Entry, Plan, Product, Transaction, User
from tests.exits import exit_early
from tests.factories import (
    fund_balance,
    make_plan,
    make_product,
    make_transaction,
    make_user,
    pay_in,
    put_in,
    settled,
)

pytestmark = pytest.mark.django_db

Kind = Transaction.Kind
Status = Transaction.Status


def clearing() -> Account:
    return ledger.house_account(Account.Kind.CLEARING, "paystack")


def open_deposit(user: User, amount_kobo: int = 500_00, **fields: object) -> Transaction:
    reference = references.new(Kind.STASH_DEPOSIT)
    return ledger.open_transaction(
        reference=reference, kind=Kind.STASH_DEPOSIT, user=user, amount_kobo=amount_kobo
    )[0]


def settle(transaction: Transaction, user: User) -> bool:
    return ledger.settle(transaction, debit=clearing(), credit=ledger.stash_account(user))


# Opening


def test_the_same_reference_again_returns_the_existing_transaction() -> None:
    user, reference = make_user(), references.new(Kind.STASH_DEPOSIT)
    first, opened = ledger.open_transaction(
        reference=reference, kind=Kind.STASH_DEPOSIT, user=user, amount_kobo=5
    )
    again, opened_again = ledger.open_transaction(
        reference=reference, kind=Kind.STASH_DEPOSIT, user=user, amount_kobo=5
    )
    assert (first.pk, opened, opened_again) == (again.pk, True, False)
    assert first.status == Status.PENDING


@pytest.mark.parametrize("differs", ["kind", "user", "plan", "amount_kobo", "reverses"])
def test_a_reference_cannot_be_reused_for_another_transaction(differs: str) -> None:
    plan = make_plan(holding_kobo=100)
    known: dict[str, Any] = {
        "kind": Kind.TOP_UP,
        "user": plan.user,
        "plan": plan,
        "amount_kobo": 700,
        "reverses": None,
    }
    other = {
        "kind": Kind.AUTOSAVE,
        "user": make_user(),
        "plan": make_plan(),
        "amount_kobo": 701,
        "reverses": plan.transactions.get(),
    }
    reference = references.new(Kind.TOP_UP)
    ledger.open_transaction(reference=reference, **known)
    with pytest.raises(ReferenceTaken):
        ledger.open_transaction(reference=reference, **(known | {differs: other[differs]}))


@pytest.mark.parametrize("amount_kobo", [0, -1, money.MOST_KOBO + 1, 10**30])
def test_an_amount_out_of_range_opens_no_transaction(amount_kobo: int) -> None:
    with pytest.raises(BadAmount):
        open_deposit(make_user(), amount_kobo)
    assert not Transaction.objects.exists()


# Settling and posting


def test_settling_changes_money_and_status_together() -> None:
    user = make_user()
    transaction = open_deposit(user, 500_00)
    assert settle(transaction, user)
    entry = Entry.objects.get()
    assert (transaction.status, transaction.settled_on) == (Status.SUCCESS, entry.posted_at)
    assert (entry.debit_balance_kobo, entry.credit_balance_kobo) == (None, 500_00)
    assert ledger.balance_kobo(ledger.stash_account(user)) == 500_00
    assert ledger.balance_kobo(clearing()) == 500_00


def test_settling_twice_posts_once() -> None:
    user = make_user()
    transaction = open_deposit(user)
    assert [settle(transaction, user), settle(transaction, user)] == [True, False]
    assert Entry.objects.count() == 1


def test_a_settlement_without_enough_money_changes_nothing() -> None:
    plan = make_plan()
    pay_in(plan.user, 100)
    transaction = make_transaction(Kind.STASH_TO_PLAN, 101, user=plan.user, plan=plan)
    with pytest.raises(NotEnoughMoney):
        ledger.settle(transaction, debit=ledger.stash_account(plan.user), credit=plan.account)
    assert transaction.status == Status.PENDING
    transaction.refresh_from_db()
    assert (transaction.status, transaction.settled_on) == (Status.PENDING, None)
    assert ledger.balance_kobo(ledger.stash_account(plan.user)) == 100


def test_a_rollback_around_a_settlement_undoes_all_of_it() -> None:
    user = make_user()
    transaction = open_deposit(user)
    with db_transaction.atomic():
        settle(transaction, user)
        db_transaction.set_rollback(True)
    transaction.refresh_from_db()
    assert transaction.status == Status.PENDING
    assert not Entry.objects.exists()
    assert settle(transaction, user)


def test_a_refused_posting_leaves_the_surrounding_database_transaction_usable() -> None:
    user = make_user()
    with db_transaction.atomic():
        transaction = open_deposit(user)
        move = make_transaction(Kind.STASH_TO_PLAN, 500_00, user=user, plan=(plan := make_plan(user)))
        with pytest.raises(NotEnoughMoney):
            ledger.settle(move, debit=ledger.stash_account(user), credit=plan.account)
        assert settle(transaction, user)
    assert ledger.balance_kobo(ledger.stash_account(user)) == 500_00


def test_the_same_step_of_a_transaction_happens_once() -> None:
    user = make_user()
    pay_in(user, 900)
    withdrawal = make_transaction(Kind.STASH_WITHDRAWAL, 600, user=user)
    stash, hold = ledger.stash_account(user), ledger.hold_account(user)
    posted = [
        ledger.post(withdrawal, Entry.Code.HOLD, debit=stash, credit=hold, amount_kobo=600) for _ in range(3)
    ]
    assert posted == [True, False, False]
    assert ledger.balance_kobo(ledger.stash_account(user)) == 300
    assert ledger.balance_kobo(ledger.hold_account(user)) == 600


def test_the_primary_step_is_posted_only_by_settle() -> None:
    transaction = open_deposit(make_user())
    with pytest.raises(ValueError, match="use settle"):
        ledger.post(transaction, Entry.Code.PRIMARY, debit=clearing(), credit=clearing(), amount_kobo=1)


@pytest.mark.parametrize("status", [Status.SUCCESS, Status.REVERSED])
def test_a_status_of_moved_money_cannot_be_set_or_left_without_a_posting(status: str) -> None:
    transaction = open_deposit(make_user())
    with pytest.raises(ValueError, match="together with its posting"):
        ledger.change_status(transaction, status, only_from=[Status.PENDING])
    with pytest.raises(ValueError, match="together with its posting"):
        ledger.change_status(transaction, Status.FAILED, only_from=[status])


def test_of_two_status_changes_only_the_first_succeeds() -> None:
    transaction = open_deposit(make_user())
    stale = Transaction.objects.get(pk=transaction.pk)
    assert ledger.change_status(
        transaction, Status.FAILED, only_from=[Status.PENDING], failure_code="declined"
    )
    assert not ledger.change_status(stale, Status.ABANDONED, only_from=[Status.PENDING])
    transaction.refresh_from_db()
    assert (transaction.status, transaction.failure_code) == (Status.FAILED, "declined")


def test_a_failed_payment_can_still_be_settled() -> None:
    user = make_user()
    transaction = open_deposit(user)
    ledger.change_status(transaction, Status.FAILED, only_from=[Status.PENDING], failure_code="declined")
    assert ledger.settle(
        transaction, debit=clearing(), credit=ledger.stash_account(user), only_from=[Status.FAILED]
    )
    transaction.refresh_from_db()
    assert (transaction.status, transaction.failure_code) == (Status.SUCCESS, "")


def test_every_change_increments_the_version_of_its_user() -> None:
    user = make_user()
    versions = []
    transaction = make_transaction(Kind.ADJUSTMENT, 500_00, user=user)
    goodwill, stash = ledger.house_account(Account.Kind.GOODWILL), ledger.stash_account(user)
    for act in (
        lambda: ledger.settle(transaction, debit=goodwill, credit=stash),
        lambda: ledger.reverse(transaction, reference="REV" + "0" * 17),
    ):
        act()
        user.refresh_from_db()
        versions.append(user.version)
    assert 0 < versions[0] < versions[1]


# Reversals


def test_a_reversal_is_the_opposite_entry_in_a_transaction_of_its_own() -> None:
    plan = make_plan()
    transaction = put_in(plan.user, 700, plan=plan)
    reversal = ledger.reverse(transaction, reference=references.new(Kind.REVERSAL))
    first, second = Entry.objects.order_by("id")
    assert (second.debit_account_id, second.credit_account_id) == (
        first.credit_account_id,
        first.debit_account_id,
    )
    assert (transaction.status, reversal.status, reversal.reverses) == (
        Status.REVERSED,
        Status.SUCCESS,
        transaction,
    )
    assert ledger.balance_kobo(plan.account) == 0


def test_a_withdrawal_that_comes_back_is_in_the_stash_again_and_not_on_hold() -> None:
    user = make_user()
    pay_in(user, 600)
    withdrawal = make_transaction(Kind.STASH_WITHDRAWAL, 600, user=user)
    stash, hold = ledger.stash_account(user), ledger.hold_account(user)
    ledger.post(withdrawal, Entry.Code.HOLD, debit=stash, credit=hold, amount_kobo=600)
    ledger.settle(withdrawal, debit=hold, credit=fund_balance(600))
    reference = references.new(Kind.REVERSAL)
    reversal = ledger.return_withdrawal(withdrawal, reference=reference)
    assert ledger.return_withdrawal(withdrawal, reference=reference) == reversal
    assert (ledger.balance_kobo(ledger.stash_account(user)), ledger.balance_kobo(hold)) == (600, 0)
    assert list(ledger.run_checks()) == []


def test_reversing_twice_with_one_reference_returns_the_first_reversal() -> None:
    transaction = put_in(make_user(), 700)
    reference = references.new(Kind.REVERSAL)
    assert ledger.reverse(transaction, reference=reference) == ledger.reverse(
        transaction, reference=reference
    )
    with pytest.raises(Refused, match="only once"):
        ledger.reverse(transaction, reference=references.new(Kind.REVERSAL))


def test_one_reference_cannot_reverse_two_equal_transactions() -> None:
    user = make_user()
    first, second = put_in(user, 500), put_in(user, 500)
    reference = references.new(Kind.REVERSAL)
    ledger.reverse(first, reference=reference)
    with pytest.raises(ReferenceTaken):
        ledger.reverse(second, reference=reference)
    second.refresh_from_db()
    assert second.status == Status.SUCCESS
    assert ledger.balance_kobo(ledger.stash_account(user)) == 500


def test_money_that_was_moved_on_cannot_be_reversed() -> None:
    plan = make_plan()
    transaction = put_in(plan.user, 700, plan=plan)
    stash = ledger.stash_account(plan.user)
    settled(Kind.PLAN_TO_STASH, 1, debit=plan.account, credit=stash, user=plan.user, plan=plan)
    with pytest.raises(NotEnoughMoney):
        ledger.reverse(transaction, reference=references.new(Kind.REVERSAL))
    assert transaction.status == Status.SUCCESS
    assert not Transaction.objects.filter(kind=Kind.REVERSAL).exists()


def test_only_a_successful_transaction_that_is_no_reversal_can_be_reversed() -> None:
    user = make_user()
    waiting = make_transaction(Kind.ADJUSTMENT, 5, user=user)
    with pytest.raises(Refused, match="Only a successful"):
        ledger.reverse(waiting, reference=references.new(Kind.REVERSAL))
    reversal = ledger.reverse(put_in(user, 5), reference=references.new(Kind.REVERSAL))
    with pytest.raises(Refused, match="cannot be reversed"):
        ledger.reverse(reversal, reference=references.new(Kind.REVERSAL))


def test_a_reversal_into_a_closed_plan_is_refused() -> None:
    plan = make_plan(holding_kobo=700)
    stash = ledger.stash_account(plan.user)
    emptied = settled(Kind.PLAN_TO_STASH, 700, debit=plan.account, credit=stash, user=plan.user, plan=plan)
    Plan.objects.filter(pk=plan.pk).update(closed_at=timezone.now())
    with pytest.raises(Refused, match="closed"):
        ledger.reverse(emptied, reference=references.new(Kind.REVERSAL))
    assert ledger.balance_kobo(plan.account) == 0


# Entries are append-only, balances exact


@pytest.mark.parametrize(
    "statement", ["UPDATE savings_entry SET amount_kobo = 1", "DELETE FROM savings_entry"]
)
def test_the_database_refuses_to_change_an_entry(statement: str) -> None:
    pay_in(make_user(), 500)
    with (
        pytest.raises(IntegrityError, match="append-only"),
        db_transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert Entry.objects.get().amount_kobo == 500


def test_a_balance_cannot_exceed_the_exact_range() -> None:
    plan = make_plan(holding_kobo=money.MOST_KOBO)
    with pytest.raises(IntegrityError):
        pay_in(plan.user, 1, plan=plan)
    assert ledger.balance_kobo(plan.account) == money.MOST_KOBO


# Routes and families


@pytest.mark.parametrize(
    ("kind", "debit", "credit"),
    [
        (Kind.ADJUSTMENT, "tax_payable", "fee_income"),
        (Kind.ADJUSTMENT, "suspense", "stash"),
        (Kind.ADJUSTMENT, "clearing", "stash"),
        (Kind.TREASURY, "bank", "stash"),
        (Kind.STASH_DEPOSIT, "stash", "clearing"),
    ],
)
def test_a_route_that_a_kind_does_not_have_is_refused(kind: Kind, debit: str, credit: str) -> None:
    user = make_user()
    ends = [
        ledger.stash_account(user) if name == "stash" else ledger.house_account(name)
        for name in (debit, credit)
    ]
    with pytest.raises(ValueError, match="does not go"):
        settled(kind, 5, debit=ends[0], credit=ends[1], user=user)
    assert not Entry.objects.exists()


def early_exit() -> tuple[Transaction, Transaction]:
    """Return the move of an early exit and its penalty."""
    plan = make_plan(make_user(), make_product(Product.Kind.TARGET), holding_kobo=100_00)
    move = exit_early(plan, 60_00)
    return move, Transaction.objects.get(kind=Kind.PENALTY)


@pytest.mark.parametrize("which", [0, 1])
def test_a_family_is_reversed_together(which: int) -> None:
    family = early_exit()
    reference = references.new(Kind.REVERSAL)
    reversal = ledger.reverse(family[which], reference=reference)
    assert (reversal.reference, reversal.reverses) == (reference, family[which])
    for one in family:
        one.refresh_from_db()
    assert [one.status for one in family] == [Status.REVERSED, Status.REVERSED]
    plan = family[0].plan
    assert plan
    assert (ledger.balance_kobo(plan.account), ledger.balance_kobo(ledger.stash_account(plan.user))) == (
        100_00,
        0,
    )
    assert ledger.reverse(family[which], reference=reference) == reversal
    assert list(ledger.run_checks()) == []


def test_a_family_of_which_one_part_cannot_be_reversed_stays_as_it_is() -> None:
    move, penalty = early_exit()
    assert move.plan
    plans.move_to_plan(
        move.plan.user, make_plan(move.plan.user), amount_kobo=1, reference=references.new(Kind.STASH_TO_PLAN)
    )
    with pytest.raises(NotEnoughMoney):
        ledger.reverse(penalty, reference=references.new(Kind.REVERSAL))
    penalty.refresh_from_db()
    assert penalty.status == Status.SUCCESS
    assert list(ledger.run_checks()) == []


def test_reversed_interest_counts_as_not_yet_posted() -> None:
    with time_machine.travel("2026-01-11T12:00:00Z", tick=False) as clock:
        plan = make_plan(make_user(), make_product(rate_bps=1000), holding_kobo=100_000_00)
        clock.shift(datetime.timedelta(days=60))
        posting = ledger.post_interest(plan, until=timezone.localdate())
        assert posting is not None
        assert posting.interest is not None
        ledger.reverse(posting.interest, reference=references.new(Kind.REVERSAL))
        account = Account.objects.get(plan=plan)
        assert account.balance_kobo == 100_000_00
        assert account.accrued_numerator == 1000 * 100_000_00 * 60
        assert list(ledger.run_checks()) == []
