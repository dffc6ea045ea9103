"""Asking the provider about payments of which it has told us nothing: it has no event for a failure."""

from __future__ import annotations

import datetime
import logging

from django.db import transaction
from django.db.models import F

from savings import ledger, outbox, tracing
from savings.models import Payment, Transaction
from savings.payments import checkout, settlement
from savings.payments.provider_watch import Watch

logger = logging.getLogger(__name__)

# How old a payment is each time it is asked about; after the last time it is given up.
AFTER = [
    checkout.FIRST_POLL_AFTER,
    datetime.timedelta(minutes=30),
    datetime.timedelta(hours=1),
    datetime.timedelta(hours=3),
    datetime.timedelta(hours=24),
]
# A payment without a usable answer is asked about again for this long.
_GIVE_UP_AFTER = datetime.timedelta(hours=72)
_LEASE = datetime.timedelta(minutes=5)
_AFTER_AN_OUTAGE = datetime.timedelta(minutes=15)
_MOST_AT_ONCE = 100
_TASK = "poll_payment"


def poll_due_payments(now: datetime.datetime) -> int:
    """Ask about each payment whose time has come, and return about how many the provider answered.

    Safe to run twice at once: each payment is claimed by a conditional update. A payment without a usable answer is
    put off with its reason, for longer each time, and the run goes on. It stops only where the provider or the
    database is away; what is left is still due at the next run.
    """
    open_payments = Payment.objects.filter(next_poll_at__isnull=False)
    outbox.clear_other_postponements(_TASK, open_payments)
    due = open_payments.filter(next_poll_at__lte=now).order_by("next_poll_at", "pk")
    watch = Watch()
    answered = 0
    for payment_id in list(due.values_list("pk", flat=True)[:_MOST_AT_ONCE]):
        if not watch.has_time():
            break
        try:
            answered += _poll(payment_id, now)
        except Exception as error:
            is_away = watch.is_away(error)
            if not _postpone(payment_id, now, error, is_away=is_away) or is_away:
                break
        else:
            watch.worked()
    return answered


def _poll(payment_id: int, now: datetime.datetime) -> bool:
    """Ask about one payment, and return whether this run did; False where another one is at it."""
    payment = Payment.objects.select_related("transaction").get(pk=payment_id)
    # It may have been settled, or another run may have claimed it, since it was found due.
    is_due = payment.next_poll_at is not None and payment.next_poll_at <= now
    if not is_due or not _claim(payment, now):
        return False
    age = now - payment.transaction.created_on
    with tracing.follower.following("poll_payment", ""):
        settlement.settle_payment(payment.transaction.reference, payer_left=age >= AFTER[-1])
    Payment.objects.filter(pk=payment.pk).update(polls=F("polls") + 1)
    outbox.clear_postponement(_TASK, payment.pk)
    asks = (payment.transaction.created_on + after for after in AFTER if after > age)
    _ask_again(payment, next(asks, None))
    return True


def _postpone(payment_id: int, now: datetime.datetime, error: Exception, *, is_away: bool) -> bool:
    """Ask again later about a payment whose call failed, or give it up; False where the database is away.

    An outage of the provider says nothing about the payment, so it does not count among its failures.
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
        is_over = now - payment.transaction.created_on >= _GIVE_UP_AFTER
        _ask_again(payment, None if is_over else retry_at)
        if is_over:
            outbox.clear_postponement(_TASK, payment_id)
    except Exception:
        # The lease that the payment was claimed with puts it off as well.
        logger.exception("payment %s could not be put off", payment_id)
    return True


def _claim(payment: Payment, now: datetime.datetime) -> bool:
    """Take a payment until the lease ends; a worker that dies is overtaken then."""
    mine = Payment.objects.filter(pk=payment.pk, next_poll_at=payment.next_poll_at)
    payment.next_poll_at = now + _LEASE
    return bool(mine.update(next_poll_at=payment.next_poll_at))


def _ask_again(payment: Payment, at: datetime.datetime | None) -> None:
    """Note when to ask next, or give up; unless the payment was settled meanwhile, which emptied the time."""
    with transaction.atomic():
        still_mine = Payment.objects.filter(pk=payment.pk, next_poll_at=payment.next_poll_at)
        if still_mine.update(next_poll_at=at) and at is None:
            _give_up(payment)


def _give_up(payment: Payment) -> None:
    """Leave a payment that is still pending to a person; one that the provider never heard of is over."""
    payment.refresh_from_db()
    pending = [Transaction.Status.PENDING]
    if not payment.checkout_url and payment.provider_status == "unknown":
        ledger.change_status(
            payment.transaction, Transaction.Status.ABANDONED, only_from=pending, failure_code="never_sent"
        )
    elif ledger.change_status(payment.transaction, Transaction.Status.REVIEW, only_from=pending):
        Payment.objects.filter(pk=payment.pk).update(review_reason=settlement.UNANSWERED)
