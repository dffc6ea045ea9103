"""Settlements: what the provider collected and pays out to us, booked on the provider's word."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from django.db.transaction import atomic

from savings.exceptions import SENT_OTHERWISE, ReferenceTaken, Refused
from savings.ledger import messages
from savings.ledger.transactions import open_transaction
from savings.ledger.treasury import Purpose, Route, find_route, lock_treasury, move
from savings.models import Payment, Settlement, Transaction


def record_settlement(
    *,
    reference: str,
    provider_id: int,
    settled_on: datetime.date,
    gross_kobo: int,
    fees_kobo: int,
    payment_ids: Sequence[int],
    deductions_kobo: int = 0,
    to_balance: bool = False,
    bank: str = "customers",
    provider: str = "paystack",
) -> Settlement:
    """Book a settlement as the provider reports it, and return its row.

    `payment_ids` are the provider's numbers of its payments; amounts are in kobo. The net, gross less fees and
    deductions, goes to the bank account, or to the provider balance. A repeat with the same reference returns the first
    row. Raises Refused, and books nothing, when the settlement is booked already, when a payment is unknown or in
    another settlement, when the sums of its payments differ, or when it is larger than what the provider has collected.
    """
    values: dict[str, Any] = {
        "settled_on": settled_on,
        "gross_kobo": gross_kobo,
        "fees_kobo": fees_kobo,
        "deductions_kobo": deductions_kobo,
    }
    with atomic():
        lock_treasury()
        earlier = Settlement.objects.filter(provider=provider, provider_id=provider_id).first()
        if earlier is not None:
            return _same_settlement(earlier, reference, values, payment_ids)
        payments = _payments_to_settle(provider, payment_ids)
        _check_sums(payments, gross_kobo=gross_kobo, fees_kobo=fees_kobo)
        settlement = Settlement(provider=provider, provider_id=provider_id, **values)
        if settlement.net_kobo < 0 or deductions_kobo < 0:
            raise Refused(messages.SETTLEMENT_BELOW_ZERO)
        if settlement.net_kobo:
            purpose = Purpose.SETTLEMENT_TO_BALANCE if to_balance else Purpose.SETTLEMENT_TO_BANK
            settlement.transaction = _move_once(
                reference, settlement.net_kobo, find_route(purpose, bank, provider)
            )
        settlement.save()
        Payment.objects.filter(pk__in=[payment.pk for payment in payments]).update(settlement=settlement)
    return settlement


def _move_once(reference: str, amount_kobo: int, route: Route) -> Transaction:
    transaction, opened = open_transaction(
        reference=reference, kind=Transaction.Kind.TREASURY, user=None, amount_kobo=amount_kobo
    )
    if not opened:
        raise ReferenceTaken(SENT_OTHERWISE)
    move(transaction, route)
    return transaction


def _same_settlement(
    earlier: Settlement, reference: str, values: dict[str, Any], payment_ids: Sequence[int]
) -> Settlement:
    """Return a settlement that is repeated with its reference and details, and refuse it otherwise."""
    of_reference = Transaction.objects.filter(reference=reference).first()
    is_same = all(getattr(earlier, name) == value for name, value in values.items())
    settled = set(earlier.payments.values_list("provider_id", flat=True))
    if earlier.transaction == of_reference and is_same and settled == set(payment_ids):
        return earlier
    raise Refused(messages.settlement_booked(earlier.provider_id))


def _payments_to_settle(provider: str, payment_ids: Sequence[int]) -> list[Payment]:
    known = Payment.objects.select_for_update().filter(provider=provider, provider_id__in=payment_ids)
    payments = list(known.order_by("id"))
    unknown = set(payment_ids) - {payment.provider_id for payment in payments}
    if unknown:
        raise Refused(messages.settlement_payment_unknown(min(unknown)))
    for payment in payments:
        if payment.settlement_id is not None:
            raise Refused(messages.settled_elsewhere(payment.provider_id))
    return payments


def _check_sums(payments: Sequence[Payment], *, gross_kobo: int, fees_kobo: int) -> None:
    our_gross_kobo = sum(payment.paid_kobo or 0 for payment in payments)
    if gross_kobo != our_gross_kobo:
        raise Refused(messages.amounts_differ(our_gross_kobo, gross_kobo))
    our_fees_kobo = sum(payment.fee_kobo or 0 for payment in payments)
    if fees_kobo != our_fees_kobo:
        raise Refused(messages.fees_differ(our_fees_kobo, fees_kobo))
