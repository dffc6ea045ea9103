"""Payments that the provider knows and a restored database has lost: opened again as they were, and settled as usual.

What a payment was for is in the ids that the provider stores with it (`rows.origin_of`). They count only together with
the email address of the same user.
"""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from savings import ledger, references
from savings.exceptions import ProviderRefused
from savings.models import Payment, Plan, SavedCard, Transaction, User
from savings.models.ledger import REFERENCE_PREFIXES
from savings.payments import checkout, paystack, settlement, unknown
from savings.payments.paystack_answers import Announced
from savings.payments.rows import find_at_provider

logger = logging.getLogger(__name__)

_KINDS = {
    REFERENCE_PREFIXES[kind]: kind
    for kind in (Transaction.Kind.TOP_UP, Transaction.Kind.STASH_DEPOSIT, Transaction.Kind.AUTOSAVE)
}
_PREFIX_LENGTH = 3


def find_again(reference: str) -> Payment | None:
    """Ask the provider about a payment that is unknown here, and open it again if it was ours.

    Returns None if there is no such payment, or if nobody can tell whose it is. Raises ProviderUnavailable, and
    ProviderRefused for any refusal but an unknown reference.
    """
    if not references.is_ours(reference):
        return None
    try:
        return reopen(paystack.look_up(reference))
    except ProviderRefused as error:
        if error.code != paystack.NOT_FOUND:
            raise
        return None


def book(found: Announced) -> Payment | None:
    """Open a payment again that is unknown here, settle it, and return it.

    Money whose payer is unknown goes to suspense, for staff. Returns None if there is no money yet, and for a
    payment of another shop on the same account. Raises ProviderUnavailable and ProviderRefused as
    `settlement.settle_payment`; the payment is pending then, and the worker asks about it.
    """
    charge = found.charge
    if not references.is_ours(charge.reference):
        return None
    payment = reopen(found)
    if payment is not None:
        # Its payer may be on the checkout page now.
        settlement.settle_payment(charge.reference, payer_left=False)
    elif charge.status == "success" and charge.currency == settings.CURRENCY:
        logger.error("payment %s is lost here, and its payer is unknown", charge.reference)
        payment = unknown.book_into_suspense(charge)
    return payment


def reopen(found: Announced) -> Payment | None:
    """Open a payment again as `checkout` and `card_charges` open one, pending, unless its payer is unknown here.

    A plan that is unknown here got lost too: its money goes to the stash. Returns the payment that there is, if any.
    """
    reference = found.charge.reference
    kind, payer = _KINDS.get(reference[:_PREFIX_LENGTH]), _payer(found)
    if kind is None or payer is None or found.charge.currency != settings.CURRENCY:
        return None
    plan = Plan.objects.filter(pk=found.origin.get("plan", 0), user=payer).select_related("account").first()
    card = SavedCard.objects.filter(pk=found.origin.get("card", 0), user=payer).first()
    with transaction.atomic():
        User.objects.touch(payer.pk)
        existing = find_at_provider(found.charge.provider_id, reference)
        if existing is not None:
            return existing
        movement, _ = ledger.open_transaction(
            reference=reference, kind=kind, user=payer, plan=plan, amount_kobo=found.requested_kobo
        )
        now = timezone.now()
        return Payment.objects.create(
            transaction=movement,
            saved_card=card,
            sent_at=now,
            next_poll_at=now + checkout.FIRST_POLL_AFTER,
        )


def _payer(found: Announced) -> User | None:
    """Return who announced a payment: the user whose id and email address the provider has with it."""
    user = User.objects.filter(pk=found.origin.get("user", 0)).first()
    if user is None or user.email.casefold() != found.charge.email.casefold():
        return None
    return user
