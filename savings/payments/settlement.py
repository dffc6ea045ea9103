"""Settling a card payment: the provider is asked, and its answer decides where the money is posted.

Nothing is posted because a browser or an event says so: both only make us ask `paystack.verify`. If the event, the
return page and the poll ask at the same time, the ledger's conditional change of status lets one of them post.
"""

from __future__ import annotations

import hashlib
import logging
from typing import cast

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from savings import ledger, mails, plans
from savings.exceptions import ProviderRefused
from savings.models import Account, Entry, Payment, Plan, Transaction, User
from savings.models.ledger import REFERENCE_PREFIXES
from savings.payments import paystack
from savings.payments.paystack_answers import Charge

logger = logging.getLogger(__name__)

Status = Transaction.Status
# The review reason of a payment without any answer: if money arrives later, it is credited.
UNANSWERED = "no_answer"
# A failed or abandoned payment can still be paid on the provider's page, and then the money counts.
_UNPAID = (Status.PENDING, Status.FAILED, Status.ABANDONED)


def settle_payment(
    reference: str, *, timeout_seconds: float | None = None, payer_left: bool = True
) -> Transaction | None:
    """Ask the provider about a payment, apply the answer, and return the transaction in its new state.

    An exact payment is posted to the plan or the stash, with the receipt's email in the same commit. Any other money
    goes to suspense and review. Returns None, without asking, if no payment of ours has this reference.
    `payer_left` says that the user is no longer about to pay: for the provider a payment counts as abandoned from the
    start. Raises ProviderUnavailable, and ProviderRefused for any refusal but an unknown reference.
    """
    payment = find_payment(reference)
    if payment is None:
        return None
    if not is_open(payment):
        return payment.transaction
    charge = _verify(reference, timeout_seconds)
    with transaction.atomic():
        lock_payer(payment)
        payment = payments().get(pk=payment.pk)
        if is_open(payment):
            _apply(payment, charge, payer_left=payer_left)
    return payment.transaction


def find_payment(reference: str) -> Payment | None:
    """Return the payment with one of our references, with its transaction, or None."""
    return payments().filter(transaction__reference=reference).first()


def payments() -> QuerySet[Payment]:
    """Return all payments, with what settling one of them reads."""
    return Payment.objects.select_related("transaction__user", "transaction__plan__account")


def is_open(payment: Payment) -> bool:
    """Return whether an answer of the provider can still change a payment."""
    status = payment.transaction.status
    return status in _UNPAID or (status == Status.REVIEW and payment.review_reason == UNANSWERED)


def lock_payer(payment: Payment) -> None:
    """Lock the payer's row until the commit: nobody else changes their payments or plans meanwhile."""
    if payment.transaction.user_id is not None:
        User.objects.touch(payment.transaction.user_id)


def update_payment(payment: Payment, **changes: object) -> None:
    """Change columns of a payment, which the payer's pages show."""
    with transaction.atomic():
        lock_payer(payment)
        Payment.objects.filter(pk=payment.pk).update(**changes)
    for name, value in changes.items():
        setattr(payment, name, value)


def _verify(reference: str, timeout_seconds: float | None) -> Charge | None:
    """Return the provider's record of a payment; None if the provider has none."""
    try:
        return paystack.verify(reference, timeout_seconds=timeout_seconds)
    except ProviderRefused as error:
        if error.code != paystack.NOT_FOUND:
            raise
        return None


def _apply(payment: Payment, charge: Charge | None, *, payer_left: bool) -> None:
    """Store the provider's answer, and change the transaction accordingly."""
    update_payment(payment, **_provider_fields(charge))
    unpaid = [Status.PENDING, Status.REVIEW]
    if charge is None:
        return
    if charge.status == "success":
        _book_charge(payment, charge)
    elif charge.status in {"failed", "reversed"}:
        ledger.change_status(payment.transaction, Status.FAILED, only_from=unpaid, failure_code=charge.status)
    elif charge.status == "abandoned" and payer_left:
        ledger.change_status(payment.transaction, Status.ABANDONED, only_from=unpaid, failure_code="left")


def _book_charge(payment: Payment, charge: Charge) -> None:
    """Credit a paid payment if the amount is exact; otherwise put the money into suspense for a review."""
    expected_kobo = payment.transaction.amount_kobo
    arrived_kobo = _arrived_kobo(charge)
    if charge.currency != settings.CURRENCY:
        # Money in another currency cannot be an entry of this ledger: only the review notes it.
        _review(payment, "foreign_currency", arrived_kobo=0)
    elif arrived_kobo != expected_kobo:
        _review(payment, "less" if arrived_kobo < expected_kobo else "more", arrived_kobo=arrived_kobo)
    else:
        _credit(payment)


def _provider_fields(charge: Charge | None) -> dict[str, object]:
    """Return the columns that store the provider's answer. "unknown" means that the provider has no record."""
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


def _credit(payment: Payment) -> None:
    """Post the money to the plan, or to the stash if there is no plan or the plan no longer takes money."""
    movement = payment.transaction
    plan = movement.plan if movement.plan and _takes_money(movement.plan, movement.amount_kobo) else None
    # Every open payment was started by a user.
    account = plan.account if plan else ledger.stash_account(cast("User", movement.user))
    if not ledger.settle(movement, debit=_clearing(), credit=account, only_from=[*_UNPAID, Status.REVIEW]):
        return
    if movement.plan != plan:
        # In lists and totals the money counts as the stash's; the payment remembers the plan it was meant for.
        update_payment(payment, meant_for=movement.plan)
        Transaction.objects.filter(pk=movement.pk).update(plan=None)
        movement.plan = None
    update_payment(payment, next_poll_at=None, review_reason="")
    mails.top_up_received(movement)


def _takes_money(plan: Plan, amount_kobo: int) -> bool:
    """Return whether a started payment may still go into a plan; a plan that rolls over continues to take money.

    Several payments may have been started while the plan had room for each of them.
    """
    is_over = plan.is_matured(timezone.localdate()) and plan.at_maturity == Plan.AtMaturity.STASH
    return not plan.is_closed and not is_over and plans.has_room(plan, amount_kobo)


def _review(payment: Payment, reason: str, *, arrived_kobo: int) -> None:
    """Leave a payment to staff, with the money that arrived (kobo) in suspense."""
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
    """Return the amount (kobo) that arrived for us: without the fee, if the payer paid the fee on top."""
    fee_on_top = charge.requested_kobo <= charge.amount_kobo <= charge.requested_kobo + (charge.fee_kobo or 0)
    return charge.requested_kobo if fee_on_top else charge.amount_kobo


def reference_in_suspense(foreign_reference: str) -> str:
    """Return our reference for suspense money that earlier releases booked under a reference of the provider."""
    digest = hashlib.sha256(f"{paystack.PROVIDER}:{foreign_reference}".encode()).hexdigest()
    return REFERENCE_PREFIXES[Transaction.Kind.ADJUSTMENT] + digest[:17].upper()


def _clearing() -> Account:
    return ledger.house_account(Account.Kind.CLEARING, paystack.PROVIDER)
