"""After a restore: payments, withdrawals and refunds that only the provider knows are booked once, or left to staff."""

from __future__ import annotations

import datetime
from typing import Any

import httpx
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from savings import backoffice, ledger, payments, references
from savings.models import Case, Payment, Payout, Plan, Refund, Transaction, User, WebhookEvent
from savings.payments import paystack, provider_money, transfers
from tests.cards import charge, save_card
from tests.factories import make_user, pay_in
from tests.payments import start
from tests.payouts import fund, held, make_recipient, make_saver
from tests.provider import Provider
from tests.savings.backoffice.conftest import make_staff
from tests.withdrawals import make_payout
from web.simulator import payments as charges
from web.simulator import refunds

pytestmark = pytest.mark.django_db

AMOUNT = 25_000_00
Kind, Status, State = Transaction.Kind, Transaction.Status, Payout.State


def announce(user: User | None, *, kind: str = Kind.TOP_UP, outcome: str = "silent", **origin: Any) -> str:
    """Create a payment at the provider as this site announces one, and no row of it here."""
    reference = references.new(kind)
    payment = charges.announce(
        reference=reference,
        amount=AMOUNT,
        currency="NGN",
        email=user.email if user else "lost@example.com",
        metadata={"user": user.pk if user else 10**9, **origin},
        callback="",
    )
    assert payment is not None
    if outcome:
        charges.OUTCOMES[outcome](payment)
        charges.save(payment)
    return reference


def send(user: User, amount_kobo: int = 50_000_00, **recipient: Any) -> str:
    """Have the provider send a withdrawal of which there is no row here."""
    fund(amount_kobo * 2)
    code = transfers.create_recipient(name="ADA OBI", account_number="0123456789", bank_code="058").code
    make_recipient(user, code=code, **recipient)
    reference = references.new(Kind.STASH_WITHDRAWAL)
    transfers.send_transfer(reference=reference, amount_kobo=amount_kobo, recipient_code=code, reason="x")
    return reference


def recover(hours: int = 1) -> payments.Recovered:
    return backoffice.recover_lost(timezone.now() - datetime.timedelta(hours=hours))


def transfers_made() -> int:
    return sum(1 for _ in provider_money.list_transfers_since(timezone.now() - datetime.timedelta(days=1)))


def test_the_provider_stores_what_a_payment_is_for(provider: Provider, plan: Plan) -> None:
    start(plan)
    (listed,) = provider_money.list_payments_since(timezone.now() - datetime.timedelta(hours=1))
    assert listed.origin == {"user": plan.user_id, "plan": plan.pk}
    assert listed.requested_kobo == AMOUNT


def test_the_provider_stores_the_card_of_a_charge_too(provider: Provider, saver: User) -> None:
    card = save_card(provider, saver)
    movement = charge(card)
    assert paystack.look_up(movement.reference).origin == {"user": saver.pk, "card": card.pk}


def test_a_lost_payment_is_credited_to_its_plan_once(provider: Provider, plan: Plan) -> None:
    reference = announce(plan.user, plan=plan.pk)
    assert (recover().payments, recover().payments) == (1, 0)
    movement = Transaction.objects.get(reference=reference)
    assert (movement.status, movement.plan, movement.kind) == (Status.SUCCESS, plan, Kind.TOP_UP)
    assert ledger.balance_kobo(plan.account) == AMOUNT
    assert not [*ledger.run_checks()]


def test_the_money_for_a_lost_plan_goes_to_the_stash(provider: Provider, saver: User) -> None:
    announce(saver, plan=10**9)
    recover()
    assert held(saver) == (AMOUNT, 0)
    assert not [*ledger.run_checks()]


@pytest.mark.parametrize("payer", ["lost", "another email"])
def test_money_of_an_unknown_payer_waits_in_suspense_for_staff(
    provider: Provider, saver: User, payer: str
) -> None:
    announce(None if payer == "lost" else saver)
    if payer == "another email":
        User.objects.filter(pk=saver.pk).update(email="new@example.com")
    assert (recover().in_suspense, recover().in_suspense) == (1, 0)
    assert held(saver) == (0, 0)
    backoffice.sync_cases(timezone.now())
    assert Case.objects.get().kind == Case.Kind.PAYMENT


def test_an_open_checkout_page_can_be_paid_after_the_restore(provider: Provider, plan: Plan) -> None:
    reference = announce(plan.user, plan=plan.pk, outcome="")
    recover()
    assert Transaction.objects.get(reference=reference).status == Status.PENDING
    payment = charges.find(reference)
    assert payment is not None
    charges.succeed(payment)
    charges.save(payment)
    provider.deliver()
    payments.sweep_events(timezone.now())
    assert ledger.balance_kobo(plan.account) == AMOUNT


def test_the_event_of_a_lost_payment_books_it(provider: Provider, plan: Plan) -> None:
    announce(plan.user, plan=plan.pk, outcome="success")
    provider.deliver()
    payments.sweep_events(timezone.now())
    assert ledger.balance_kobo(plan.account) == AMOUNT
    assert not WebhookEvent.objects.filter(needs_staff=True).exists()


def test_a_payment_that_failed_before_the_backup_and_was_paid_after_it_counts(
    provider: Provider, payment: Payment
) -> None:
    Transaction.objects.filter(pk=payment.transaction_id).update(status=Status.ABANDONED)
    Payment.objects.filter(pk=payment.pk).update(next_poll_at=None)
    provider.pay(payment, "silent")
    assert recover(hours=-24).payments == 1
    payment.transaction.refresh_from_db()
    assert payment.transaction.status == Status.SUCCESS


def test_a_payment_without_a_clear_answer_is_named_and_stops_no_other(provider: Provider, plan: Plan) -> None:
    unclear, _ = announce(plan.user, plan=plan.pk), announce(plan.user, plan=plan.pk)
    provider.answers[f"/transaction/verify/{unclear}"] = lambda _: httpx.Response(502)
    with pytest.raises(CommandError, match=f"no clear answer about {unclear}"):
        call_command("recover_payments", "--since", "2026-01-01T00:00")
    assert ledger.balance_kobo(plan.account) == AMOUNT
    provider.answers.clear()
    call_command("recover_payments")
    assert ledger.balance_kobo(plan.account) == 2 * AMOUNT


def test_payments_of_other_shops_are_left_alone(provider: Provider, saver: User) -> None:
    provider.announce("order-1042", AMOUNT, outcome="silent")
    recover()
    assert not Transaction.objects.exists()


def test_a_lost_withdrawal_is_booked_and_not_sent_again(provider: Provider) -> None:
    user = make_user()
    pay_in(user, 100_000_00)
    reference = send(user)
    assert (recover().payouts, recover().payouts) == (1, 0)
    payout = Payout.objects.get(transaction__reference=reference)
    assert (payout.user, payout.state) == (user, State.SENT)
    stash, hold = held(user)
    assert stash + hold == 100_000_00
    assert hold > 50_000_00
    payments.sweep_payouts(timezone.now())
    assert transfers_made() == 1
    assert not [*ledger.run_checks()]


def test_a_withdrawal_that_waited_in_the_backup_and_was_sent_since_cannot_be_cancelled(
    provider: Provider,
) -> None:
    payout = make_payout()
    fund(200_000_00)
    code = transfers.create_recipient(name="ADA OBI", account_number="0123456789", bank_code="058").code
    movement = payout.transaction
    transfers.send_transfer(
        reference=movement.reference, amount_kobo=movement.amount_kobo, recipient_code=code, reason="x"
    )
    assert recover().payouts == 1
    payout.refresh_from_db()
    assert (payout.state, payout.can_be_cancelled) == (State.SENT, False)
    payments.sweep_payouts(timezone.now())
    assert transfers_made() == 1


def test_a_lost_withdrawal_that_the_stash_does_not_cover_freezes_the_saver_and_opens_a_case(
    provider: Provider,
) -> None:
    user = make_user()
    pay_in(user, 1_000_00)
    reference = send(user)
    assert len(recover().unbooked) == len(recover().unbooked) == 1
    user.refresh_from_db()
    assert user.frozen == User.Frozen.WITHDRAWALS
    case = Case.objects.get()
    assert (case.kind, case.saver) == (Case.Kind.PAYOUT, user)
    assert reference in case.summary
    assert "₦50,000" in case.summary
    backoffice.solve(case, by=make_staff("Support"), outcome="The saver repays it.")


def test_a_bank_account_of_two_savers_leaves_a_lost_withdrawal_to_staff(provider: Provider) -> None:
    user, other = make_saver(), make_saver()
    send(user)
    make_recipient(other, code=user.recipients.latest("pk").code)
    done = recover()
    assert [lost.saver_id for lost in done.unbooked] == [None]
    assert Case.objects.get().saver is None


def test_a_refund_that_was_sent_after_the_backup_is_not_sent_again(
    provider: Provider, payment: Payment
) -> None:
    provider.pay(payment)
    payments.settle_payment(payment.transaction.reference)
    refund = payments.request_refund(
        payment.transaction,
        amount_kobo=AMOUNT,
        asked_by=make_staff("Finance"),
        approved_by=make_staff("Finance"),
        reason="Twice",
        reference=references.new(Kind.REFUND),
    )
    provider_money.create_refund(
        payment_reference=payment.provider_reference, amount_kobo=AMOUNT, note=refund.transaction.reference
    )
    recover()
    payments.sweep_refunds(timezone.now())
    assert provider.paths().count("POST /refund") == 1
    assert Refund.objects.get().provider_id is not None


def test_a_refund_that_nobody_here_knows_is_left_to_staff(provider: Provider, payment: Payment) -> None:
    provider.pay(payment)
    payments.settle_payment(payment.transaction.reference)
    made = provider_money.create_refund(
        payment_reference=payment.provider_reference, amount_kobo=AMOUNT // 2, note="RFD"
    )
    refunds.end(str(made.id))
    assert (recover().refunds, recover().refunds) == (1, 0)
    payments.sweep_events(timezone.now())
    event = WebhookEvent.objects.get(event="refund.processed")
    assert event.needs_staff
    assert payments.find_outside_refund(event).amount_kobo == AMOUNT // 2
