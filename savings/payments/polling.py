"""Polls the provider about payments without an event, and about fees that it has not told yet.

The provider sends no event for a failed payment.
"""

from __future__ import annotations

import datetime
import logging

from django.db import transaction
from django.db.models import F

from savings import ledger, mails, outbox, tracing
from savings.models import Payment, Transaction
from savings.payments import checkout, fees, settlement
from savings.payments.provider_watch import ProviderWatch

logger = logging.getLogger(__name__)

# The ages at which a payment is polled. After the last, a payment is marked abandoned or left to staff.
AFTER = [
    checkout.FIRST_POLL_AFTER,
    datetime.timedelta(minutes=30),
    datetime.timedelta(hours=1),
    datetime.timedelta(hours=3),
    datetime.timedelta(hours=24),
]
# The age up to which a payment without a usable answer is polled again.
_GIVE_UP_AFTER = datetime.timedelta(hours=72)
# The age from which a charge to a saved card that the provider does not know counts as never sent. The provider takes
# a charge at once or not at all; nobody can pay it on a page later.
_CHARGE_UNKNOWN_AFTER = datetime.timedelta(hours=1)
_LEASE = datetime.timedelta(minutes=5)
_AFTER_AN_OUTAGE = datetime.timedelta(minutes=15)
_MOST_AT_ONCE = 100
_TASK = "poll_payment"


def poll_times(created_on: datetime.datetime) -> list[datetime.datetime]:
    """Return when a payment of that moment is polled, as long as the provider has no answer; later in an outage."""
    return [created_on + after for after in AFTER]


def poll_due_payments(now: datetime.datetime) -> int:
    """Poll all due payments, and return the number that the provider answered.

    Safe to run twice at once: each payment is claimed by a conditional update. A payment without a usable answer is
    postponed with its reason, for longer each time, and the run continues. The run stops only if the provider or the
    database is down; the remaining payments are still due at the next run.
    """
    open_payments = Payment.objects.filter(next_poll_at__isnull=False)
    outbox.clear_other_postponements(_TASK, open_payments)
    due = open_payments.filter(next_poll_at__lte=now).order_by("next_poll_at", "pk")
    watch = ProviderWatch()
    answered = 0
    for payment_id in list(due.values_list("pk", flat=True)[:_MOST_AT_ONCE]):
        if not watch.has_time():
            break
        try:
            answered += _poll(payment_id, now)
        except Exception as error:
            is_away = watch.is_provider_away(error)
            if not _postpone(payment_id, now, error, is_away=is_away) or is_away:
                break
        else:
            watch.record_success()
    return answered


def _poll(payment_id: int, now: datetime.datetime) -> bool:
    """Poll one payment. Return False if another run has claimed it."""
    payment = Payment.objects.select_related("transaction").get(pk=payment_id)
    # The payment may have been settled, or claimed by another run, since the query.
    is_due = payment.next_poll_at is not None and payment.next_poll_at <= now
    if not is_due or not _claim(payment, now):
        return False
    age = now - payment.transaction.created_on
    with tracing.follower.following("poll_payment", ""):
        settlement.settle_payment(payment.transaction.reference, payer_left=age >= AFTER[-1])
    Payment.objects.filter(pk=payment.pk).update(polls=F("polls") + 1)
    outbox.clear_postponement(_TASK, payment.pk)
    _ask_again(payment, _next_poll_at(payment, now))
    return True


def _next_poll_at(payment: Payment, now: datetime.datetime) -> datetime.datetime | None:
    """Return when to poll a payment again; None to give up. One that lacked only its fee is polled once a day."""
    age = now - payment.transaction.created_on
    if fees.is_missing(payment):
        return now + fees.ASK_EVERY if age < fees.GIVE_UP_AFTER else None
    if age >= _CHARGE_UNKNOWN_AFTER and _is_unknown_charge(payment):
        return None
    return next((payment.transaction.created_on + after for after in AFTER if after > age), None)


def _is_unknown_charge(payment: Payment) -> bool:
    """Return whether a saved card was to be charged and the provider knows nothing of it: the call never arrived."""
    charges = Payment.objects.filter(pk=payment.pk, saved_card__isnull=False, checkout_url="")
    return payment.saved_card_id is not None and charges.filter(provider_status="unknown").exists()


def _postpone(payment_id: int, now: datetime.datetime, error: Exception, *, is_away: bool) -> bool:
    """Set the next poll of a payment whose call failed, or give the payment up. Return False if the database is down.

    An outage of the provider does not count as a failure of the payment.
    """
    if is_away:
        logger.warning("the provider is away; payment %s and those after it wait: %s", payment_id, error)
        retry_at = now + _AFTER_AN_OUTAGE
    else:
        recorded = outbox.postpone(_TASK, payment_id, error)
        if recorded is None:
            return False
        retry_at = recorded
    try:
        payment = Payment.objects.select_related("transaction").get(pk=payment_id)
        if payment.next_poll_at is None:
            # Settled meanwhile, by an event.
            return True
        patience = fees.GIVE_UP_AFTER if fees.is_missing(payment) else _GIVE_UP_AFTER
        is_over = now - payment.transaction.created_on >= patience
        _ask_again(payment, None if is_over else retry_at)
        if is_over:
            outbox.clear_postponement(_TASK, payment_id)
    except Exception:
        # The claim's lease delays the next poll too.
        logger.exception("payment %s could not be put off", payment_id)
    return True


def _claim(payment: Payment, now: datetime.datetime) -> bool:
    """Claim a payment for the length of the lease. If the worker dies, another may claim the payment afterwards."""
    mine = Payment.objects.filter(pk=payment.pk, next_poll_at=payment.next_poll_at)
    payment.next_poll_at = now + _LEASE
    return bool(mine.update(next_poll_at=payment.next_poll_at))


def _ask_again(payment: Payment, at: datetime.datetime | None) -> None:
    """Store the time of the next poll, or give up. Does nothing if the payment was settled meanwhile."""
    with transaction.atomic():
        still_mine = Payment.objects.filter(pk=payment.pk, next_poll_at=payment.next_poll_at)
        if still_mine.update(next_poll_at=at) and at is None:
            _give_up(payment)


def _give_up(payment: Payment) -> None:
    """Mark a pending payment for review, or as abandoned if the provider has no record of it."""
    payment.refresh_from_db()
    if fees.is_missing(payment):
        logger.error("the provider never told the fee of payment %s", payment.transaction.reference)
        return
    pending = [Transaction.Status.PENDING]
    if not payment.checkout_url and payment.provider_status == "unknown":
        ledger.change_status(
            payment.transaction, Transaction.Status.ABANDONED, only_from=pending, failure_code="never_sent"
        )
    elif ledger.change_status(payment.transaction, Transaction.Status.REVIEW, only_from=pending):
        Payment.objects.filter(pk=payment.pk).update(review_reason=settlement.UNANSWERED)
        mails.payment_in_review(payment.transaction, arrived_kobo=0)
