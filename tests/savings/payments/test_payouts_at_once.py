"""Withdrawals that several requests and workers get hold of at the same time."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from django.utils import timezone

from savings import payments
from savings.exceptions import NotEnoughMoney, Refused
from savings.ledger import checks
from savings.models import OutboxRow, Payout, Recipient, WebhookEvent
from tests.payouts import SESSION, ask, at_provider_kobo, fund, held, make_recipient, make_saver
from tests.provider import Provider
from tests.savings.payments.test_at_once import at_once
from web.simulator import money, transfer_states

pytestmark = pytest.mark.django_db(transaction=True)

State = Payout.State
AMOUNT, FEES = 50_000_00, 25_00 + 1_87 + 50_00


@pytest.fixture(autouse=True)
def books_balance(db: None) -> Iterator[None]:
    """Whoever was first, the ledger checks find nothing wrong after it."""
    yield
    assert list(checks.wrong_rows()) == []


def failures(results: list[object]) -> list[object]:
    return [result for result in results if isinstance(result, Exception)]


def test_the_same_confirmation_many_times_at_once_is_one_withdrawal() -> None:
    user = make_saver()
    token = payments.sign_payout(
        user, payments.quote_payout(user, user.recipients.current()[0], AMOUNT), session=SESSION
    )
    results = at_once(*[partial(payments.request_payout, user, token, session=SESSION)] * 8)
    assert failures(results) == []
    assert Payout.objects.count() == 1
    assert held(user) == (100_000_00 - AMOUNT - FEES, AMOUNT + FEES)


def test_many_withdrawals_of_one_balance_at_once_are_one() -> None:
    user = make_saver(AMOUNT + FEES)
    recipient = user.recipients.current()[0]
    tokens = [
        payments.sign_payout(user, payments.quote_payout(user, recipient, AMOUNT), session=SESSION)
        for _ in range(8)
    ]
    results = at_once(*[partial(payments.request_payout, user, token, session=SESSION) for token in tokens])
    assert sum(isinstance(result, Payout) for result in results) == 1
    assert {type(error) for error in failures(results)} == {NotEnoughMoney}
    assert held(user) == (0, AMOUNT + FEES)


def test_several_workers_send_a_payout_once(provider: Provider) -> None:
    fund(500_000_00)
    asked = [ask(make_saver()) for _ in range(3)]
    rows = OutboxRow.objects.filter(kind="payout")
    acts: list[Callable[[], object]] = [partial(payments.send_payout, row) for row in rows]
    acts += [partial(payments.sweep_payouts, timezone.now() + datetime.timedelta(seconds=1))] * 3
    assert failures(at_once(*acts)) == []
    assert provider.paths().count("POST /transfer") == 3
    assert {Payout.objects.get(pk=payout.pk).state for payout in asked} == {State.SENT}


def test_cancelling_and_sending_at_once_does_one_of_both(provider: Provider) -> None:
    fund(500_000_00)
    for _ in range(4):
        user = make_saver()
        payout = ask(user)
        row = OutboxRow.objects.get(kind="payout", transaction=payout.transaction)
        before = provider.paths().count("POST /transfer")
        results = at_once(partial(payments.cancel_payout, payout), partial(payments.send_payout, row))
        assert {type(error) for error in failures(results)} <= {Refused}
        was_sent = provider.paths().count("POST /transfer") > before
        payout = Payout.objects.get(pk=payout.pk)
        assert payout.state == (State.SENT if was_sent else State.CANCELLED)
        assert held(user)[1] == (AMOUNT + FEES if was_sent else 0)


def test_events_and_polling_at_once_pay_once_and_book_the_cost_once(provider: Provider) -> None:
    fund(500_000_00)
    user = make_saver()
    payout = ask(user)
    payments.send_payout(OutboxRow.objects.get(kind="payout"))
    provider.deliver(after_seconds=60)
    Payout.objects.update(next_try_at=timezone.now())
    events = WebhookEvent.objects.values_list("pk", flat=True)
    acts: list[Callable[[], object]] = [
        partial(payments.process_event, pk) for pk in events for _ in range(3)
    ]
    acts += [partial(payments.sweep_payouts, timezone.now() + datetime.timedelta(seconds=1))] * 2
    assert failures(at_once(*acts)) == []
    payments.sweep_payouts(timezone.now() + datetime.timedelta(days=1))
    assert Payout.objects.get(pk=payout.pk).state == State.PAID
    assert at_provider_kobo() == money.balance(money.BALANCE)
    assert OutboxRow.objects.filter(kind="payout_sent").count() == 1


def test_a_reversal_that_is_told_twice_at_once_comes_back_once(provider: Provider) -> None:
    fund(500_000_00)
    user = make_saver()
    payout = ask(user)
    payments.send_payout(OutboxRow.objects.get(kind="payout"))
    provider.deliver(after_seconds=60)
    payments.sweep_events(timezone.now())
    transfer_states.click(payout.transaction.reference.lower(), "reversed")
    provider.deliver(after_seconds=60)
    events = WebhookEvent.objects.filter(event="transfer.reversed").values_list("pk", flat=True)
    acts: list[Callable[[], object]] = [
        partial(payments.process_event, pk) for pk in events for _ in range(4)
    ]
    assert failures(at_once(*acts)) == []
    assert Payout.objects.get(pk=payout.pk).state == State.CAME_BACK
    assert held(user) == (100_000_00, 0)
    assert at_provider_kobo() == money.balance(money.BALANCE) == 500_000_00


@pytest.mark.parametrize("others", [1, payments.MOST_RECIPIENTS - 1])
def test_the_same_account_added_twice_at_once_is_one(provider: Provider, others: int) -> None:
    user = make_saver()
    for _ in range(others - user.recipients.count()):
        make_recipient(user, is_default=False)
    token = payments.find_account(user, bank_code="058", account_number="0123456789").token
    assert failures(at_once(*[partial(payments.add_recipient, user, token)] * 4)) == []
    assert Recipient.objects.filter(user=user).count() == others + 1


def test_defaults_and_removals_at_once_leave_one_default() -> None:
    user = make_saver()
    others = [make_recipient(user, is_default=False) for _ in range(3)]
    acts: list[Callable[[], object]] = [partial(payments.make_default, one) for one in others]
    acts += [partial(payments.remove_recipient, others[0])]
    assert failures(at_once(*acts)) == []
    assert user.recipients.current().filter(is_default=True).count() == 1
