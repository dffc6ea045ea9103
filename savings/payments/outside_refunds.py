"""Refunds that somebody made in the provider's dashboard: staff book them, on the word of the provider."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.db.transaction import atomic
from django.utils import timezone

from savings import ledger
from savings.exceptions import SENT_OTHERWISE, ReferenceTaken, Refused
from savings.models import Payment, Refund, User, WebhookEvent
from savings.payments import json_fields, messages, provider_money, takings
from savings.payments.money_answers import RefundAnswer
from savings.payments.refunds import find_ours
from savings.payments.rows import find_at_provider, lock_payer

_PROCESSED = "processed"


def find_outside_refund(event: WebhookEvent) -> RefundAnswer:
    """Ask the provider about the refund of an event that nobody here asked for, and return its answer.

    Not within a transaction. Books what the provider took from the balance. Raises Refused when the event is not about
    such a refund, when it is booked already or not processed; ProviderUnavailable and ProviderRefused when the provider
    does not say.
    """
    payment = _payment_of(event)
    answer = _find(event, payment)
    _check(answer, payment)
    # First, so that clearing has what the provider took from the balance.
    takings.record_takings(timezone.now())
    return answer


def book_outside_refund(
    event: WebhookEvent,
    *,
    reference: str,
    asked_by: User,
    approved_by: User,
    reason: str,
    answer: RefundAnswer | None = None,
) -> Refund:
    """Book the refund that an event of the provider is about and that nobody here asked for, and return it.

    Without the `answer` of `find_outside_refund`, the provider is asked first: do not call this within a transaction
    then. See `ledger.book_refund` for where the money comes from. The event needs no staff any more. A repeat with the
    same reference returns the first refund. Raises Refused when the event is not about such a refund, when it is booked
    already or not processed, and as `ledger.book_refund` does; ProviderUnavailable and ProviderRefused when the
    provider does not say.
    """
    payment = _payment_of(event)
    people: dict[str, Any] = {"asked_by": asked_by, "approved_by": approved_by, "reason": reason}
    earlier = Refund.objects.select_related("transaction").filter(transaction__reference=reference).first()
    if earlier is not None:
        if earlier.payment_id != payment.pk:
            raise ReferenceTaken(SENT_OTHERWISE)
        amount_kobo = earlier.transaction.amount_kobo
        ledger.book_refund(payment.transaction, reference=reference, amount_kobo=amount_kobo, **people)
        return earlier
    answer = answer or find_outside_refund(event)
    with atomic():
        lock_payer(payment)
        movement = ledger.book_refund(
            payment.transaction, reference=reference, amount_kobo=answer.amount_kobo, **people
        )
        # After the lock of the payment: two people may book the same refund at once.
        if find_ours(answer) is not None:
            raise Refused(messages.REFUND_BOOKED)
        refund = Refund.objects.create(
            transaction=movement,
            payment=payment,
            provider_id=answer.id,
            provider_status=answer.status[:20],
        )
        note = messages.refund_here(reference, answer.status, movement.get_status_display().lower())
        WebhookEvent.objects.filter(pk=event.pk).update(note=note[:300], needs_staff=False)
    return refund


def _payment_of(event: WebhookEvent) -> Payment:
    payment = find_at_provider(None, event.reference) if event.reference else None
    if payment is None or not event.event.startswith("refund."):
        raise Refused(messages.NOT_ABOUT_A_REFUND)
    return payment


def _find(event: WebhookEvent, payment: Payment) -> RefundAnswer:
    """Return what the provider knows of the refund of an event. Some events do not say its number."""
    number = json_fields.number_or_none(json_fields.part(json.loads(event.body), "data"), "id")
    if number is not None:
        return provider_money.fetch_refund(number)
    listed = provider_money.list_refunds(
        payment_id=payment.provider_id,
        payment_reference=payment.provider_reference,
        since=payment.transaction.created_on,
    )
    unknown = [one for one in listed if find_ours(one) is None and not one.is_of_dispute]
    processed = [one for one in unknown if one.status == _PROCESSED]
    if not processed:
        raise Refused(messages.REFUND_NOT_MADE if unknown else messages.REFUND_BOOKED)
    return min(processed, key=lambda one: one.id)


def _check(answer: RefundAnswer, payment: Payment) -> None:
    """Raise Refused for an answer that is not about a refund to book on this payment."""
    is_same = (
        answer.payment_reference == payment.provider_reference
        if answer.payment_reference
        else answer.payment_id == payment.provider_id
    )
    if not is_same or answer.currency != settings.CURRENCY:
        raise Refused(messages.NOT_ABOUT_A_REFUND)
    if answer.is_of_dispute:
        raise Refused(messages.refund_of_dispute(answer.id, answer.status))
    if find_ours(answer) is not None:
        raise Refused(messages.REFUND_BOOKED)
    if answer.status != _PROCESSED:
        raise Refused(messages.REFUND_NOT_MADE)
