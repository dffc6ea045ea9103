"""Disputes: a payer claims a payment back at their bank. The provider is asked, and a lost one becomes a chargeback."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from savings import ledger, outbox
from savings.exceptions import ProviderRefused, ProviderUnavailable, UnclearAnswer
from savings.models import Dispute, Payment, Transaction
from savings.payments import (
    cards,
    derived_references,
    messages,
    paystack,
    provider_money,
    runs,
    settlement,
    takings,
)
from savings.payments.money_answers import DisputeAnswer
from savings.payments.rows import find_at_provider, lock_payer

logger = logging.getLogger(__name__)

# The provider waits for our answer.
AWAITING_ANSWER = "awaiting-merchant-feedback"
_RESOLVED = "resolved"
# The payer gets the amount back: we accepted the claim, or nobody answered it in time.
_LOST = {"merchant-accepted", "auto-accepted"}
# The claim was turned down, and the money stays.
_WON = {"declined"}
_TASK = "ask_about_dispute"


def update_dispute(dispute_id: int) -> Dispute | None:
    """Ask the provider about a dispute, and apply the answer. Returns None if its payment is not one of ours.

    A dispute that is lost is booked as a chargeback in the commit that ends it, once. Raises UnclearAnswer when it is
    resolved in a way that we do not know, and Refused when the chargeback cannot be booked; nothing has changed then.
    """
    return _apply(provider_money.fetch_dispute(dispute_id))


def sweep_disputes() -> int:
    """Ask about all open disputes, ours and those in the provider's list; return how many were answered.

    For events that got lost. A dispute whose call fails is postponed with its reason and stops no other.
    """
    ids = set(Dispute.objects.filter(resolved_at=None).values_list("provider_id", flat=True))
    ids |= set(outbox.postponed_row_ids(_TASK))
    try:
        ids |= {answer.id for answer in provider_money.list_open_disputes()}
    except (ProviderUnavailable, ProviderRefused) as error:
        logger.warning("the provider does not list its disputes: %s", error)
    return runs.for_each_id(_TASK, sorted(ids), lambda dispute_id: update_dispute(dispute_id) is not None)


def what_to_do(dispute: Dispute) -> str:
    """Return what staff have to do about an open dispute, and until when."""
    if dispute.due_at is None:
        return messages.answer_dispute(dispute.provider_id)
    return messages.answer_dispute_by(dispute.provider_id, dispute.due_at)


def is_lost(dispute: Dispute) -> bool:
    """Return whether a dispute has ended with the payment going back to the payer."""
    chargeback = derived_references.chargeback(dispute.provider_id)
    return dispute.resolved_at is not None and Transaction.objects.filter(reference=chargeback).exists()


def _apply(answer: DisputeAnswer) -> Dispute | None:
    payment = find_at_provider(answer.payment_id, answer.payment_reference)
    if payment is None:
        return None
    if settlement.is_open(payment):
        settlement.settle_payment(payment.transaction.reference)
    if answer.currency != settings.CURRENCY:
        raise UnclearAnswer(f"Dispute {answer.id} is about money in {answer.currency[:10]}.")
    is_over = answer.status == _RESOLVED
    if is_over and answer.resolution not in _LOST | _WON:
        raise UnclearAnswer(f"Dispute {answer.id} is resolved by {answer.resolution[:40] or 'nothing'}.")
    if is_over and answer.resolution in _LOST:
        # First, so that clearing has what the provider took from the balance.
        takings.record_takings(timezone.now())
    with transaction.atomic():
        lock_payer(payment)
        dispute = _store(payment, answer)
        if is_over and dispute.resolved_at is None:
            _end(dispute, answer)
        cards.note_dispute(payment)
    return dispute


def _store(payment: Payment, answer: DisputeAnswer) -> Dispute:
    """Store an answer and return the dispute. One that has ended stays as it is."""
    now = timezone.now()
    values = {"amount_kobo": answer.amount_kobo, "status": answer.status[:40], "due_at": answer.due_at}
    dispute, is_new = Dispute.objects.get_or_create(
        provider=paystack.PROVIDER,
        provider_id=answer.id,
        defaults=values | {"payment": payment, "opened_at": answer.opened_at or now},
    )
    if dispute.payment_id != payment.pk:
        raise UnclearAnswer(f"Dispute {answer.id} is about another payment than before.")
    if not is_new and dispute.resolved_at is None:
        Dispute.objects.filter(pk=dispute.pk).update(**values)
        dispute.refresh_from_db()
    if is_new and answer.status != _RESOLVED:
        if payment.transaction.user_id is not None:
            outbox.recheck_autosaves(payment.transaction.user_id)
        logger.error("payment %s is disputed: %s", payment.transaction.reference, what_to_do(dispute))
    return dispute


def _end(dispute: Dispute, answer: DisputeAnswer) -> None:
    if answer.resolution in _LOST:
        ledger.book_chargeback(
            dispute.payment.transaction,
            reference=derived_references.chargeback(answer.id),
            amount_kobo=answer.amount_kobo,
        )
    dispute.resolved_at = answer.resolved_at or timezone.now()
    Dispute.objects.filter(pk=dispute.pk).update(resolved_at=dispute.resolved_at)
