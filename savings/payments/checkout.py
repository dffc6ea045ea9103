"""Starting a card payment: a pending transaction here, and a page at the provider on which to pay it."""

from __future__ import annotations

import datetime
import logging
import time

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from savings import ledger, plans
from savings.exceptions import BadAmount, ProviderRefused, ProviderUnavailable, Refused
from savings.models import Payment, Plan, Transaction, User
from savings.payments import messages, paystack
from savings.payments.rows import origin_of, payments, update_payment

logger = logging.getLogger(__name__)

Status = Transaction.Status
FIRST_POLL_AFTER = datetime.timedelta(minutes=10)
LONGEST_DEVICE = 200
# How long the second of two identical requests waits for the checkout page that the first one gets.
TWIN_SECONDS = 3


def start_payment(
    user: User,
    *,
    plan: Plan | None,
    amount_kobo: int,
    reference: str,
    mandate: str = "",
    mandate_device: str = "",
) -> Payment:
    """Start a card payment into a plan, or into the stash if `plan` is None, and return it.

    The same reference again returns the same payment. `checkout_url` is the page on which to pay. It is empty while
    the provider cannot be reached (the transaction is pending; call `send_to_provider` again) and after the provider
    refused (the transaction has failed). `mandate` is the text to which a payer agreed who wants the card saved, and
    `mandate_device` where they did. Raises Refused, with the form field, for an amount outside the limits, a plan that
    takes no money, and a frozen user.
    """
    check_limits(amount_kobo)
    kind = Transaction.Kind.TOP_UP if plan else Transaction.Kind.STASH_DEPOSIT
    with transaction.atomic():
        movement, opened = ledger.open_transaction(
            reference=reference, kind=kind, user=user, plan=plan, amount_kobo=amount_kobo
        )
        if opened:
            ledger.check_not_frozen(user.pk)
            if plan is not None:
                plans.check_can_receive(plans.lock_plan(plan), amount_kobo)
            Payment.objects.create(
                transaction=movement,
                next_poll_at=movement.created_on + FIRST_POLL_AFTER,
                mandate=mandate,
                mandate_device=mandate_device[:LONGEST_DEVICE] if mandate else "",
            )
    # The reference is committed before the provider hears of it, so its events find the payment.
    payment = payments().get(transaction=movement)
    if not payment.checkout_url and payment.transaction.status == Status.PENDING:
        send_to_provider(payment)
    return payment


def send_to_provider(payment: Payment) -> bool:
    """Announce a payment to the provider, and return whether it has a checkout page now.

    Safe to repeat: the reference stays the same, and the provider accepts it once. Only pending payments are
    announced, and a charge to a saved card never is: it needs no page. Raises Refused for a frozen user.
    """
    payment.refresh_from_db()
    movement = payment.transaction
    if payment.saved_card_id or payment.checkout_url or movement.status != Status.PENDING:
        return bool(payment.checkout_url) and movement.status == Status.PENDING
    if movement.user and (why_not := ledger.why_frozen(movement.user.frozen)):
        raise Refused(why_not)
    try:
        checkout = paystack.initialize(
            reference=movement.reference,
            amount_kobo=movement.amount_kobo,
            email=movement.user.email if movement.user else "",
            callback_url=f"{settings.SITE_URL}/payments/return/{movement.reference}/",
            origin=origin_of(payment),
        )
    except ProviderUnavailable as error:
        logger.warning("payment %s could not be announced: %s", movement.reference, error)
        return False
    except ProviderRefused as error:
        return _refused_at_start(payment, error)
    update_payment(payment, checkout_url=checkout.url, sent_at=timezone.now())
    return True


def check_limits(amount_kobo: int) -> None:
    """Raise BadAmount for an amount (kobo) that is too small or too large for one payment."""
    if amount_kobo < settings.TOP_UP_MIN_KOBO:
        raise BadAmount(messages.top_up_too_small(settings.TOP_UP_MIN_KOBO))
    if amount_kobo > settings.TOP_UP_MAX_KOBO:
        raise BadAmount(messages.top_up_too_large(settings.TOP_UP_MAX_KOBO))


def _refused_at_start(payment: Payment, error: ProviderRefused) -> bool:
    """Fail a payment that the provider refused; return True if another request has announced it meanwhile."""
    if error.code == paystack.DUPLICATE_REFERENCE:
        if _announced_by_a_twin(payment):
            return True
        # An earlier request announced the payment and its answer got lost. Nobody has the page, so nobody has paid.
        to, failure_code = Status.ABANDONED, "page_lost"
    else:
        to, failure_code = Status.FAILED, "refused"
        logger.error("the provider refused payment %s: %s", payment.transaction.reference, error)
    ledger.change_status(payment.transaction, to, only_from=[Status.PENDING], failure_code=failure_code)
    update_payment(payment, provider_message=str(error)[:200])
    return False


def _announced_by_a_twin(payment: Payment) -> bool:
    """Wait for the checkout page that an identical request, sent a moment earlier, is about to store."""
    until = time.monotonic() + TWIN_SECONDS
    while True:
        payment.refresh_from_db()
        if payment.checkout_url:
            return True
        if time.monotonic() >= until:
            return False
        time.sleep(0.1)
