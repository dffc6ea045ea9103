"""The provider's fee of a payment: who bears it, the cost that it is to us, and a fee that becomes known later."""

from __future__ import annotations

import datetime
import logging

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Subquery

from savings import ledger, outbox
from savings.exceptions import BadAmount
from savings.models import Account, Entry, Payment, Transaction
from savings.payments import messages, paystack
from savings.payments.paystack_answers import Charge
from savings.payments.rows import find_payment, lock_payer, payments, update_payment

logger = logging.getLogger(__name__)

# The values of the settings FEE_BEARER_…. The payer bears the fee where the provider adds it to the amount; a refused
# payment is never credited, and staff give it back.
OPERATOR, PAYER, REFUSED = "operator", "payer", "refused"
# The review reason of a fee that cannot be right, or on which the credit depends and which is not known.
UNCLEAR = "fee"
# When the provider is asked about a fee that it did not tell with the success, how often, and for how long.
FIRST_ASK_AFTER = datetime.timedelta(hours=1)
ASK_EVERY = datetime.timedelta(days=1)
GIVE_UP_AFTER = datetime.timedelta(days=30)

_BOOKED = (
    Transaction.Status.SUCCESS,
    Transaction.Status.REVIEW,
    Transaction.Status.CLOSED,
    Transaction.Status.REVERSED,
)


def bearer(charge: Charge) -> str:
    """Return who bears the fee of a payment: OPERATOR, PAYER or REFUSED, by its channel and the card's country.

    A card of another country is a foreign card in every channel, wallets included. A card whose country the provider
    does not name counts as a local one.
    """
    if charge.card_country not in {"", settings.HOME_COUNTRY}:
        return str(settings.FEE_BEARER_FOREIGN_CARD)
    return str(settings.FEE_BEARER_CARD if charge.channel == "card" else settings.FEE_BEARER_OTHER)


def review_reason(charge: Charge, asked_kobo: int) -> str:
    """Return why a paid payment of ours cannot be credited with the kobo that were asked for; "" if it can.

    A payment is exact if the paid amount, or where the payer bears the fee the amount less the fee, is what was asked
    for. The bearer of the fee is never guessed from the surplus.
    """
    bears, fee_kobo = bearer(charge), charge.fee_kobo
    if fee_kobo is not None and fee_kobo > charge.amount_kobo:
        return UNCLEAR
    if bears == REFUSED:
        return "channel"
    if bears == PAYER and fee_kobo is None:
        return UNCLEAR
    arrived_kobo = charge.amount_kobo - (fee_kobo or 0 if bears == PAYER else 0)
    if arrived_kobo == asked_kobo:
        return ""
    return "less" if arrived_kobo < asked_kobo else "more"


def costs(payment: Payment, *, booked_kobo: int) -> list[ledger.Posting]:
    """Return the cost entry to post with the success or suspense entry of `booked_kobo`; none where there is no cost.

    There is none yet for a fee that is not known, and none for a fee above the payment: a person has to look at it.
    """
    paid_kobo, fee_kobo = payment.paid_kobo or 0, payment.fee_kobo or 0
    if fee_kobo > paid_kobo:
        return []
    # The surplus over the booked sum paid for the fee.
    cost_kobo = fee_kobo - (paid_kobo - booked_kobo)
    if cost_kobo <= 0:
        return []
    provider_fees = ledger.house_account(Account.Kind.PROVIDER_FEES)
    return [ledger.Posting(Entry.Code.COST, provider_fees, clearing(), cost_kobo)]


def is_missing(payment: Payment) -> bool:
    """Return whether money of a payment is booked whose fee the provider has not told yet."""
    return (
        payment.fee_kobo is None
        and bool(payment.paid_kobo)
        and payment.currency == settings.CURRENCY
        and payment.transaction.status in _BOOKED
    )


def post_late_fee(reference: str, *, fee_kobo: int) -> bool:
    """Post the cost of a booked payment whose fee (kobo) became known later, and return whether this call did.

    False, and nothing changes, where the fee is known already or no money of such a payment is booked. A fee above the
    payment is stored, and left to staff. Raises BadAmount for a fee below zero.
    """
    if fee_kobo < 0:
        raise BadAmount(messages.FEE_BELOW_ZERO)
    payment = find_payment(reference)
    if payment is None:
        return False
    with transaction.atomic():
        lock_payer(payment)
        payment = payments().get(pk=payment.pk)
        booked = Entry.objects.filter(
            transaction=payment.transaction, debit_account__kind=Account.Kind.CLEARING
        ).first()
        if booked is None or not is_missing(payment):
            return False
        update_payment(payment, fee_kobo=fee_kobo, next_poll_at=None)
        if fee_kobo > (payment.paid_kobo or 0):
            update_payment(payment, review_reason=UNCLEAR)
            logger.error("the fee of payment %s is above the payment", reference)
            return False
        for step in costs(payment, booked_kobo=booked.amount_kobo):
            ledger.post(payment.transaction, **step._asdict(), value_on=booked.value_on)
    return True


def post_missing_costs() -> int:
    """Post the costs that payments lack although their fees are known, and return the number of payments.

    The release before cost entries settles payments without them, as long as it runs beside this one.
    """
    entries = Entry.objects.filter(transaction=OuterRef("transaction"))
    booked = entries.filter(debit_account__kind=Account.Kind.CLEARING).values("amount_kobo")[:1]
    without = ~Exists(entries.filter(code=Entry.Code.COST))
    due = payments().filter(without, fee_kobo__gt=0, fee_kobo__lte=F("paid_kobo"))
    due = due.filter(fee_kobo__gt=F("paid_kobo") - Subquery(booked)).order_by("pk")
    return outbox.for_each_row("post_missing_costs", due, _post_missing_cost)


def _post_missing_cost(payment_id: int) -> int:
    payment = payments().get(pk=payment_id)
    booked = Entry.objects.get(transaction=payment.transaction, debit_account__kind=Account.Kind.CLEARING)
    return sum(
        ledger.post(payment.transaction, **step._asdict(), value_on=booked.value_on)
        for step in costs(payment, booked_kobo=booked.amount_kobo)
    )


def clearing() -> Account:
    """Return the account of what the provider has collected and not yet settled, less its fees."""
    return ledger.house_account(Account.Kind.CLEARING, paystack.PROVIDER)
