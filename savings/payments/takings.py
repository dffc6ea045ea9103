"""What the provider takes from the balance for refunds and disputes, when what it has collected is not enough."""

from __future__ import annotations

import datetime
import logging

from django.conf import settings
from django.db.models import Min

from savings import ledger
from savings.exceptions import ProviderRefused, ProviderUnavailable, Refused
from savings.models import Postponement, Transaction
from savings.payments import derived_references, messages, paystack, provider_money, runs
from savings.payments.money_answers import BalanceRow

logger = logging.getLogger(__name__)

# The causes for which the provider takes what we book from what it has collected.
_MODELS = {"refund", "dispute"}
# How far back each run looks, so that rows survive a worker that was off for days.
_LOOKS_BACK = datetime.timedelta(days=14)
_TASK = "record_taking"


def record_takings(now: datetime.datetime) -> int:
    """Book what the provider took from the balance for refunds and disputes, and return how many rows were new.

    The books take refunds and chargebacks from clearing. The part that the provider took from the balance is moved
    there from the provider balance, once per row of the balance's ledger. A row that cannot be booked is postponed
    with its reason, for staff, and stops no other.
    """
    try:
        rows = [row for row in provider_money.list_balance_rows(since=_since(now)) if _is_taking(row)]
    except (ProviderUnavailable, ProviderRefused) as error:
        logger.warning("the provider does not list the movements of the balance: %s", error)
        return 0
    booked = Transaction.objects.filter(
        reference__in=[derived_references.balance_row(row.id) for row in rows]
    )
    known = set(booked.values_list("reference", flat=True))
    found = {row.id: row for row in reversed(rows) if derived_references.balance_row(row.id) not in known}
    return runs.for_each_id(_TASK, found, lambda row_id: _record(found[row_id]))


def _since(now: datetime.datetime) -> datetime.datetime:
    """Return the moment from which the movements are read: all that are postponed lie after it."""
    failed = Postponement.objects.filter(task=_TASK).aggregate(first_at=Min("first_failed_at"))
    return min(now, failed["first_at"] or now) - _LOOKS_BACK


def _is_taking(row: BalanceRow) -> bool:
    return row.model.lower() in _MODELS and row.currency == settings.CURRENCY


def _record(row: BalanceRow) -> bool:
    if row.change_kobo >= 0:
        # The books have no such movement, because a refund that has been made does not come back.
        raise Refused(messages.given_back_by_provider(row.change_kobo, row.model, row.row))
    return ledger.record_taking(
        reference=derived_references.balance_row(row.id),
        amount_kobo=-row.change_kobo,
        provider=paystack.PROVIDER,
    )
