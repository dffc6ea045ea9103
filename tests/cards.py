"""Saved cards in tests: saved with a payment through the real checkout, and charged."""

from __future__ import annotations

import datetime
import itertools
from typing import Any

from savings import payments, references
from savings.models import Payment, Plan, SavedCard, Transaction, User
from tests import factories
from tests.payments import AMOUNT
from tests.provider import Provider

_numbers = itertools.count(4242)
DEVICE = "Mozilla/5.0 (Test)"


def make_card(user: User, **fields: Any) -> SavedCard:
    """Return a saved card that the provider does not know, and that can be shown."""
    movement = factories.pay_in(user, 1_000_00)
    payment = Payment.objects.create(transaction=movement, mandate="I agree.")
    number = next(_numbers)
    usual: dict[str, Any] = {
        "authorization_code": f"AUTH_{number}",
        "signature": f"SIG_{number}",
        "email": user.email,
        "brand": "Visa",
        "last4": f"{number % 10_000:04}",
        "expires_on": datetime.date(2030, 12, 31),
        "is_default": not user.cards.current().exists(),
        "payment": payment,
        "mandate": "I agree.",
        "mandate_at": movement.created_on,
    }
    return SavedCard.objects.create(user=user, **usual | fields)


def pay_and_save(
    provider: Provider, user: User, *, plan: Plan | None = None, outcome: str = "success", saves: bool = True
) -> Payment:
    """Return a settled payment by card, with the choice to save the card unless `saves` is false."""
    kind = Transaction.Kind.TOP_UP if plan else Transaction.Kind.STASH_DEPOSIT
    payment = payments.start_payment(
        user,
        plan=plan,
        amount_kobo=AMOUNT,
        reference=references.new(kind),
        mandate=payments.MANDATE if saves else "",
        mandate_device=DEVICE if saves else "",
    )
    provider.pay(payment, outcome)
    payments.settle_payment(payment.transaction.reference)
    payment.refresh_from_db()
    return payment


def save_card(provider: Provider, user: User, outcome: str = "success") -> SavedCard:
    """Return a card that was saved with a payment into the stash."""
    payment = pay_and_save(provider, user, outcome=outcome)
    return SavedCard.objects.select_related("user").get(payment=payment)


def charge(
    card: SavedCard,
    *,
    plan: Plan | None = None,
    amount_kobo: int = AMOUNT,
    reference: str | None = None,
    kind: str = "",
) -> Transaction:
    """Charge a saved card for the stash or a plan, and return the transaction."""
    kind = kind or (Transaction.Kind.TOP_UP if plan else Transaction.Kind.STASH_DEPOSIT)
    reference = reference or references.new(kind)
    return payments.charge_card(card, plan=plan, amount_kobo=amount_kobo, reference=reference, kind=kind)
