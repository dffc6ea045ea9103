"""Money in suspense that staff credit: the saver is told, and the provider's answers change nothing any more."""

from __future__ import annotations

from typing import Any

import pytest

from savings import ledger, payments, references
from savings.models import Account, Entry, OutboxRow, Payment, Plan, Transaction
from tests.factories import make_user
from tests.payments import AMOUNT, settle, start
from tests.provider import Provider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]

Kind = Transaction.Kind
Status = Transaction.Status


@pytest.fixture
def payment(provider: Provider, plan: Plan) -> Payment:
    """A payment of which half arrived."""
    payment = start(plan)
    provider.pay(payment, "wrong-amount")
    settle(payment)
    payment.refresh_from_db()
    return payment


def released(payment: Payment, **more: Any) -> Transaction:
    details = {"reference": references.new(Kind.TOP_UP), "reason": "The saver agrees"} | more
    return payments.release_from_suspense(
        payment.transaction,
        asked_by=make_user(is_staff=True),
        approved_by=make_user(is_staff=True),
        **details,
    )


def test_the_saver_gets_the_receipt_of_what_arrived(payment: Payment, plan: Plan) -> None:
    movement = released(payment, plan=plan)
    assert (movement.amount_kobo, ledger.balance_kobo(plan.account)) == (AMOUNT // 2, AMOUNT // 2)
    row = OutboxRow.objects.get(kind="top_up_received")
    assert (row.user, row.transaction) == (plan.user, movement)


def test_another_person_gets_the_receipt_of_money_that_is_theirs(payment: Payment) -> None:
    bola = make_user()
    movement = released(payment, to=bola, reference=references.new(Kind.STASH_DEPOSIT))
    assert OutboxRow.objects.get(kind="top_up_received").user == movement.user == bola
    assert ledger.balance_kobo(ledger.stash_account(bola)) == AMOUNT // 2


def test_a_closed_review_is_not_settled_again(payment: Payment, plan: Plan, provider: Provider) -> None:
    """As a failed payment it would be: the provider still says that it was paid."""
    released(payment, plan=plan)
    provider.say(payment, amount=AMOUNT, requested_amount=AMOUNT)
    settled = payments.settle_payment(payment.transaction.reference)
    assert settled
    assert settled.status == Status.CLOSED
    assert ledger.balance_kobo(plan.account) == AMOUNT // 2


def test_the_fee_of_a_closed_review_is_still_posted(provider: Provider, plan: Plan) -> None:
    payment = start(plan)
    provider.pay(payment, "wrong-amount")
    provider.say(payment, fees=None)
    settle(payment)
    payment.refresh_from_db()
    released(payment, plan=plan)
    assert payments.post_late_fee(payment.transaction.reference, fee_kobo=325_00)
    assert Entry.objects.filter(transaction=payment.transaction, code=Entry.Code.COST).exists()
    assert ledger.balance_kobo(ledger.house_account(Account.Kind.PROVIDER_FEES)) == 325_00
