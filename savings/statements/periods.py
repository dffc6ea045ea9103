"""The periods of statements: the presets of the form, and the check of a requested period."""

from __future__ import annotations

import datetime

from django.utils import timezone

from savings.exceptions import Refused
from savings.models import User
from savings.statements import messages

# Older than Asusu. A period from this day on starts with the day the user joined.
BEGINNING = datetime.date(2000, 1, 1)


def period_presets(today: datetime.date) -> list[tuple[str, str, datetime.date, datetime.date]]:
    """Return the preset periods: a key, a label, the first and the last day."""
    first = today.replace(day=1)
    last_month = first - datetime.timedelta(days=1)
    three_months = _months_before(first, 3)
    return [
        ("this-month", messages.THIS_MONTH, first, today),
        ("last-month", messages.LAST_MONTH, last_month.replace(day=1), last_month),
        ("last-3-months", messages.LAST_3_MONTHS, three_months, last_month),
        ("this-year", messages.THIS_YEAR, today.replace(month=1, day=1), today),
        (
            "last-year",
            messages.LAST_YEAR,
            datetime.date(today.year - 1, 1, 1),
            datetime.date(today.year - 1, 12, 31),
        ),
        ("beginning", messages.ALL_TIME, BEGINNING, today),
    ]


def checked_period(
    user: User, *, since: datetime.date, until: datetime.date
) -> tuple[datetime.date, datetime.date]:
    """Return the first and the last day of a statement. From BEGINNING means from the day the user joined.

    Raises Refused on the field `until` for a last day in the future, before the first day, or before BEGINNING.
    """
    if until > timezone.localdate():
        raise Refused(messages.DAY_IN_FUTURE, field="until")
    if since > until:
        raise Refused(messages.LAST_DAY_BEFORE_FIRST, field="until")
    if until < BEGINNING:
        raise Refused(messages.NOTHING_THAT_FAR_BACK, field="until")
    if since <= BEGINNING:
        since = max(BEGINNING, min(timezone.localdate(user.date_joined), until))
    return since, until


def _months_before(first: datetime.date, months: int) -> datetime.date:
    year, month = divmod(first.year * 12 + first.month - 1 - months, 12)
    return datetime.date(year, month + 1, 1)
