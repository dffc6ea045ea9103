"""Asking the provider about payments of which it has told us nothing: it has no event for a failure."""

from __future__ import annotations

import datetime
import logging

from django.db import transaction

from savings import arrivals, ledger, payments, traces
from savings.exceptions import ProviderRefused, ProviderUnavailable
from savings.models import Payment, Transaction

logger = logging.getLogger(__name__)

# How old a payment is each time it is asked about; after the last time it is given up.
AFTER = [
    payments.FIRST_POLL_AFTER,
    datetime.timedelta(minutes=30),
    datetime.timedelta(hours=1),
    datetime.timedelta(hours=3),
    datetime.timedelta(hours=24),
]
# A provider that does not answer is asked again for this long.
_GIVE_UP_AFTER = datetime.timedelta(hours=72)
_LEASE = datetime.timedelta(minutes=5)
_AFTER_AN_OUTAGE = datetime.timedelta(minutes=15)
_MOST_AT_ONCE = 100


def poll_due(now: datetime.datetime) -> int:
    """Ask about each payment whose time has come, and return about how many the provider answered.

    Safe to run twice at once: each payment is claimed by a conditional update. Stops at the first failure of the
    provider, since each further call would wait for its timeout; what is left is still due at the next run.
    """
    due = Payment.objects.select_related("transaction").filter(next_poll_at__lte=now)
    answered = 0
    for payment in due.order_by("next_poll_at")[:_MOST_AT_ONCE]:
        if not _claim(payment, now):
            continue
        age = now - payment.transaction.created_on
        try:
            with traces.follower.following("poll_payment", ""):
                payments.settle(payment.transaction.reference, is_left=age >= AFTER[-1])
        except (ProviderUnavailable, ProviderRefused) as error:
            logger.warning("payment %s could not be asked about: %s", payment.transaction.reference, error)
            _ask_again(payment, None if age >= _GIVE_UP_AFTER else now + _AFTER_AN_OUTAGE)
            break
        answered += 1
        Payment.objects.filter(pk=payment.pk).update(polls=payment.polls + 1)
        _ask_again(
            payment,
            next((payment.transaction.created_on + after for after in AFTER if after > age), None),
        )
    return answered


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
        ledger.move(
            payment.transaction, Transaction.Status.ABANDONED, only_from=pending, failure_code="never_sent"
        )
    elif ledger.move(payment.transaction, Transaction.Status.REVIEW, only_from=pending):
        Payment.objects.filter(pk=payment.pk).update(review_reason=arrivals.UNANSWERED)
