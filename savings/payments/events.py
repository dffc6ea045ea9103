"""What each event of the provider makes us do: ask the provider. The event itself decides nothing."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from savings import references
from savings.exceptions import ProviderRefused
from savings.models import Payment, Payout, Refund, Transaction, WebhookEvent
from savings.payments import (
    derived_references,
    disputes,
    json_fields,
    lost_payments,
    lost_payouts,
    messages,
    payout_outcomes,
    paystack,
    provider_money,
    refunds,
    settlement,
    transfers,
)
from savings.payments.money_answers import RefundAnswer
from savings.payments.rows import find_at_provider
from savings.payments.transfers import CONCLUSIVE

logger = logging.getLogger(__name__)

# The note on an event, and whether staff have to look at it.
Outcome = tuple[str, bool]

_CONCLUSIVE = {"processed", "failed"}


class NotYet(Exception):
    """The provider's event and its own answer do not agree yet."""


def act_on(event: WebhookEvent) -> Outcome:
    """Do what an event asks for. Raises NotYet, or an error of the provider, when it has to be tried again."""
    handler = _HANDLERS.get(event.event)
    if handler is None:
        return messages.EVENT_IGNORED, False
    if event.reference and not _is_known(event.reference):
        if not references.is_ours(event.reference):
            # Usually another shop uses the same account at the provider.
            return messages.EVENT_NOT_OURS, False
        logger.warning("event %s is about %r, of which nothing is known here", event.pk, event.reference)
    return handler(event)


def _is_known(reference: str) -> bool:
    """Return whether we have a transaction with a reference. The provider writes those of transfers in lower case."""
    ours = [reference.upper(), derived_references.suspense(reference)]
    return Transaction.objects.filter(reference__in=ours).exists()


def _charge(event: WebhookEvent) -> Outcome:
    movement = settlement.settle_payment(event.reference) if event.reference else None
    if movement is None and event.reference and lost_payments.find_again(event.reference):
        movement = settlement.settle_payment(event.reference)
    if movement is None:
        is_known = event.reference and _is_known(event.reference)
        return (messages.EVENT_NOT_PAYMENT if is_known else messages.EVENT_UNKNOWN), True
    if movement.status == Transaction.Status.REVIEW:
        return messages.in_suspense(movement.reference), True
    if movement.status == Transaction.Status.CLOSED:
        return messages.was_in_suspense(movement.reference), False
    if not movement.is_settled:
        raise NotYet(messages.NOT_PAID_YET)
    return messages.EVENT_SETTLED, False


def _refund(event: WebhookEvent) -> Outcome:
    payment = find_at_provider(None, event.reference)
    if payment is None:
        return messages.EVENT_UNKNOWN, True
    number = json_fields.number_or_none(_data(event), "id")
    answers = [provider_money.fetch_refund(number)] if number else _refunds_of(payment)
    outcomes = [_apply_refund(answer) for answer in answers]
    if not outcomes:
        raise NotYet(messages.NO_REFUND_YET)
    told = event.event.removeprefix("refund.")
    if told in _CONCLUSIVE and told not in {answer.status for answer in answers}:
        raise NotYet(messages.REFUND_NOT_OVER)
    return " ".join(dict.fromkeys(note for note, _ in outcomes)), any(staff for _, staff in outcomes)


def _refunds_of(payment: Payment) -> list[RefundAnswer]:
    """Return the refunds of a payment, for an event that does not say which one it is about."""
    return provider_money.list_refunds(
        payment_id=payment.provider_id,
        payment_reference=payment.provider_reference,
        since=payment.transaction.created_on,
    )


def _apply_refund(answer: RefundAnswer) -> Outcome:
    refund = refunds.find_ours(answer)
    if refund is None and answer.is_of_dispute:
        return messages.refund_of_dispute(answer.id, answer.status), False
    if refund is None:
        logger.error("refund %s was made at the provider and is not in the books", answer.id)
        return messages.refund_not_booked(answer.id, answer.status), True
    if refund.transaction.status == Transaction.Status.PENDING:
        refunds.apply(refund, answer)
    refund = Refund.objects.select_related("transaction").get(pk=refund.pk)
    movement = refund.transaction
    note = messages.refund_here(movement.reference, answer.status, movement.get_status_display().lower())
    is_failed = movement.status == Transaction.Status.FAILED
    contradicts = (
        answer.status == "processed" if is_failed else movement.is_settled and answer.status == "failed"
    )
    return note, contradicts or answer.status == refunds.NEEDS_ATTENTION


def _dispute(event: WebhookEvent) -> Outcome:
    number = json_fields.number_or_none(_data(event), "id")
    if event.reference and find_at_provider(None, event.reference) is None:
        return messages.EVENT_UNKNOWN, True
    if number is None:
        return messages.DISPUTE_UNNAMED, True
    dispute = disputes.update_dispute(number)
    if dispute is None:
        return messages.EVENT_UNKNOWN, True
    if dispute.resolved_at is None:
        if event.event == "charge.dispute.resolve":
            raise NotYet(messages.DISPUTE_NOT_OVER)
        return disputes.what_to_do(dispute), True
    lost = Transaction.objects.filter(reference=derived_references.chargeback(number)).first()
    if lost is None:
        return messages.DISPUTE_WON, False
    return messages.dispute_lost(lost.reference), False


def _transfer(event: WebhookEvent) -> Outcome:
    payout = _payout(event.reference)
    if payout is None and event.reference and _is_known(event.reference):
        return messages.EVENT_NOT_PAYOUT, True
    if payout is None:
        return _lost_transfer(event)
    answer = transfers.verify_transfer(payout.transaction.reference)
    payout_outcomes.apply(payout, answer)
    told = event.event.removeprefix("transfer.")
    if answer.status not in CONCLUSIVE or (told == "reversed" and answer.status == "success"):
        raise NotYet(messages.TRANSFER_NOT_OVER)
    payout.refresh_from_db()
    return payout.staff_note or f"{Payout.State(payout.state).label}.", bool(payout.staff_note)


def _lost_transfer(event: WebhookEvent) -> Outcome:
    """Book a withdrawal that a restored database has lost, on the word of the provider."""
    try:
        if references.is_ours(event.reference):
            lost_payouts.book(transfers.verify_transfer(event.reference))
    except lost_payouts.Unbookable as error:
        return error.why, True
    except ProviderRefused as error:
        if error.code != paystack.NOT_FOUND:
            raise
    payout = _payout(event.reference)
    if payout is None:
        return messages.EVENT_UNKNOWN, True
    return payout.staff_note or f"{Payout.State(payout.state).label}.", bool(payout.staff_note)


def _payout(reference: str) -> Payout | None:
    payouts = Payout.objects.select_related("transaction")
    return payouts.filter(transaction__reference=reference.upper()).first() if reference else None


def _data(event: WebhookEvent) -> dict[str, Any]:
    return json_fields.part(json.loads(event.body), "data")


_HANDLERS: dict[str, Callable[[WebhookEvent], Outcome]] = {
    "charge.success": _charge,
    "charge.dispute.create": _dispute,
    "charge.dispute.remind": _dispute,
    "charge.dispute.resolve": _dispute,
    "refund.pending": _refund,
    "refund.processing": _refund,
    "refund.processed": _refund,
    "refund.failed": _refund,
    "transfer.success": _transfer,
    "transfer.failed": _transfer,
    "transfer.reversed": _transfer,
}
