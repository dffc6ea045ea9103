"""Settling a card payment: the provider is asked, and its answer decides where the money is posted.

Nothing is posted because a browser or an event says so: both only make us ask `paystack.verify`. If the event, the
return page and the poll ask at the same time, the ledger's conditional change of status lets one of them post.
"""

from __future__ import annotations

import datetime
import logging
from typing import Any, cast

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from savings import ledger, mails, plans
from savings.exceptions import ProviderRefused
from savings.models import Account, Entry, Payment, Plan, Transaction, User
from savings.models.constraints import is_violation_of
from savings.payments import card_failures, cards, fees, paystack
from savings.payments.paystack_answers import Charge
from savings.payments.rows import find_payment, lock_payer, payments, update_payment

logger = logging.getLogger(__name__)

Status = Transaction.Status
# How long the owner of a saved card can approve a charge on the provider's page.
APPROVE_WITHIN = datetime.timedelta(hours=24)
# The review reason of a payment without any answer: if money arrives later, it is credited.
UNANSWERED = "no_answer"
# The review reason of a payment that the provider answered for another reference too: its money came once.
_SAME_PAYMENT = "same_payment"
# The review reason of a payment whose payer's account was closed before it arrived.
_CLOSED = "closed"
# A failed or abandoned payment can still be paid on the provider's page, and then the money counts.
_UNPAID = (Status.PENDING, Status.FAILED, Status.ABANDONED)


def settle_payment(
    reference: str, *, timeout_seconds: float | None = None, payer_left: bool = True
) -> Transaction | None:
    """Ask the provider about a payment, apply the answer, and return the transaction in its new state.

    An exact payment is posted to the plan or the stash, with the provider's fee and the receipt's email in the same
    commit. Any other money goes to suspense and review. A fee that was not known then is posted now, if the provider
    tells it. Returns None, without asking, if no payment of ours has this reference.
    `payer_left` says that the user is no longer about to pay: for the provider a payment counts as abandoned from the
    start. Raises ProviderUnavailable, and ProviderRefused for any refusal but an unknown reference.
    """
    payment = find_payment(reference)
    if payment is None:
        return None
    if not is_open(payment) and not fees.is_missing(payment):
        return payment.transaction
    charge = _verify(reference, timeout_seconds)
    return apply_answer(payment, charge, payer_left=payer_left)


def apply_answer(payment: Payment, charge: Charge | None, *, payer_left: bool) -> Transaction:
    """Apply the provider's answer to a payment (None: no record of it), once, and return its transaction."""
    with transaction.atomic():
        lock_payer(payment)
        payment = payments().get(pk=payment.pk)
        if is_open(payment):
            _apply(payment, charge, payer_left=payer_left)
    if charge is not None and charge.fee_kobo is not None and fees.is_missing(payment):
        fees.post_late_fee(payment.transaction.reference, fee_kobo=charge.fee_kobo)
    return payment.transaction


def is_open(payment: Payment) -> bool:
    """Return whether an answer of the provider can still change a payment."""
    status = payment.transaction.status
    return status in _UNPAID or (status == Status.REVIEW and payment.review_reason == UNANSWERED)


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
    is_known = _store_answer(payment, charge)
    unpaid = [Status.PENDING, Status.REVIEW]
    if charge is None:
        return
    if charge.status == "success" and not is_known:
        review(payment, _SAME_PAYMENT, arrived_kobo=0)
    elif charge.status == "success":
        _book_charge(payment, charge)
    elif charge.status in {"failed", "reversed"}:
        _fail(payment, charge, only_from=unpaid)
    elif charge.status == "abandoned" and payer_left and not _may_be_approved(payment):
        code = "not_approved" if payment.saved_card_id else "left"
        ledger.change_status(payment.transaction, Status.ABANDONED, only_from=unpaid, failure_code=code)


def _may_be_approved(payment: Payment) -> bool:
    """Return whether the owner of a saved card may still approve its charge, wherever they are now."""
    age = timezone.now() - payment.transaction.created_on
    return payment.saved_card_id is not None and age < APPROVE_WITHIN


def _fail(payment: Payment, charge: Charge, *, only_from: list[Status]) -> None:
    """Fail a payment, with the reason where a saved card was charged, which then may be of no use any more."""
    card_id, code = payment.saved_card_id, charge.status
    if card_id is not None and code == "failed":
        code = card_failures.code_of(charge.message)
    is_now = ledger.change_status(payment.transaction, Status.FAILED, only_from=only_from, failure_code=code)
    if is_now and card_id is not None:
        cards.note_failure(card_id, code)


def _store_answer(payment: Payment, charge: Charge | None) -> bool:
    """Store the provider's answer; return False, and no provider's id, if another payment has that id already."""
    fields = provider_fields(charge)
    if payment.saved_card_id is not None and not fields.get("card"):
        # The provider may not name the card of a charge that failed.
        fields.pop("card", None)
    try:
        with transaction.atomic():
            update_payment(payment, **fields)
    except IntegrityError as error:
        if not is_violation_of(error, "payment_once_per_provider_id"):
            raise
        update_payment(payment, **fields | {"provider_id": None})
        return False
    return True


def _book_charge(payment: Payment, charge: Charge) -> None:
    """Credit a paid payment if the amount is exact; otherwise put the money into suspense for a review.

    So is money for an account that was closed for good, which nobody could withdraw.
    """
    user = payment.transaction.user
    _leave_run_of_another(payment.transaction)
    if charge.currency != settings.CURRENCY:
        # Money in another currency cannot be an entry of this ledger: only the review notes it.
        review(payment, "foreign_currency", arrived_kobo=0)
    elif reason := fees.review_reason(charge, payment.transaction.amount_kobo):
        review(payment, reason, arrived_kobo=charge.amount_kobo)
    elif user is not None and user.closed_at is not None:
        review(payment, _CLOSED, arrived_kobo=charge.amount_kobo)
    else:
        _credit(payment)
        cards.save_card(payment, charge)


def _leave_run_of_another(movement: Transaction) -> None:
    """Make a try of an auto-save an ordinary payment if another try saved for that date: its money still counts.

    The provider said first that this one had failed.
    """
    run_id = movement.autosave_run_id
    if run_id is None:
        return
    ended = [Status.FAILED, Status.ABANDONED]
    others = Transaction.objects.filter(autosave_run=run_id).exclude(pk=movement.pk).exclude(status__in=ended)
    if others.exists():
        Transaction.objects.filter(pk=movement.pk).update(autosave_run=None)
        movement.autosave_run = None
        logger.error("payment %s succeeded after it had failed and another was made", movement.reference)


def provider_fields(charge: Charge | None) -> dict[str, Any]:
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
        "card_country": charge.card_country,
        "provider_id": charge.provider_id,
        "paid_at": charge.paid_at,
    }


def _credit(payment: Payment) -> None:
    """Post the money to the plan, or to the stash if there is none, it takes no more money, or the saver is frozen."""
    movement = payment.transaction
    # `payments()` read them under the lock of the payer. Money that arrives for a frozen saver stays in the stash.
    is_frozen = movement.user is not None and bool(ledger.why_frozen(movement.user.frozen))
    takes_money = movement.plan and not is_frozen and _takes_money(movement.plan, movement.amount_kobo)
    plan = movement.plan if takes_money else None
    # Every open payment was started by a user.
    account = plan.account if plan else ledger.stash_account(cast("User", movement.user))
    settled = ledger.settle(
        movement,
        debit=fees.clearing(),
        credit=account,
        only_from=[*_UNPAID, Status.REVIEW],
        value_on=_value_day(payment, plan),
        also=fees.costs(payment, booked_kobo=movement.amount_kobo),
    )
    if not settled:
        return
    if plan is not None:
        plans.record_goal(plan, movement.amount_kobo)
    if movement.plan != plan:
        # In lists and totals the money counts as the stash's; the payment remembers the plan it was meant for.
        update_payment(payment, meant_for=movement.plan)
        Transaction.objects.filter(pk=movement.pk).update(plan=None)
        movement.plan = None
    update_payment(payment, next_poll_at=_asks_about_fee_at(payment), review_reason="")
    mails.top_up_received(movement)


def _takes_money(plan: Plan, amount_kobo: int) -> bool:
    """Return whether a started payment may still go into a plan; a plan that rolls over continues to take money.

    Several payments may have been started while the plan had room for each of them.
    """
    is_over = plan.is_matured(timezone.localdate()) and plan.at_maturity == Plan.AtMaturity.STASH
    return not plan.is_closed and not is_over and plans.has_room(plan, amount_kobo)


def review(payment: Payment, reason: str, *, arrived_kobo: int) -> None:
    """Leave a payment to staff, with the money that arrived (kobo) in suspense, and tell its saver by email."""
    movement = payment.transaction
    if not ledger.change_status(movement, Status.REVIEW, only_from=[*_UNPAID, Status.REVIEW]):
        return
    if arrived_kobo:
        ledger.post(
            movement,
            Entry.Code.SUSPENSE,
            debit=fees.clearing(),
            credit=ledger.house_account(Account.Kind.SUSPENSE),
            amount_kobo=arrived_kobo,
            value_on=_value_day(payment, None),
            also=fees.costs(payment, booked_kobo=arrived_kobo),
        )
    asks_at = _asks_about_fee_at(payment) if arrived_kobo else None
    update_payment(payment, review_reason=reason, next_poll_at=asks_at)
    mails.payment_in_review(movement, arrived_kobo=arrived_kobo)
    logger.error("payment %s needs a review: %s", movement.reference, reason)


def _value_day(payment: Payment, plan: Plan | None) -> datetime.date:
    """Return the day from which the money of a payment earns; today if the provider does not say when it was paid."""
    return ledger.provider_value_day(timezone.localdate(payment.paid_at), plan)


def _asks_about_fee_at(payment: Payment) -> datetime.datetime | None:
    """Return when to ask the provider about the fee of a booked payment; None if it is known."""
    return timezone.now() + fees.FIRST_ASK_AFTER if fees.is_missing(payment) else None
