"""Money that the provider says has arrived: into the plan or stash it was meant for, or into suspense."""

from __future__ import annotations

import hashlib
import logging
from typing import cast

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from savings import ledger, mails, plans
from savings.models import Account, Entry, Payment, Plan, Transaction, User
from savings.models.ledger import REFERENCE_PREFIXES
from savings.payments import paystack
from savings.payments.paystack_answers import Charge

logger = logging.getLogger(__name__)

Status = Transaction.Status
# The review of a payment of which no money has been seen: it is credited if it comes after all.
UNANSWERED = "no_answer"
# A payment that failed or was left can still be paid on the provider's page, and then the money counts.
_UNPAID = (Status.PENDING, Status.FAILED, Status.ABANDONED)


def is_open(payment: Payment) -> bool:
    """Tell whether what the provider says can still change a payment."""
    status = payment.transaction.status
    return status in _UNPAID or (status == Status.REVIEW and payment.review_reason == UNANSWERED)


def book_charge(payment: Payment, charge: Charge) -> None:
    """Credit an open payment that was paid, where the money is what was asked for; else keep it for a review."""
    asked_kobo = payment.transaction.amount_kobo
    arrived_kobo = _arrived_kobo(charge)
    if charge.currency != settings.CURRENCY:
        # Foreign money cannot be an entry in a ledger of one currency: there is the review alone.
        _review(payment, "foreign_currency", arrived_kobo=0)
    elif arrived_kobo != asked_kobo:
        _review(payment, "less" if arrived_kobo < asked_kobo else "more", arrived_kobo=arrived_kobo)
    else:
        _credit(payment)


def provider_fields(charge: Charge | None) -> dict[str, object]:
    """Return the provider's side of a payment as it is stored. "unknown" is our word for its having no record."""
    if charge is None:
        return {"provider_status": "unknown"}
    return {
        "provider_status": charge.status[:20],
        "provider_message": charge.message[:200],
        "paid_kobo": charge.amount_kobo if charge.status == "success" else None,
        "fee_kobo": charge.fee_kobo,
        "currency": charge.currency[:3],
        "channel": charge.channel[:20],
        "card": charge.card[:30],
    }


def lock_payment(payment: Payment) -> None:
    """Take the row of the person who pays until the commit: until then nobody else changes their payments or plans."""
    if payment.transaction.user_id is not None:
        User.objects.touch(payment.transaction.user_id)


def update_payment(payment: Payment, **changes: object) -> None:
    """Change the provider's side of a payment, which the person's pages show."""
    with transaction.atomic():
        lock_payment(payment)
        Payment.objects.filter(pk=payment.pk).update(**changes)
    for name, value in changes.items():
        setattr(payment, name, value)


def _credit(payment: Payment) -> None:
    """Post the money to the plan, or to the stash where there is no plan or it takes none any more."""
    movement = payment.transaction
    plan = movement.plan if movement.plan and _takes_money(movement.plan, movement.amount_kobo) else None
    # Only a payment that somebody started is ever open.
    account = plan.account if plan else ledger.stash_account(cast("User", movement.user))
    if not ledger.settle(movement, debit=_clearing(), credit=account, only_from=[*_UNPAID, Status.REVIEW]):
        return
    if movement.plan != plan:
        # Lists and sums see what it came to be, money in the stash; the payment keeps what it was to be.
        update_payment(payment, meant_for=movement.plan)
        Transaction.objects.filter(pk=movement.pk).update(plan=None)
        movement.plan = None
    update_payment(payment, next_poll_at=None, review_reason="")
    mails.top_up_received(movement)


def _takes_money(plan: Plan, amount_kobo: int) -> bool:
    """Tell whether a payment that was under way may still go in; a plan that rolls over goes on taking money.

    Several payments may have been started while there was room for each.
    """
    is_over = plan.is_matured(timezone.localdate()) and plan.at_maturity == Plan.AtMaturity.STASH
    return not plan.is_closed and not is_over and plans.has_room(plan, amount_kobo)


def _review(payment: Payment, reason: str, *, arrived_kobo: int) -> None:
    """Leave a payment to a person, with what arrived (kobo) in suspense."""
    movement = payment.transaction
    if not ledger.change_status(movement, Status.REVIEW, only_from=[*_UNPAID, Status.REVIEW]):
        return
    if arrived_kobo:
        ledger.post(
            movement,
            Entry.Code.SUSPENSE,
            debit=_clearing(),
            credit=ledger.house_account(Account.Kind.SUSPENSE),
            amount_kobo=arrived_kobo,
        )
    update_payment(payment, review_reason=reason, next_poll_at=None)
    logger.error("payment %s needs a review: %s", movement.reference, reason)


def _arrived_kobo(charge: Charge) -> int:
    """Return what arrived for us: the sum asked for where the payer bore the fee on top of it, else all of it."""
    fee_on_top = charge.requested_kobo <= charge.amount_kobo <= charge.requested_kobo + (charge.fee_kobo or 0)
    return charge.requested_kobo if fee_on_top else charge.amount_kobo


def reference_in_suspense(foreign_reference: str) -> str:
    """Return our reference for money in suspense that earlier versions took in under a reference of the provider's."""
    digest = hashlib.sha256(f"{paystack.PROVIDER}:{foreign_reference}".encode()).hexdigest()
    return REFERENCE_PREFIXES[Transaction.Kind.ADJUSTMENT] + digest[:17].upper()


def _clearing() -> Account:
    return ledger.house_account(Account.Kind.CLEARING, paystack.PROVIDER)
