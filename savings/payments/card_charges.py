"""Charging a saved card: committed here before the provider hears of it, and settled by the provider's answer."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from savings import ledger, mails, plans
from savings.exceptions import SENT_OTHERWISE, ProviderRefused, ProviderUnavailable, ReferenceTaken, Refused
from savings.models import AutosaveRun, Payment, Plan, SavedCard, Transaction, User
from savings.payments import card_failures, cards, checkout, messages, paystack, settlement
from savings.payments.paystack_answers import Challenge
from savings.payments.rows import find_payment, lock_payer, origin_of, payments, update_payment

logger = logging.getLogger(__name__)

Status = Transaction.Status


def charge_card(
    card: SavedCard,
    *,
    plan: Plan | None,
    amount_kobo: int,
    reference: str,
    kind: str,
    autosave_run: AutosaveRun | None = None,
) -> Transaction:
    """Charge a saved card for a plan, or for the stash if `plan` is None, and return the transaction as it is then.

    It is pending where the provider gave no clear answer, and where the card's owner has to approve the charge on the
    page in `payment.checkout_url`; the poll and the events settle it. `kind` is TOP_UP or STASH_DEPOSIT by the saver,
    or AUTOSAVE. The same reference again charges nothing and returns the same transaction. Call it outside of any
    transaction of the database. Raises Refused, with nothing stored, for a card that cannot be charged, an amount
    outside the limits, and a plan that takes no money.
    """
    if plan is not None and plan.user_id != card.user_id:
        raise ValueError("A card pays only into the plans of its owner.")
    with transaction.atomic():
        User.objects.touch(card.user_id)
        earlier = _earlier(card, reference, plan=plan, amount_kobo=amount_kobo, kind=kind)
        if earlier is None:
            payment = _open(
                card,
                plan=plan,
                amount_kobo=amount_kobo,
                reference=reference,
                kind=kind,
                autosave_run=autosave_run,
            )
    if earlier is not None:
        return earlier.transaction
    # Only the request that has just committed the payment charges the card.
    _send(payment)
    return payments().get(pk=payment.pk).transaction


def why_not_chargeable(card: SavedCard) -> str:
    """Return why a card cannot be charged, as a sentence for its owner; empty if it can."""
    if card.removed_at is not None or not card.user.is_active:
        return messages.CARD_REMOVED
    if why_frozen := ledger.why_frozen(card.user.frozen):
        return why_frozen
    if card.trouble:
        return messages.CARD_TROUBLES[card.trouble]
    if card.is_expired:
        return messages.CARD_HAS_EXPIRED
    return "" if cards.takes_country(card.country) else messages.CARD_IS_FOREIGN


def _earlier(
    card: SavedCard, reference: str, *, plan: Plan | None, amount_kobo: int, kind: str
) -> Payment | None:
    """Return the payment of an earlier call with this reference. Raises ReferenceTaken for other details."""
    payment = find_payment(reference)
    if payment is None:
        return None
    movement = payment.transaction
    # A payment whose plan took no more money remembers the plan that it was meant for.
    plan_id = payment.meant_for_id or movement.plan_id
    asked = (card.pk, plan.pk if plan else None, amount_kobo, kind)
    if (payment.saved_card_id, plan_id, movement.amount_kobo, movement.kind) != asked:
        raise ReferenceTaken(SENT_OTHERWISE)
    return payment


def _open(
    card: SavedCard,
    *,
    plan: Plan | None,
    amount_kobo: int,
    reference: str,
    kind: str,
    autosave_run: AutosaveRun | None,
) -> Payment:
    """Open the transaction and its payment under the lock of the card's owner."""
    # Read under the lock: the card may have been removed since it was shown.
    card = SavedCard.objects.select_related("user").get(pk=card.pk)
    if why_not := why_not_chargeable(card):
        raise Refused(why_not, field="source")
    if kind != Transaction.Kind.AUTOSAVE:
        checkout.check_limits(amount_kobo)
    movement, _ = ledger.open_transaction(
        reference=reference,
        kind=kind,
        user=card.user,
        plan=plan,
        amount_kobo=amount_kobo,
        autosave_run=autosave_run,
    )
    if plan is not None:
        plans.check_can_receive(plans.lock_plan(plan), amount_kobo)
    return Payment.objects.create(
        transaction=movement,
        saved_card=card,
        card=card.digits[:30],
        next_poll_at=movement.created_on + checkout.FIRST_POLL_AFTER,
    )


def _send(payment: Payment) -> None:
    """Charge the card of a payment, and apply the answer. Any outcome that is not clear leaves it pending."""
    movement, card = payment.transaction, payment.saved_card
    if card is None:
        raise ValueError("only the payment of a saved card is charged")
    try:
        answer = paystack.charge_authorization(
            reference=movement.reference,
            amount_kobo=movement.amount_kobo,
            email=card.email,
            authorization_code=card.authorization_code,
            origin=origin_of(payment),
        )
    except ProviderUnavailable as error:
        logger.warning("the outcome of charge %s is unknown: %s", movement.reference, error)
        update_payment(payment, sent_at=timezone.now())
        return
    except ProviderRefused as error:
        _refuse(payment, card, error)
        return
    update_payment(payment, sent_at=timezone.now())
    if isinstance(answer, Challenge):
        _ask_for_approval(payment, answer)
    else:
        settlement.apply_answer(payment, answer, payer_left=False)


def _refuse(payment: Payment, card: SavedCard, error: ProviderRefused) -> None:
    """Fail a payment that the provider refused; one that it has already stays pending, and is asked about."""
    if error.code == paystack.DUPLICATE_REFERENCE:
        logger.warning("charge %s is at the provider already", payment.transaction.reference)
        update_payment(payment, sent_at=timezone.now())
        return
    logger.error("the provider refused charge %s: %s", payment.transaction.reference, error)
    # A key that is wrong, or a request, says nothing about the card.
    default = card_failures.REFUSED
    code = default if error.code == paystack.BAD_KEY else card_failures.code_of(str(error), default=default)
    with transaction.atomic():
        lock_payer(payment)
        if ledger.change_status(
            payment.transaction, Status.FAILED, only_from=[Status.PENDING], failure_code=code
        ):
            update_payment(payment, provider_message=str(error)[:200])
            cards.note_failure(card.pk, code)


def _ask_for_approval(payment: Payment, challenge: Challenge) -> None:
    """Store the page on which the card's owner approves a charge, and mail them, unless it has ended meanwhile."""
    with transaction.atomic():
        lock_payer(payment)
        movement = payments().get(pk=payment.pk).transaction
        if movement.status == Status.PENDING:
            update_payment(payment, checkout_url=challenge.url)
            mails.card_needs_approval(movement, challenge.url)


def needs_fresh_sign_in(amount_kobo: int) -> bool:
    """Return whether an amount (kobo) is charged to a saved card only after a fresh sign-in."""
    return bool(amount_kobo > settings.CARDS.without_sign_in_max_kobo)
