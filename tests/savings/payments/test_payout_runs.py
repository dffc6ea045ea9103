"""Payouts at the provider: every outcome, in every order of events, with workers that are killed midway."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import ledger, outbox, payments
from savings.exceptions import UnclearAnswer
from savings.models import Account, OutboxRow, Payout, Recipient, Transaction, User, WebhookEvent
from savings.payments import payout_outcomes
from savings.payments import transfers as transfer_calls
from savings.tasks import HANDLERS
from tests.factories import make_user, pay_in
from tests.payouts import ask, at_provider_kobo, fund, held, make_recipient, make_saver
from tests.provider import Provider, to_the_site
from web.simulator import agenda, events, money, store, transfer_states, transfers

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]

State = Payout.State
AMOUNT = 50_000_00
FEES = 25_00 + 1_87 + 50_00
START = datetime.datetime(2026, 5, 4, 9, tzinfo=datetime.UTC)
# What becomes of the money, by the outcome at the provider. `clicked` ones wait until somebody acts there.
ENDS: dict[str, str] = {
    "success": State.PAID,
    "failed": State.RETURNED,
    "pending": State.PAID,
    "reversed": State.RETURNED,
    "reversed-later": State.CAME_BACK,
    "silent": State.PAID,
    "twice": State.PAID,
    "low-balance": State.PAID,
    "otp": State.PAID,
    "received": State.RETURNED,
    "rejected": State.RETURNED,
    "blocked": State.RETURNED,
    "abandoned": State.RETURNED,
    "not-found": State.RETURNED,
    "timeout": State.PAID,
    "event-first": State.PAID,
    "instant": State.PAID,
}
CLICKED = {"pending": "success", "otp": "success", "received": "failed"}
KILLS = ["never", "before the call", "before the answer", "before the posting"]


class Killed(BaseException):
    """The worker is killed: nothing after it runs, and what was committed stays."""


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as clock:
        yield clock


@contextmanager
def killed(provider: Provider, moment: str) -> Iterator[None]:
    """Kill the worker of the block at a moment of sending a payout."""

    def kill(request: httpx.Request) -> httpx.Response:
        if moment == "before the answer":
            provider.simulator.handle_request(request).read()
        raise Killed

    def kill_at_entry(execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        if moment == "before the posting" and sql.lstrip().startswith("INSERT INTO savings_entry"):
            raise Killed
        return execute(sql, *args)

    if moment in {"before the call", "before the answer"}:
        provider.answers["/transfer"] = kill
    with suppress(Killed), connection.execute_wrapper(kill_at_entry):
        yield
    provider.answers.clear()


def send(payout: Payout) -> None:
    """Do the work of a payout's outbox row, as the worker does after the commit."""
    row = OutboxRow.objects.get(transaction=payout.transaction, kind="payout")
    outbox.deliver(row.pk, HANDLERS)


def again(payout: Payout) -> Payout:
    return Payout.objects.select_related("transaction", "recipient", "user").get(pk=payout.pk)


def recipient_ending(user: User, outcome: str) -> Any:
    """A bank account whose number makes the simulator's transfers end so."""
    ending = next(digits for digits, name in transfers.ENDINGS.items() if name == outcome)
    number = f"{user.pk:07}{ending}"
    return make_recipient(user, account_number=number, code=f"RCP_058{number}", is_default=False)


def forget_events() -> None:
    for delivery in store.due_deliveries(timezone.now().timestamp() + 10**9):
        store.drop_delivery(delivery.id)


def let_time_pass(provider: Provider, clock: time_machine.Traveller, *, has_events: bool = True) -> None:
    """Let the worker run again and again for two months."""
    minutes = [0, 1, 2, 5, 6, 7, 10, 20, 30, 61, 62, 70, 140, 210, 24 * 60, 25 * 60, 26 * 60, 27 * 60]
    for after in [*minutes, *(days * 24 * 60 for days in (3, 4, 8, 15, 31, 60))]:
        clock.move_to(START + datetime.timedelta(minutes=after))
        if after == 70:
            click_waiting()
        agenda.catch_up()
        if has_events:
            provider.deliver()
            payments.sweep_events(timezone.now())
        else:
            forget_events()
        payments.sweep_payouts(timezone.now())


def click_waiting() -> None:
    for sent in transfer_states.newest_first():
        to = CLICKED.get(transfers.ENDINGS.get(sent["recipient"]["account_number"][-3:], ""))
        if to and sent["status"] in transfer_states.NEXT:
            transfer_states.click(sent["reference"], to)


def check_ended(payout: Payout, ends: str) -> None:
    payout = again(payout)
    assert (payout.state, payout.staff_note, payout.next_try_at) == (ends, "", None)
    left = 100_000_00 - AMOUNT - FEES if ends == State.PAID else 100_000_00
    assert held(payout.user) == (left, 0)


@pytest.mark.parametrize("order", ["before", "after", "twice", "never"])
def test_every_outcome_pays_once_or_gives_back_once(
    provider: Provider, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    """All outcomes, each killed at every moment, together: the books have to equal the provider's balance."""
    fund(10_000_000_00)
    asked: list[tuple[Payout, str]] = []
    if order == "twice":
        monkeypatch.setattr(events, "transport", httpx.MockTransport(answering_badly_at_first()))
    for outcome, ends in ENDS.items():
        for moment in KILLS:
            user = make_user()
            pay_in(user, 100_000_00)
            payout = ask(user, AMOUNT, recipient_ending(user, outcome))
            provider.delivers_first = order == "before"
            with killed(provider, moment):
                send(payout)
            provider.delivers_first = False
            asked.append((payout, ends))
    let_time_pass(provider, clock, has_events=order != "never")
    for payout, ends in asked:
        check_ended(payout, ends)
    assert at_provider_kobo() == money.balance(money.BALANCE)
    sent = [one["reference"].upper() for one in transfer_states.newest_first()]
    assert len(sent) == len(set(sent))
    assert not WebhookEvent.objects.filter(needs_staff=True).exists()
    payable = [
        ledger.house_account(Account.Kind.VAT_PAYABLE),
        ledger.house_account(Account.Kind.STAMP_DUTY_PAYABLE),
    ]
    paid = sum(ends == State.PAID for _, ends in asked)
    assert [ledger.balance_kobo(account) for account in payable] == [1_87 * paid, 0]
    for moment in ("asked", "sent", "returned", "came_back"):
        kinds = OutboxRow.objects.filter(kind=f"payout_{moment}").values_list("transaction", flat=True)
        assert len(kinds) == len(set(kinds))


def answering_badly_at_first() -> Callable[[httpx.Request], httpx.Response]:
    """Pass each event to the site, and answer the first time as if it had failed, so that it is sent again."""
    seen: set[bytes] = set()

    def answer(request: httpx.Request) -> httpx.Response:
        response = to_the_site(request)
        is_first = request.content not in seen
        seen.add(request.content)
        return httpx.Response(500) if is_first else response

    return answer


def test_only_one_reference_is_ever_sent(provider: Provider, clock: time_machine.Traveller) -> None:
    user = make_saver()
    fund(500_000_00)
    payout = ask(user, AMOUNT, recipient_ending(user, "timeout"))
    send(payout)
    assert again(payout).state == State.SENT
    # The next answers get lost too.
    provider.answers[f"/transfer/verify/{payout.transaction.reference.lower()}"] = lambda _: httpx.Response(
        502
    )
    for minutes in (2, 5, 10, 20):
        clock.move_to(START + datetime.timedelta(minutes=minutes))
        payments.sweep_payouts(timezone.now())
    assert again(payout).state == State.SENT
    assert held(user)[1] == AMOUNT + FEES
    provider.answers.clear()
    let_time_pass(provider, clock)
    check_ended(payout, State.PAID)
    assert provider.paths().count("POST /transfer") == 1


def test_a_silent_provider_leaves_the_money_on_hold_and_tells_staff(
    provider: Provider, clock: time_machine.Traveller
) -> None:
    user = make_saver()
    fund(500_000_00)
    payout = ask(user)

    def say_nothing(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("nothing", request=request)

    for path in ("/transfer", f"/transfer/verify/{payout.transaction.reference.lower()}"):
        provider.answers[path] = say_nothing
    send(payout)
    for hours in range(1, 40):
        clock.move_to(START + datetime.timedelta(hours=hours))
        before = again(payout).tries
        payments.sweep_payouts(timezone.now())
        # Hourly, for as long as it takes.
        assert again(payout).tries == before + 1
    waiting = again(payout)
    assert (waiting.state, waiting.transaction.status) == (State.SENT, Transaction.Status.PENDING)
    assert "no result" in waiting.staff_note
    assert held(user) == (50_000_00 - FEES, AMOUNT + FEES)
    provider.answers.clear()
    clock.move_to(START + datetime.timedelta(hours=41))
    payments.sweep_payouts(timezone.now())
    clock.move_to(START + datetime.timedelta(hours=43))
    payments.sweep_payouts(timezone.now())
    assert again(payout).state == State.PAID
    assert again(payout).staff_note == ""


def test_a_provider_that_cannot_be_reached_leaves_a_payout_that_can_be_cancelled(provider: Provider) -> None:
    user = make_saver()
    payout = ask(user)

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody there", request=request)

    fund(500_000_00)
    provider.answers["/transfer"] = refuse
    send(payout)
    assert again(payout).state == State.WAITING
    payments.cancel_payout(payout)
    assert held(user) == (100_000_00, 0)


def test_a_balance_that_is_too_low_is_no_failure(provider: Provider, clock: time_machine.Traveller) -> None:
    rich, poor = make_saver(), make_saver()
    fund(20_000_00)
    too_much, small = ask(rich, 50_000_00), ask(poor, 10_000_00)
    clock.shift(60)
    payments.sweep_payouts(timezone.now())
    assert (again(too_much).state, again(too_much).tries) == (State.WAITING, 0)
    assert "balance is too low" in again(too_much).staff_note
    # One that waits for money does not stop a smaller one.
    assert again(small).state == State.SENT
    assert "POST /transfer" in provider.paths()
    fund(200_000_00)
    let_time_pass(provider, clock)
    for payout in (too_much, small):
        assert (again(payout).state, again(payout).staff_note) == (State.PAID, "")


def test_a_saver_whose_account_is_closed_gets_nothing_and_loses_nothing(
    provider: Provider, clock: time_machine.Traveller
) -> None:
    user = make_saver()
    fund(500_000_00)
    payout = ask(user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    send(payout)
    assert (again(payout).state, again(payout).staff_note) == (
        State.WAITING,
        "The account of the saver is closed.",
    )
    User.objects.filter(pk=user.pk).update(is_active=True)
    let_time_pass(provider, clock)
    check_ended(payout, State.PAID)


def test_money_that_comes_back_to_a_closed_account_is_in_its_stash(
    provider: Provider, clock: time_machine.Traveller
) -> None:
    user = make_saver()
    fund(500_000_00)
    payout = ask(user, AMOUNT, recipient_ending(user, "reversed-later"))
    send(payout)
    User.objects.filter(pk=user.pk).update(is_active=False)
    let_time_pass(provider, clock)
    check_ended(payout, State.CAME_BACK)


def test_a_delay_is_waited_for_and_then_sent_once(
    provider: Provider, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.PAYOUTS = dataclasses.replace(settings.PAYOUTS, delay=datetime.timedelta(minutes=30))
    user = make_saver()
    fund(500_000_00)
    payout = ask(user)
    send(payout)
    row = OutboxRow.objects.get(transaction=payout.transaction, kind="payout")
    assert row.due_at is not None
    assert 0 <= (row.due_at - again(payout).send_at).total_seconds() <= 2
    clock.shift(29 * 60)
    payments.sweep_payouts(timezone.now())
    assert again(payout).state == State.WAITING
    clock.shift(2 * 60)
    outbox.sweep(timezone.now(), {"payout": payments.send_payout})
    payments.sweep_payouts(timezone.now())
    assert again(payout).state == State.SENT
    assert provider.paths().count("POST /transfer") == 1


def test_a_cancelled_payout_is_never_sent(provider: Provider, clock: time_machine.Traveller) -> None:
    user = make_saver()
    fund(500_000_00)
    payout = ask(user)
    payments.cancel_payout(payout)
    send(payout)
    let_time_pass(provider, clock)
    assert again(payout).state == State.CANCELLED
    assert "POST /transfer" not in provider.paths()
    assert held(user) == (100_000_00, 0)


@pytest.mark.parametrize(
    ("outcome", "said"), [("success", "failed"), ("failed", "success"), ("rejected", "success")]
)
def test_a_contradiction_moves_no_money_and_needs_staff(
    provider: Provider, clock: time_machine.Traveller, outcome: str, said: str
) -> None:
    user = make_saver()
    fund(500_000_00)
    payout = ask(user, AMOUNT, recipient_ending(user, outcome))
    send(payout)
    clock.shift(120)
    agenda.catch_up()
    payments.sweep_payouts(timezone.now())
    before = (again(payout).state, held(user))
    answer = transfer_calls.verify_transfer(payout.transaction.reference)
    payout_outcomes.apply(again(payout), dataclasses.replace(answer, status=said))
    assert (again(payout).state, held(user)) == before
    assert "Find out where the money is" in again(payout).staff_note


@pytest.mark.parametrize(
    "wrong", [{"amount_kobo": 1}, {"reference": "STW00000000000000000"}, {"currency": "USD"}]
)
def test_an_answer_about_something_else_is_not_believed(provider: Provider, wrong: dict[str, Any]) -> None:
    user = make_saver()
    fund(500_000_00)
    payout = ask(user)
    send(payout)
    answer = transfer_calls.verify_transfer(payout.transaction.reference)
    with pytest.raises(UnclearAnswer):
        payout_outcomes.apply(payout, dataclasses.replace(answer, status="success", **wrong))
    assert again(payout).state == State.SENT


def test_what_a_transfer_cost_is_asked_again_until_it_is_known(
    provider: Provider, clock: time_machine.Traveller
) -> None:
    user = make_saver()
    fund(500_000_00)
    payout = ask(user, AMOUNT, recipient_ending(user, "instant"))
    path = f"/transfer/TRF_{payout.transaction.reference.lower()}"
    provider.answers[path] = lambda _: httpx.Response(500)
    send(payout)
    assert (again(payout).state, again(payout).cost_kobo) == (State.PAID, None)
    assert at_provider_kobo() - money.balance(money.BALANCE) == 75_00
    provider.answers.clear()
    clock.shift(3600)
    payments.sweep_payouts(timezone.now())
    assert again(payout).cost_kobo == 75_00
    assert at_provider_kobo() == money.balance(money.BALANCE)


@pytest.mark.parametrize("many", [1, 10])
def test_sending_takes_at_most_12_queries_for_each_payout(
    provider: Provider, clock: time_machine.Traveller, many: int
) -> None:
    fund(10_000_000_00)
    for _ in range(many):
        ask(make_saver())
    clock.shift(60)
    with CaptureQueriesContext(connection) as queries:
        assert payments.sweep_payouts(timezone.now()) == many
    control = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
    assert sum(not query["sql"].startswith(control) for query in queries) == 3 + 11 * many
    assert set(Payout.objects.values_list("state", flat=True)) == {State.SENT}


def test_one_that_fails_stops_no_other(provider: Provider, clock: time_machine.Traveller) -> None:
    fund(10_000_000_00)
    first, *others = [ask(make_saver()) for _ in range(4)]
    Payout.objects.filter(pk=first.pk).update(next_try_at=START - datetime.timedelta(hours=1))
    Recipient.objects.filter(pk=first.recipient_id).update(code="no such code")
    clock.shift(60)
    payments.sweep_payouts(timezone.now())
    assert again(first).state == State.RETURNED
    assert {again(one).state for one in others} == {State.SENT}


def test_a_cost_that_changes_later_needs_staff_and_is_not_posted_again(
    provider: Provider, clock: time_machine.Traveller
) -> None:
    user = make_saver()
    fund(500_000_00)
    payout = ask(user, AMOUNT, recipient_ending(user, "instant"))
    send(payout)
    sent = transfer_states.newest_first()[0]
    transfer_states.save(sent | {"fee": sent["fee"] + 10_00})
    before = at_provider_kobo()
    payout_outcomes.book_cost(again(payout))
    assert again(payout).cost_kobo == 75_00
    assert "The provider now says that it cost ₦85," in again(payout).staff_note
    assert at_provider_kobo() == before
