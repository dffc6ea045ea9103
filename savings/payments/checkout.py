"""Card payments: started here, paid at the provider, settled from what the provider says when asked.

Nothing is posted on the word of a browser or of an event: both only make us ask `gateway.verify`. Where the event,
the return page and the poll meet, the ledger's conditional move lets one of them post.
"""

from __future__ import annotations

import datetime
import logging
import time

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from savings import ledger, money, plans
from savings.exceptions import BadAmount, ProviderRefused, ProviderUnavailable
from savings.models import Payment, Plan, Transaction, User
from savings.payments import paystack, settlement
from savings.payments.paystack_answers import Charge

logger = logging.getLogger(__name__)

Status = Transaction.Status
FIRST_POLL_AFTER = datetime.timedelta(minutes=10)
# How long a form sent twice at once waits for what its twin got from the provider.
TWIN_SECONDS = 3


def start_payment(user: User, *, plan: Plan | None, amount_kobo: int, reference: str) -> Payment:
    """Start a card payment into a plan, or into the stash where `plan` is None, and return it.

    The same reference again returns the same payment. Its `checkout_url` is where to pay; it is empty while the
    provider cannot be reached (the transaction is pending, and `send` may be tried again) or when it said no (the
    transaction has failed). Raises Refused, with the field, for a sum outside the limits or a plan that takes none.
    """
    _check_limits(amount_kobo)
    kind = Transaction.Kind.TOP_UP if plan else Transaction.Kind.STASH_DEPOSIT
    with transaction.atomic():
        movement, opened = ledger.open_transaction(
            reference=reference, kind=kind, user=user, plan=plan, amount_kobo=amount_kobo
        )
        if opened:
            if plan is not None:
                plans.check_can_receive(plans.lock_plan(plan), amount_kobo)
            Payment.objects.create(transaction=movement, next_poll_at=movement.created_on + FIRST_POLL_AFTER)
    # Committed by now, so that whatever the provider does with the reference finds it here.
    payment = _known().get(transaction=movement)
    if not payment.checkout_url and payment.transaction.status == Status.PENDING:
        send_to_provider(payment)
    return payment


def send_to_provider(payment: Payment) -> bool:
    """Announce a payment to the provider, and return whether there is a page to pay on now.

    Safe to call again: the reference stays the same, and the provider takes it only once. A payment that is no longer
    pending is not announced any more.
    """
    payment.refresh_from_db()
    movement = payment.transaction
    if payment.checkout_url or movement.status != Status.PENDING:
        return bool(payment.checkout_url) and movement.status == Status.PENDING
    try:
        checkout = paystack.initialize(
            reference=movement.reference,
            amount_kobo=movement.amount_kobo,
            email=movement.user.email if movement.user else "",
            callback_url=f"{settings.SITE_URL}/payments/return/{movement.reference}/",
        )
    except ProviderUnavailable as error:
        logger.warning("payment %s could not be announced: %s", movement.reference, error)
        return False
    except ProviderRefused as error:
        return _refused_at_start(payment, error)
    settlement.update_payment(payment, checkout_url=checkout.url, sent_at=timezone.now())
    return True


def settle_payment(
    reference: str, *, timeout_seconds: float | None = None, is_left: bool = True
) -> Transaction | None:
    """Ask the provider about a payment, do what the answer says, and return the transaction as it is then.

    Money that fits what was asked for goes to the plan or the stash, with the receipt's e-mail in the same commit.
    Other money goes to suspense and review. None: no payment of ours has this reference, and nobody was asked.
    `is_left` says that the person is no longer about to pay: at the provider a payment counts as abandoned from its
    first moment. Raises ProviderUnavailable, and ProviderRefused unless it is for an unknown reference.
    """
    payment = find_payment(reference)
    if payment is None:
        return None
    if not settlement.is_open(payment):
        return payment.transaction
    charge = _ask(reference, timeout_seconds)
    with transaction.atomic():
        settlement.lock_payment(payment)
        payment = _known().get(pk=payment.pk)
        if settlement.is_open(payment):
            _apply(payment, charge, is_left=is_left)
    return payment.transaction


def find_payment(reference: str) -> Payment | None:
    """Return the payment of one of our references, with its transaction, or None."""
    return _known().filter(transaction__reference=reference).first()


def _known() -> QuerySet[Payment]:
    return Payment.objects.select_related("transaction__user", "transaction__plan__account")


def _check_limits(amount_kobo: int) -> None:
    if amount_kobo < settings.TOP_UP_MIN_KOBO:
        raise BadAmount(f"The least you can pay in is {money.naira(settings.TOP_UP_MIN_KOBO)}.")
    if amount_kobo > settings.TOP_UP_MAX_KOBO:
        raise BadAmount(f"The most you can pay in at once is {money.naira(settings.TOP_UP_MAX_KOBO)}.")


def _refused_at_start(payment: Payment, error: ProviderRefused) -> bool:
    """Give up a payment that the provider would not take, unless it has taken it from somebody else."""
    if error.code == paystack.DUPLICATE_REFERENCE:
        if _announced_by_a_twin(payment):
            return True
        # It was announced before and the answer got lost. Nobody has the page, so nobody can have paid.
        to, failure_code = Status.ABANDONED, "page_lost"
    else:
        to, failure_code = Status.FAILED, "refused"
        logger.error("the provider refused payment %s: %s", payment.transaction.reference, error)
    ledger.change_status(payment.transaction, to, only_from=[Status.PENDING], failure_code=failure_code)
    settlement.update_payment(payment, provider_message=str(error)[:200])
    return False


def _announced_by_a_twin(payment: Payment) -> bool:
    """Wait for the page that the same form, sent a moment earlier, is about to store."""
    until = time.monotonic() + TWIN_SECONDS
    while True:
        payment.refresh_from_db()
        if payment.checkout_url:
            return True
        if time.monotonic() >= until:
            return False
        time.sleep(0.1)


def _ask(reference: str, timeout_seconds: float | None) -> Charge | None:
    """Return what the provider knows of a payment; None when it knows nothing."""
    try:
        return paystack.verify(reference, timeout_seconds=timeout_seconds)
    except ProviderRefused as error:
        if error.code != paystack.NOT_FOUND:
            raise
        return None


def _apply(payment: Payment, charge: Charge | None, *, is_left: bool) -> None:
    """Record what the provider says, and draw the conclusion."""
    settlement.update_payment(payment, **settlement.provider_fields(charge))
    unpaid = [Status.PENDING, Status.REVIEW]
    if charge is None:
        return
    if charge.status == "success":
        settlement.book_charge(payment, charge)
    elif charge.status in {"failed", "reversed"}:
        ledger.change_status(payment.transaction, Status.FAILED, only_from=unpaid, failure_code=charge.status)
    elif charge.status == "abandoned" and is_left:
        ledger.change_status(payment.transaction, Status.ABANDONED, only_from=unpaid, failure_code="left")
