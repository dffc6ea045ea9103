"""Asks the provider what happened after a backup was made, and books it, before the site starts again.

Safe to repeat: each payment and withdrawal has its reference, and is booked once.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import logging

from django.db.models import Max
from django.utils import timezone

from savings.exceptions import CallFailed, ProviderRefused, UnclearAnswer
from savings.models import Refund, Transaction, WebhookEvent
from savings.payments import lost_payments, lost_payouts, polling, provider_money, refunds, settlement
from savings.payments.lost_payouts import Unbookable
from savings.payments.money_answers import RefundAnswer
from savings.payments.paystack_answers import Announced
from savings.payments.rows import find_at_provider
from savings.payments.transfers import Transfer

logger = logging.getLogger(__name__)

# A checkout page that was opened so long before the backup may have been paid after it.
_LOOKS_BACK = datetime.timedelta(days=3)


@dataclasses.dataclass
class Recovered:
    """What was done. Each number is of rows that this call has changed or opened."""

    payments: int = 0
    in_suspense: int = 0
    payouts: int = 0
    refunds: int = 0
    # What only staff can decide.
    unbooked: list[Unbookable] = dataclasses.field(default_factory=list)
    # References about which the provider gave no clear answer. The worker asks again.
    unclear: list[str] = dataclasses.field(default_factory=list)


def last_known_moment() -> datetime.datetime:
    """Return when the newest transaction here was opened: nothing is lost before; now if there is none."""
    newest = Transaction.objects.aggregate(at=Max("created_on"))["at"]
    return newest or timezone.now()


def recover_lost(since: datetime.datetime) -> Recovered:
    """Book what happened at the provider since a moment and is not booked here. No worker may run meanwhile.

    Payments come first: a withdrawal may have used their money. Raises ProviderUnavailable and ProviderRefused if the
    provider does not list what it has; nothing may be sent then.
    """
    done = Recovered()
    _protect_refunds()
    since -= _LOOKS_BACK
    for found in reversed(list(provider_money.list_payments_since(since))):
        _recover_payment(found, done)
    while polling.poll_due_payments(timezone.now()):
        pass
    for transfer in provider_money.list_transfers_since(since):
        _recover_transfer(transfer, done)
    for refund in reversed(list(provider_money.list_refunds_since(since))):
        done.refunds += _leave_to_staff(refund)
    return done


def _recover_payment(found: Announced, done: Recovered) -> None:
    reference = found.charge.reference
    payment = find_at_provider(found.charge.provider_id, reference)
    try:
        if payment is None:
            payment = lost_payments.book(found)
            if payment is not None:
                done.in_suspense += payment.transaction.user_id is None
                done.payments += payment.transaction.user_id is not None
        elif found.charge.status == "success" and settlement.is_open(payment):
            settlement.settle_payment(reference)
            done.payments += 1
    except (CallFailed, UnclearAnswer, ProviderRefused) as error:
        logger.warning("payment %s has no clear answer: %s", reference, error)
        done.unclear.append(reference)


def _recover_transfer(transfer: Transfer, done: Recovered) -> None:
    try:
        done.payouts += lost_payouts.book(transfer)
    except Unbookable as error:
        logger.error("transfer %s is lost here and cannot be booked: %s", transfer.reference, error.why)
        done.unbooked.append(error)
    except (CallFailed, UnclearAnswer, ProviderRefused) as error:
        logger.warning("transfer %s has no clear answer: %s", transfer.reference, error)
        done.unclear.append(transfer.reference)


def _protect_refunds() -> None:
    """Let the worker look for each refund at the provider before it sends it: the lost history may have sent it."""
    unsent = Refund.objects.filter(
        transaction__status=Transaction.Status.PENDING, provider_id=None, sent_at=None
    )
    unsent.update(sent_at=timezone.now())


def _leave_to_staff(answer: RefundAnswer) -> bool:
    """Store the event of a refund that was made and is unknown here, and return whether this call did.

    It is what the provider sent to the lost history. The worker leaves it to staff, who book it on the provider's word.
    The event of a refund that is not made yet is still to come.
    """
    payment = find_at_provider(answer.payment_id, answer.payment_reference)
    is_lost = answer.status == "processed" and not answer.is_of_dispute and refunds.find_ours(answer) is None
    if payment is None or not is_lost:
        return False
    reference = payment.provider_reference
    told = {"id": answer.id, "status": answer.status, "transaction_reference": reference}
    _, is_new = WebhookEvent.objects.get_or_create(
        key=f"lost:refund:{answer.id}",
        defaults={
            "event": "refund.processed",
            "reference": reference,
            "body": json.dumps({"event": "refund.processed", "data": told}),
        },
    )
    return is_new
