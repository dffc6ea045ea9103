"""The provider's settlements: read from its list, compared with our payments, and booked once."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from savings import ledger, outbox
from savings.exceptions import ProviderRefused, ProviderUnavailable, Refused
from savings.models import Settlement
from savings.payments import (
    derived_references,
    fees,
    messages,
    paystack,
    provider_money,
    runs,
    settlement,
    takings,
    unknown,
)
from savings.payments.money_answers import SettlementAnswer
from savings.payments.paystack_answers import Charge
from savings.payments.rows import find_at_provider, payments, update_payment

logger = logging.getLogger(__name__)

_PAID_OUT = "success"
# A settlement is paid out at most so long after its day.
_LOOKS_BACK = datetime.timedelta(days=30)
_TASK = "record_settlement"


def fetch_settlements(now: datetime.datetime) -> int:
    """Book the provider's new settlements, oldest first, and what it took from the balance; return how many are new.

    Safe to repeat. A settlement that differs from our payments is postponed with the difference, for staff, and stops
    no other; nothing of it is booked.
    """
    takings.record_takings(now)
    try:
        news = {answer.id: answer for answer in reversed(list(_new_settlements(now)))}
    except (ProviderUnavailable, ProviderRefused) as error:
        logger.warning("the provider does not list its settlements: %s", error)
        return 0
    return runs.for_each_id(_TASK, news, lambda settlement_id: _record(news[settlement_id]))


def _new_settlements(now: datetime.datetime) -> Iterable[SettlementAnswer]:
    """Return the settlements that are paid out and not booked yet, newest first.

    The list is read until one is met that is booked and old, since an older one may be paid out later than a newer one,
    and until all that were postponed have been met.
    """
    postponed = set(outbox.postponed_row_ids(_TASK))
    booked = set(Settlement.objects.filter(provider=paystack.PROVIDER).values_list("provider_id", flat=True))
    for settlement_id in postponed & booked:
        outbox.clear_postponement(_TASK, settlement_id)
    postponed -= booked
    for answer in provider_money.list_settlements():
        postponed.discard(answer.id)
        if answer.id not in booked:
            if answer.status == _PAID_OUT:
                yield answer
        elif not postponed and answer.settled_at < now - _LOOKS_BACK:
            return


def _record(answer: SettlementAnswer) -> bool:
    charges = provider_money.list_settled_payments(answer.id)
    _check_totals(answer, charges)
    missing = _bring_up_to_date(charges)
    with transaction.atomic():
        for charge in missing:
            unknown.book_into_suspense(charge)
        ledger.record_settlement(
            reference=derived_references.settlement(answer.id),
            provider_id=answer.id,
            settled_on=timezone.localdate(answer.settled_at),
            gross_kobo=answer.gross_kobo,
            fees_kobo=answer.fees_kobo,
            deductions_kobo=answer.gross_kobo - answer.fees_kobo - answer.net_kobo,
            payment_ids=[charge.provider_id for charge in charges if charge.provider_id],
            to_balance=settings.SETTLES_TO_BALANCE,
            provider=paystack.PROVIDER,
        )
    return True


def _check_totals(answer: SettlementAnswer, charges: list[Charge]) -> None:
    """Raise Refused unless the provider's totals are those of the payments that it lists."""
    if {answer.currency, *(charge.currency for charge in charges)} != {settings.CURRENCY}:
        raise Refused(messages.settlement_currency(answer.id, settings.CURRENCY))
    if not all(charge.provider_id for charge in charges):
        raise Refused(messages.settlement_unnumbered(answer.id))
    gross_kobo = sum(charge.amount_kobo for charge in charges)
    fees_kobo = sum(charge.fee_kobo or 0 for charge in charges)
    if (gross_kobo, fees_kobo) != (answer.gross_kobo, answer.fees_kobo):
        raise Refused(
            messages.settlement_differs(
                answer.id,
                gross_kobo=gross_kobo,
                fees_kobo=fees_kobo,
                total_gross_kobo=answer.gross_kobo,
                total_fees_kobo=answer.fees_kobo,
            )
        )


def _bring_up_to_date(charges: list[Charge]) -> list[Charge]:
    """Settle our payments of a settlement that are still open, and return the payments that are not ours."""
    numbers = {charge.provider_id for charge in charges}
    known = {payment.provider_id: payment for payment in payments().filter(provider_id__in=numbers)}
    missing = []
    for charge in charges:
        payment = known.get(charge.provider_id) or find_at_provider(None, charge.reference)
        if payment is None:
            missing.append(charge)
            continue
        if settlement.is_open(payment) or fees.is_missing(payment):
            settlement.settle_payment(payment.transaction.reference)
        elif payment.provider_id is None and payment.paid_kobo == charge.amount_kobo:
            # Booked by a release that did not store the provider's number.
            update_payment(payment, provider_id=charge.provider_id)
    return missing
