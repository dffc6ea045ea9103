"""The balances at the end of each day, by product and for the stashes, as they are stored once a night."""

from __future__ import annotations

import datetime
import zoneinfo
from collections import defaultdict
from collections.abc import Iterator

from django.conf import settings
from django.db import connection
from django.db.models import Max, Min
from django.db.transaction import atomic
from django.utils import timezone

from savings.ledger import reports
from savings.models import Account, BalanceDay, Entry
from savings.models.local_days import end_of, start_of

# A year of days for each pass over the entries.
DAYS_PER_CHUNK = 366

_DAY = datetime.timedelta(days=1)
# Summed by account and day first, so that an account counts once on a day. Everything before the chunk is its day
# before. The part is the product of a plan, and empty for a stash.
_STATEMENT = """
WITH legs AS (
    SELECT debit_account_id AS account_id, posted_at, -amount_kobo AS change FROM savings_entry
    WHERE posted_at < %(until)s
    UNION ALL
    SELECT credit_account_id, posted_at, amount_kobo FROM savings_entry WHERE posted_at < %(until)s
),
daily AS (
    SELECT l.account_id, p.product_id AS part,
        CASE WHEN l.posted_at < %(since)s THEN {before} ELSE {local_day} END AS day_on, SUM(l.change) AS change
    FROM legs l JOIN savings_account a ON a.id = l.account_id LEFT JOIN savings_plan p ON p.id = a.plan_id
    WHERE a.kind IN ('{stash}', '{plan}')
    GROUP BY 1, 2, 3
),
running AS (
    SELECT part, day_on, change, SUM(change) OVER (PARTITION BY account_id ORDER BY day_on) AS balance FROM daily
)
SELECT day_on, part, SUM(change) AS change,
    SUM(CASE WHEN balance > 0 THEN 1 ELSE 0 END - CASE WHEN balance - change > 0 THEN 1 ELSE 0 END) AS accounts
FROM running GROUP BY day_on, part
"""
_DIALECT = {
    "postgresql": {
        "before": "%(before)s::date",
        "local_day": "(l.posted_at AT TIME ZONE '{zone}')::date",
    },
    "sqlite": {
        "before": "%(before)s",
        "local_day": "django_datetime_cast_date(l.posted_at, '{zone}', 'UTC')",
    },
}


def store_balances(now: datetime.datetime, *, days_per_chunk: int = DAYS_PER_CHUNK) -> int:
    """Store the balances at the end of each past day that is not stored, the oldest first; return how many days.

    By the local day on which entries were posted, from the first one on. A day always has a row for the stashes, and
    one for each product whose plans held money. Each chunk takes three queries and is stored as a whole, so a run that
    was killed is continued by the next one, and two at once store the same.
    """
    yesterday, stored = timezone.localdate(now) - _DAY, 0
    newest = BalanceDay.objects.aggregate(day=Max("day_on"))["day"]
    if newest is None:
        first_at = Entry.objects.aggregate(at=Min("posted_at"))["at"]
        newest = timezone.localdate(first_at) - _DAY if first_at else yesterday
    while newest < yesterday:
        since, newest = newest + _DAY, min(newest + days_per_chunk * _DAY, yesterday)
        with atomic():
            BalanceDay.objects.bulk_create(_rows(since, newest), batch_size=1_000, ignore_conflicts=True)
        stored += (newest - since).days + 1
    return stored


def _rows(since: datetime.date, until: datetime.date) -> Iterator[BalanceDay]:
    """Yield the rows of the days from `since` to `until`, from the entries alone."""
    changes: dict[datetime.date, list[tuple[int | None, int, int]]] = defaultdict(list)
    for day, part, change_kobo, accounts in _changes(since, until):
        changes[day].append((part, change_kobo, accounts))
    # The stashes have the key None.
    held: dict[int | None, tuple[int, int]] = {None: (0, 0)}
    day = since - _DAY
    while day <= until:
        for part, change_kobo, change in changes[day]:
            balance_kobo, accounts = held.get(part, (0, 0))
            held[part] = (balance_kobo + change_kobo, accounts + change)
        for part, (balance_kobo, accounts) in held.items() if day >= since else ():
            if accounts or part is None:
                yield BalanceDay(day_on=day, product_id=part, accounts=accounts, balance_kobo=balance_kobo)
        day += _DAY


def _changes(
    since: datetime.date, until: datetime.date
) -> Iterator[tuple[datetime.date, int | None, int, int]]:
    """Yield the day, the product, and the changes of the balance (kobo) and of the number of accounts with money.

    The day before `since` has all that was before.
    """
    zone = zoneinfo.ZoneInfo(settings.TIME_ZONE).key
    dialect = {name: sql.format(zone=zone) for name, sql in _DIALECT[connection.vendor].items()}
    statement = _STATEMENT.format(stash=Account.Kind.STASH, plan=Account.Kind.PLAN, **dialect)
    values = {
        "since": reports.moment(start_of(since)),
        "until": reports.moment(end_of(until)),
        "before": (since - _DAY).isoformat(),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        for day, part, change_kobo, accounts in cursor.fetchall():
            # SQLite has no dates.
            yield datetime.date.fromisoformat(str(day)), part, int(change_kobo), int(accounts)
