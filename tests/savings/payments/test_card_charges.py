"""Charging a saved card: committed before the call, settled once by the answer, the event or the poll."""

from __future__ import annotations

import datetime

import httpx
import pytest
from django.utils import timezone

from savings import ledger, payments, references
from savings.exceptions import ReferenceTaken, Refused
from savings.models import (
    Account,
    AutosaveRule,
    AutosaveRun,
    Entry,
    OutboxRow,
    Payment,
    Plan,
    SavedCard,
    Transaction,
)
from tests import cards, factories
from tests.autosave import make_rule
from tests.payments import AMOUNT
from tests.provider import Provider, fee
from web.simulator import payments as simulated

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
Status = Transaction.Status
CHARGE = "/transaction/charge_authorization"


@pytest.fixture
def card(provider: Provider, plan: Plan) -> SavedCard:
    return cards.save_card(provider, plan.user)


def charges(provider: Provider) -> int:
    return provider.paths().count(f"POST {CHARGE}")


def check_paid_once(movement: Transaction, plan: Plan) -> None:
    movement.refresh_from_db()
    assert movement.status == Status.SUCCESS
    assert ledger.balance_kobo(Account.objects.get(plan=plan)) == AMOUNT
    entries = movement.entries.order_by("id").values_list("code", "amount_kobo")
    assert list(entries) == [(Entry.Code.PRIMARY, AMOUNT), (Entry.Code.COST, fee(AMOUNT))]


def test_a_charge_is_credited_at_once_with_its_cost(provider: Provider, plan: Plan, card: SavedCard) -> None:
    movement = cards.charge(card, plan=plan)
    check_paid_once(movement, plan)
    payment = movement.payment
    assert (payment.saved_card, payment.card, payment.mandate) == (card, "Visa ··4081", "")
    assert payment.sent_at is not None
    mails = OutboxRow.objects.filter(kind="top_up_received", transaction=movement)
    assert mails.count() == 1


def test_a_charge_goes_to_the_stash_too(provider: Provider, plan: Plan, card: SavedCard) -> None:
    before_kobo = ledger.balance_kobo(ledger.stash_account(plan.user))
    movement = cards.charge(card)
    assert (movement.status, movement.kind) == (Status.SUCCESS, Transaction.Kind.STASH_DEPOSIT)
    assert ledger.balance_kobo(ledger.stash_account(plan.user)) == before_kobo + AMOUNT


def test_the_card_is_charged_with_the_email_address_of_its_mandate(
    provider: Provider, plan: Plan, card: SavedCard
) -> None:
    plan.user.email = "other@example.com"
    plan.user.save()
    assert cards.charge(card, plan=plan).status == Status.SUCCESS


def test_money_earns_from_the_day_that_the_provider_names(
    provider: Provider, card: SavedCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        del provider.answers[CHARGE]
        response = provider.simulator.handle_request(request)
        response.read()
        body = response.json()
        body["data"]["paid_at"] = (timezone.now() - datetime.timedelta(minutes=1)).isoformat()
        return httpx.Response(200, json=body)

    provider.answers[CHARGE] = answer
    movement = cards.charge(card)
    assert movement.payment.paid_at is not None
    entry = movement.entries.get(code=Entry.Code.PRIMARY)
    assert entry.value_on == timezone.localdate(movement.payment.paid_at)


@pytest.mark.parametrize("times", [0, 1, 2])
@pytest.mark.parametrize("is_first", [False, True], ids=["event after", "event before"])
@pytest.mark.parametrize("outcome", ["success", "card-duplicate", "card-timeout"])
def test_the_event_before_the_answer_after_it_twice_and_never(
    provider: Provider, plan: Plan, outcome: str, *, is_first: bool, times: int
) -> None:
    card = cards.save_card(provider, plan.user, outcome)
    hear(provider)
    if is_first:
        provider.answers[CHARGE] = lambda request: answer_after_the_event(provider, request)
    movement = cards.charge(card, plan=plan)
    for _ in range(times):
        payments.settle_payment(movement.reference)
        hear(provider)
    late = timezone.now() + datetime.timedelta(minutes=11)
    _let_pass(movement)
    payments.poll_due_payments(late)
    check_paid_once(movement, plan)
    assert charges(provider) == 1


def hear(provider: Provider) -> None:
    """Let the provider's events come in and process them."""
    provider.deliver(after_seconds=60)
    payments.sweep_events(timezone.now())


def answer_after_the_event(provider: Provider, request: httpx.Request) -> httpx.Response:
    response = provider.simulator.handle_request(request)
    response.read()
    hear(provider)
    return response


def _let_pass(movement: Transaction) -> None:
    """Let a payment that the provider makes later be made now."""
    found = simulated.find(movement.reference)
    assert found is not None
    if found["succeeds_at"]:
        simulated.save(found | {"succeeds_at": found["created_at"]})


@pytest.mark.parametrize(
    ("outcome", "code", "trouble"),
    [("card-no-funds", "no_funds", ""), ("card-not-reusable", "not_reusable", "refused")],
)
def test_a_refusal_has_a_reason_in_plain_words(
    provider: Provider, plan: Plan, outcome: str, code: str, trouble: str
) -> None:
    card = cards.save_card(provider, plan.user, outcome)
    movement = cards.charge(card, plan=plan)
    assert (movement.status, movement.failure_code) == (Status.FAILED, code)
    assert payments.CARD_FAILURES[code]
    assert movement.payment.provider_message
    card.refresh_from_db()
    assert (card.trouble, card.is_usable) == (trouble, not trouble)
    assert ledger.balance_kobo(plan.account) == 0


def test_a_card_that_the_bank_calls_expired_has_expired(provider: Provider, plan: Plan) -> None:
    card = cards.save_card(provider, plan.user, "card-expired")
    movement = cards.charge(card, plan=plan)
    assert (movement.status, movement.failure_code) == (Status.FAILED, "card_expired")
    card.refresh_from_db()
    assert card.is_expired
    with pytest.raises(Refused, match="has expired"):
        cards.charge(card, plan=plan)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Insufficient Funds", "no_funds"),
        ("Expired Card", "card_expired"),
        ("Do Not Honour", "declined"),
        ("Declined", "declined"),
        ("Lost card, pick-up", "stolen"),
        ("Stolen Card", "stolen"),
        ("Exceeds withdrawal limit", "over_limit"),
        ("Transaction not permitted to cardholder", "not_reusable"),
        ("Whatever", "declined"),
        ("", "declined"),
    ],
)
def test_the_bank_s_words_have_a_code(provider: Provider, card: SavedCard, words: str, code: str) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        reference = str(httpx.Response(200, content=request.content).json()["reference"])
        data = {"reference": reference, "status": "failed", "amount": AMOUNT, "currency": "NGN"}
        body = {"status": True, "message": "Charge attempted", "data": data | {"gateway_response": words}}
        return httpx.Response(200, json=body)

    provider.answers[CHARGE] = refuse
    assert cards.charge(card).failure_code == code
    assert payments.CARD_FAILURES[code]


@pytest.mark.parametrize(("status", "message"), [(401, "Invalid key"), (400, "Something else")])
def test_a_refusal_that_is_not_about_the_card_leaves_it(
    provider: Provider, card: SavedCard, status: int, message: str
) -> None:
    body = {"status": False, "message": message}
    provider.answers[CHARGE] = lambda request: httpx.Response(status, json=body)
    movement = cards.charge(card)
    assert (movement.status, movement.failure_code) == (Status.FAILED, "refused")
    card.refresh_from_db()
    assert card.is_usable


def lost(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("no answer")


UNCLEAR = {
    "timeout": lost,
    "500": lambda request: httpx.Response(500),
    "no json": lambda request: httpx.Response(200, content=b"<html>"),
    "no data": lambda request: httpx.Response(200, json={"status": True, "message": "ok"}),
    "paused without a page": lambda request: httpx.Response(
        200, json={"status": True, "message": "ok", "data": {"paused": True}}
    ),
    "about another": lambda request: httpx.Response(
        200,
        json={
            "status": True,
            "message": "ok",
            "data": {"reference": "X", "status": "success", "amount": AMOUNT, "currency": "NGN"},
        },
    ),
}


@pytest.mark.parametrize("how", UNCLEAR)
def test_an_unclear_answer_is_pending_and_never_charged_again(
    provider: Provider, plan: Plan, card: SavedCard, how: str
) -> None:
    provider.answers[CHARGE] = UNCLEAR[how]
    movement = cards.charge(card, plan=plan)
    assert movement.status == Status.PENDING
    again = cards.charge(card, plan=plan, reference=movement.reference)
    assert again == movement
    assert charges(provider) == 1
    # The provider had taken it.
    provider.announce(movement.reference, AMOUNT, outcome="success")
    payments.poll_due_payments(timezone.now() + datetime.timedelta(minutes=11))
    check_paid_once(movement, plan)
    assert charges(provider) == 1


def test_a_charge_that_never_arrived_is_over_after_an_hour(
    provider: Provider, plan: Plan, card: SavedCard
) -> None:
    provider.answers[CHARGE] = lost
    movement = cards.charge(card, plan=plan)
    for minutes in (11, 31):
        payments.poll_due_payments(movement.created_on + datetime.timedelta(minutes=minutes))
        movement.refresh_from_db()
        assert movement.status == Status.PENDING
    payments.poll_due_payments(movement.created_on + datetime.timedelta(minutes=61))
    movement.refresh_from_db()
    assert (movement.status, movement.failure_code) == (Status.ABANDONED, "never_sent")


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("is_taken", [False, True], ids=["before the call", "after the call"])
def test_a_process_killed_around_the_call_leaves_a_payment_to_ask_about(
    provider: Provider, plan: Plan, card: SavedCard, *, is_taken: bool
) -> None:
    def die(request: httpx.Request) -> httpx.Response:
        if is_taken:
            provider.simulator.handle_request(request).read()
        raise Killed

    provider.answers[CHARGE] = die
    reference = references.new(Transaction.Kind.TOP_UP)
    with pytest.raises(Killed):
        cards.charge(card, plan=plan, reference=reference)
    movement = Transaction.objects.get(reference=reference)
    assert movement.status == Status.PENDING
    cards.charge(card, plan=plan, reference=reference)
    assert charges(provider) == 1
    payments.poll_due_payments(timezone.now() + datetime.timedelta(minutes=11))
    movement.refresh_from_db()
    assert movement.status == (Status.SUCCESS if is_taken else Status.PENDING)


def test_a_wrong_sum_goes_to_review(provider: Provider, plan: Plan, card: SavedCard) -> None:
    provider.answers[CHARGE] = lost
    movement = cards.charge(card, plan=plan)
    provider.announce(movement.reference, AMOUNT - 1, outcome="success")
    payments.settle_payment(movement.reference)
    movement.refresh_from_db()
    assert movement.status == Status.REVIEW


def test_a_challenge_waits_for_its_owner_who_gets_a_mail(provider: Provider, plan: Plan) -> None:
    card = cards.save_card(provider, plan.user, "card-challenge")
    movement = cards.charge(card, plan=plan)
    payment = Payment.objects.get(transaction=movement)
    assert movement.status == Status.PENDING
    assert payment.checkout_url.startswith("http")
    mail = OutboxRow.objects.get(kind="card_needs_approval")
    assert (mail.user, mail.transaction, mail.payload["url"]) == (plan.user, movement, payment.checkout_url)
    provider.pay(payment)
    hear(provider)
    check_paid_once(movement, plan)


def test_a_challenge_that_its_owner_declines_fails(provider: Provider, plan: Plan) -> None:
    card = cards.save_card(provider, plan.user, "card-challenge")
    movement = cards.charge(card, plan=plan)
    provider.pay(movement.payment, "declined")
    payments.settle_payment(movement.reference)
    movement.refresh_from_db()
    assert (movement.status, movement.failure_code) == (Status.FAILED, "declined")


def test_no_checkout_page_is_asked_for_a_charge(provider: Provider, plan: Plan, card: SavedCard) -> None:
    provider.answers[CHARGE] = lost
    movement = cards.charge(card, plan=plan)
    calls = len(provider.requests)
    assert not payments.send_to_provider(movement.payment)
    assert len(provider.requests) == calls
    movement.refresh_from_db()
    assert movement.status == Status.PENDING


def test_the_same_reference_for_something_else_is_refused(
    provider: Provider, plan: Plan, card: SavedCard
) -> None:
    movement = cards.charge(card, plan=plan)
    with pytest.raises(ReferenceTaken):
        cards.charge(card, plan=plan, reference=movement.reference, amount_kobo=AMOUNT + 1)
    assert charges(provider) == 1


def test_a_repeat_whose_plan_was_full_returns_the_same_transaction(
    provider: Provider, plan: Plan, card: SavedCard
) -> None:
    provider.answers[CHARGE] = lost
    movement = cards.charge(card, plan=plan)
    Plan.objects.filter(pk=plan.pk).update(closed_at=timezone.now())
    provider.announce(movement.reference, AMOUNT, outcome="success")
    payments.settle_payment(movement.reference)
    again = cards.charge(card, plan=plan, reference=movement.reference)
    assert (again.pk, again.plan, again.payment.meant_for) == (movement.pk, None, plan)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"removed_at": timezone.now(), "is_default": False}, "removed"),
        ({"trouble": "refused"}, "bank"),
        ({"trouble": "disputed"}, "disputed"),
        ({"expires_on": datetime.date(2020, 1, 31)}, "expired"),
        ({"country": "GB"}, "other countries"),
    ],
)
def test_a_card_that_cannot_be_charged_is_refused_and_nothing_is_stored(
    provider: Provider, plan: Plan, card: SavedCard, changes: dict[str, object], words: str
) -> None:
    SavedCard.objects.filter(pk=card.pk).update(**changes)
    before = Transaction.objects.count()
    # The card as it was read before.
    with pytest.raises(Refused, match=words):
        cards.charge(card, plan=plan)
    assert Transaction.objects.count() == before
    assert charges(provider) == 0


@pytest.mark.parametrize("amount_kobo", [99_99, 10_000_000_01])
def test_an_amount_outside_the_limits_is_refused(
    provider: Provider, card: SavedCard, amount_kobo: int
) -> None:
    with pytest.raises(Refused):
        cards.charge(card, amount_kobo=amount_kobo)
    assert charges(provider) == 0


def test_a_closed_plan_takes_no_charge(provider: Provider, plan: Plan, card: SavedCard) -> None:
    Plan.objects.filter(pk=plan.pk).update(closed_at=timezone.now())
    with pytest.raises(Refused):
        cards.charge(card, plan=plan)
    assert charges(provider) == 0


def test_the_payment_is_committed_before_the_provider_hears_of_it(
    provider: Provider, plan: Plan, card: SavedCard
) -> None:
    seen = []

    def look(request: httpx.Request) -> httpx.Response:
        seen.append(Payment.objects.filter(saved_card=card, transaction__status=Status.PENDING).count())
        return httpx.Response(500)

    provider.answers[CHARGE] = look
    cards.charge(card, plan=plan)
    assert seen == [1]


def test_a_card_pays_only_into_the_plans_of_its_owner(provider: Provider, card: SavedCard) -> None:
    other = factories.make_plan()
    with pytest.raises(ValueError, match="owner"):
        cards.charge(card, plan=other)
    assert charges(provider) == 0


def make_run(card: SavedCard, plan: Plan) -> AutosaveRun:
    rule = make_rule(plan, card=card, every=AutosaveRule.Every.DAY)
    return AutosaveRun.objects.create(
        rule=rule,
        due_on=timezone.localdate() + datetime.timedelta(days=9),
        amount_kobo=AMOUNT,
        source="card",
        card=card,
        next_try_at=timezone.now() + datetime.timedelta(days=9),
    )


def autosave(card: SavedCard, plan: Plan, run: AutosaveRun) -> Transaction:
    kind = Transaction.Kind.AUTOSAVE
    return payments.charge_card(
        card, plan=plan, amount_kobo=AMOUNT, reference=references.new(kind), kind=kind, autosave_run=run
    )


def test_a_try_of_an_auto_save_names_its_date_and_goes_into_the_plan(
    provider: Provider, plan: Plan, card: SavedCard
) -> None:
    run = make_run(card, plan)
    movement = autosave(card, plan, run)
    assert (movement.kind, movement.autosave_run) == (Transaction.Kind.AUTOSAVE, run)
    check_paid_once(movement, plan)


def test_money_of_a_try_that_had_failed_counts_beside_the_next_one(
    provider: Provider, plan: Plan, card: SavedCard
) -> None:
    run = make_run(card, plan)
    provider.answers[CHARGE] = lambda request: httpx.Response(400, json={"status": False, "message": "No"})
    failed = autosave(card, plan, run)
    provider.answers.clear()
    second = autosave(card, plan, run)
    assert (failed.status, second.status) == (Status.FAILED, Status.SUCCESS)
    provider.announce(failed.reference, AMOUNT, outcome="success")
    payments.settle_payment(failed.reference)
    failed.refresh_from_db()
    second.refresh_from_db()
    assert (failed.status, failed.autosave_run, second.autosave_run) == (Status.SUCCESS, None, run)
    assert ledger.balance_kobo(Account.objects.get(plan=plan)) == 2 * AMOUNT
