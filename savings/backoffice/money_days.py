"""The money of each day, counted every few minutes for the last days: the front page of staff counts nothing."""

from __future__ import annotations

import datetime
import zoneinfo
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Model, Q, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from savings.models import Account, Entry, MoneyDay, Payout, Transaction
from savings.models.local_days import start_of

DAYS = 31
# These days are counted again at every run: most payments and withdrawals have ended by then.
_OPEN_DAYS = 3
_DAY = datetime.timedelta(days=1)
_Kind = Account.Kind
_Status = Transaction.Status

_COMES_IN = Q(debit_account__kind=_Kind.CLEARING) & Q(
    credit_account__kind__in=[_Kind.STASH, _Kind.PLAN, _Kind.SUSPENSE]
)
# Withdrawals, refunds and chargebacks.
_GOES_OUT = Q(debit_account__kind__in=[_Kind.HOLD, _Kind.REFUNDS_DUE, _Kind.RECEIVABLE]) & Q(
    credit_account__kind__in=[_Kind.CLEARING, _Kind.PROVIDER_BALANCE]
)
_SUMS = {
    "in_kobo": Sum("amount_kobo", filter=_COMES_IN, default=0),
    "out_kobo": Sum("amount_kobo", filter=_GOES_OUT, default=0),
}
_PAID = [_Status.SUCCESS, _Status.REVERSED, _Status.REVIEW, _Status.CLOSED]
_FAILED = [_Status.FAILED, _Status.ABANDONED]
_OUTCOMES = {
    "payments_paid": Count("pk", filter=Q(payment__isnull=False, status__in=_PAID)),
    "payments_failed": Count("pk", filter=Q(payment__isnull=False, status__in=_FAILED)),
    "payouts_paid": Count("pk", filter=Q(payout__state=Payout.State.PAID)),
    "payouts_failed": Count(
        "pk", filter=Q(payout__state__in=[Payout.State.RETURNED, Payout.State.CAME_BACK])
    ),
}


def count_money_days(now: datetime.datetime) -> int:
    """Store the money of the last three days, and of those of the last 31 that are missing; return how many days.

    Reads only the rows since then: ids rise with time, so their first id is found by halving. Safe to run twice at
    once.
    """
    today = timezone.localdate(now)
    wanted = [today - number * _DAY for number in range(DAYS)]
    known = set(MoneyDay.objects.filter(day_on__in=wanted).values_list("day_on", flat=True))
    first = min([*(day for day in wanted if day not in known), today - (_OPEN_DAYS - 1) * _DAY])
    sums = _by_day(Entry, "posted_at", first, now, _SUMS)
    outcomes = _by_day(Transaction, "created_on", first, now, _OUTCOMES)
    days = [first + number * _DAY for number in range((today - first).days + 1)]
    fields = [*_SUMS, *_OUTCOMES]
    MoneyDay.objects.bulk_create(
        (MoneyDay(day_on=day, counted_at=now, **sums.get(day, {}), **outcomes.get(day, {})) for day in days),
        update_conflicts=True,
        unique_fields=["day_on"],
        update_fields=["counted_at", *fields],
    )
    return len(days)


def _by_day(
    model: type[Model], field: str, first: datetime.date, now: datetime.datetime, sums: dict[str, Any]
) -> dict[datetime.date, dict[str, int]]:
    """Return sums over the rows of each local day, from one on."""
    # A day earlier: a row that was written at midnight may have an earlier id than its neighbours.
    after_id = _newest_id_before(model, field, start_of(first - _DAY))
    since = start_of(first)
    rows = model._default_manager.filter(pk__gt=after_id, **{f"{field}__gte": since, f"{field}__lte": now})
    zone = zoneinfo.ZoneInfo(settings.TIME_ZONE)
    daily = rows.values(on=TruncDate(field, tzinfo=zone)).annotate(**sums).order_by()
    return {row.pop("on"): row for row in daily}


def _newest_id_before(model: type[Model], field: str, at: datetime.datetime) -> int:
    """Return an id of a table whose ids rise with time: no row from `at` on has a lower one. Some twenty lookups."""
    rows = model._default_manager.order_by("pk").values_list("pk", field)
    low, high = 0, model._default_manager.aggregate(newest=Max("pk"))["newest"] or 0
    while low < high:
        middle = (low + high + 1) // 2
        found = rows.filter(pk__gte=middle).first()
        if found is None or found[1] >= at:
            high = middle - 1
        else:
            low = found[0]
    return low
