"""Refunds: sent to the provider once, and ended by its answer. Nothing ends because an event says so."""

from __future__ import annotations

import datetime
import logging

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from savings import ledger, outbox, tracing
from savings.exceptions import CallFailed, ProviderRefused, ProviderUnavailable, Refused, UnclearAnswer
from savings.models import Payment, Refund, Transaction, User
from savings.payments import messages, paystack, provider_money, runs, takings
from savings.payments.money_answers import RefundAnswer
from savings.payments.rows import lock_payer

logger = logging.getLogger(__name__)

NEEDS_ATTENTION = "needs-attention"
_LEASE = datetime.timedelta(minutes=5)
# A refund whose answer got lost may appear in the provider's list a little later. It is not sent again before that.
_SEND_AGAIN_AFTER = datetime.timedelta(minutes=15)
# How often the provider is asked about a refund on its way, by the age of the refund.
_ASK_EVERY = (
    (datetime.timedelta(hours=1), datetime.timedelta(minutes=5)),
    (datetime.timedelta(days=1), datetime.timedelta(hours=1)),
)
_ASK_LATER_EVERY = datetime.timedelta(hours=6)
# Lists of the provider are read from a little before the refund was requested, since its clock is not ours.
_CLOCKS_DIFFER_BY = datetime.timedelta(days=1)
_MOST_AT_ONCE = 100
_TASK = "process_refund"


def request_refund(
    payment_transaction: Transaction,
    *,
    amount_kobo: int,
    asked_by: User,
    approved_by: User,
    reason: str,
    reference: str,
    source: str = "",
) -> Refund:
    """Take kobo of a card payment out of the saver's account, and let `sweep_refunds` send them to the provider.

    `source` is where the money is taken from, as in `ledger.open_refund`. A repeat with the same reference returns the
    first refund. Raises Refused when the transaction is no card payment, and as `ledger.open_refund` does.
    """
    # Money that was released from suspense is in a part of the payment.
    first_id = payment_transaction.part_of_id or payment_transaction.pk
    payment = Payment.objects.filter(transaction=first_id).first()
    if payment is None:
        raise Refused(messages.NOT_A_CARD_PAYMENT)
    with transaction.atomic():
        movement = ledger.open_refund(
            payment_transaction,
            reference=reference,
            amount_kobo=amount_kobo,
            asked_by=asked_by,
            approved_by=approved_by,
            reason=reason,
            source=source,
        )
        refund, _ = Refund.objects.get_or_create(
            transaction=movement, defaults={"payment": payment, "next_poll_at": timezone.now()}
        )
    return refund


def sweep_refunds(now: datetime.datetime) -> int:
    """Send the refunds that are due, ask about those on their way, and return how many the provider answered.

    Safe to run twice at once. A refund whose call fails is postponed with its reason and stops no other.
    """
    on_their_way = Refund.objects.filter(next_poll_at__isnull=False)
    outbox.clear_other_postponements(_TASK, on_their_way)
    due = on_their_way.filter(next_poll_at__lte=now).order_by("next_poll_at", "pk")
    ready = due.exclude(pk__in=outbox.waiting_row_ids(_TASK))
    ids = list(ready.values_list("pk", flat=True)[:_MOST_AT_ONCE])
    return runs.for_each_id(_TASK, ids, lambda refund_id: _process(refund_id, now))


def apply(refund: Refund, answer: RefundAnswer) -> None:
    """Book what the provider says of a refund. Raises UnclearAnswer when the answer is about something else."""
    _check_same(refund, answer)
    if answer.status == "processed":
        # First, so that clearing has what the provider took from the balance.
        takings.record_takings(timezone.now())
    with transaction.atomic():
        lock_payer(refund.payment)
        refund = Refund.objects.select_related("transaction", "payment").get(pk=refund.pk)
        was_told = refund.provider_status
        if answer.status == "processed":
            ledger.settle_refund(refund.transaction)
        elif answer.status == "failed":
            ledger.fail_refund(refund.transaction, failure_code="failed")
            outbox.open_case("refund", refund.pk)
        is_over = refund.transaction.status != Transaction.Status.PENDING
        Refund.objects.filter(pk=refund.pk).update(
            provider_id=answer.id,
            provider_status=answer.status[:20],
            next_poll_at=None if is_over else _next_poll_at(refund),
        )
    if answer.status == NEEDS_ATTENTION and was_told != NEEDS_ATTENTION:
        logger.error("refund %s needs the payer's bank account at the provider", refund.transaction.reference)


def find_ours(answer: RefundAnswer) -> Refund | None:
    """Return our refund that an answer is about: by the provider's number, or by our reference in its note."""
    refunds = Refund.objects.select_related("transaction", "payment__transaction").filter(
        provider=paystack.PROVIDER
    )
    found = refunds.filter(provider_id=answer.id).first()
    return found or refunds.filter(transaction__reference=answer.note, provider_id=None).first()


def _process(refund_id: int, now: datetime.datetime) -> bool:
    """Send one refund or ask about it. Return False if another run has claimed it."""
    refund = Refund.objects.select_related("transaction", "payment__transaction").get(pk=refund_id)
    if refund.transaction.status != Transaction.Status.PENDING:
        Refund.objects.filter(pk=refund_id).update(next_poll_at=None)
        return False
    mine = Refund.objects.filter(pk=refund_id, next_poll_at=refund.next_poll_at, next_poll_at__lte=now)
    if not mine.update(next_poll_at=now + _LEASE):
        return False
    with tracing.follower.following(_TASK, ""):
        answer = provider_money.fetch_refund(refund.provider_id) if refund.provider_id else _send(refund, now)
        if answer is not None:
            apply(refund, answer)
    return answer is not None


def _send(refund: Refund, now: datetime.datetime) -> RefundAnswer | None:
    """Send a refund to the provider, unless it has it already. Return None if the provider refused it for good."""
    if refund.sent_at is not None:
        earlier = _find_at_provider(refund)
        if earlier is not None:
            return earlier
        if now - refund.sent_at < _SEND_AGAIN_AFTER:
            raise UnclearAnswer("The refund was sent a moment ago, and the provider does not list it yet.")
    # Committed before the call: after a crash the provider is asked before the refund is sent again.
    Refund.objects.filter(pk=refund.pk).update(sent_at=now)
    try:
        return provider_money.create_refund(
            payment_reference=refund.payment.provider_reference,
            amount_kobo=refund.transaction.amount_kobo,
            note=refund.transaction.reference,
        )
    except (ProviderRefused, ProviderUnavailable) as error:
        if did_not_arrive(error):
            Refund.objects.filter(pk=refund.pk).update(sent_at=refund.sent_at)
        elif isinstance(error, ProviderRefused) and refund.sent_at is None:
            _fail(refund, error)
            return None
        # A refusal after an earlier request may be about the money that the first one gives back: a person has to look.
        raise


def did_not_arrive(error: Exception) -> bool:
    """Return whether a call has certainly not reached the part of the provider that makes refunds."""
    is_not_reached = isinstance(error, ProviderUnavailable) and not isinstance(
        error, (CallFailed, UnclearAnswer)
    )
    return is_not_reached or (isinstance(error, ProviderRefused) and error.code == paystack.BAD_KEY)


def _find_at_provider(refund: Refund) -> RefundAnswer | None:
    payment = refund.payment
    listed = provider_money.list_refunds(
        payment_id=payment.provider_id,
        payment_reference=payment.provider_reference,
        since=refund.transaction.created_on - _CLOCKS_DIFFER_BY,
    )
    return next((answer for answer in listed if answer.note == refund.transaction.reference), None)


def _fail(refund: Refund, error: ProviderRefused) -> None:
    logger.error("the provider refused refund %s: %s", refund.transaction.reference, error)
    with transaction.atomic():
        lock_payer(refund.payment)
        ledger.fail_refund(refund.transaction, failure_code="refused")
        outbox.open_case("refund", refund.pk)
        Refund.objects.filter(pk=refund.pk).update(provider_status="refused", next_poll_at=None)


def _check_same(refund: Refund, answer: RefundAnswer) -> None:
    payment = refund.payment
    is_same_payment = (
        answer.payment_reference == payment.provider_reference
        if answer.payment_reference
        else answer.payment_id == payment.provider_id
    )
    sums = (answer.amount_kobo, answer.currency)
    if not is_same_payment or sums != (refund.transaction.amount_kobo, settings.CURRENCY):
        raise UnclearAnswer(
            f"The provider's refund {answer.id} is {answer.amount_kobo} of {answer.payment_reference[:40]}, and refund"
            f" {refund.transaction.reference} is {refund.transaction.amount_kobo} of {payment.provider_reference[:40]}."
        )


def _next_poll_at(refund: Refund) -> datetime.datetime:
    now = timezone.now()
    age = now - refund.transaction.created_on
    return now + next((every for until, every in _ASK_EVERY if age < until), _ASK_LATER_EVERY)
