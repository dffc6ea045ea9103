"""The daily coverage: stored once a day, and an alarm in the log below 100 %."""

from __future__ import annotations

import datetime
import logging

from django.utils import timezone

from savings import ledger
from savings.models import CoverageDay

logger = logging.getLogger(__name__)


def record_coverage(now: datetime.datetime) -> CoverageDay:
    """Store the coverage at the end of yesterday, which is that of the first call after midnight, and return it.

    Later calls of the same day return the stored row. Coverage below 100 % is logged as an error. `ledger.coverage`
    says what is counted.
    """
    day_on = timezone.localdate(now) - datetime.timedelta(days=1)
    stored = CoverageDay.objects.filter(day_on=day_on).first()
    if stored is not None:
        return stored
    found = ledger.coverage(now)
    row, is_new = CoverageDay.objects.get_or_create(
        day_on=day_on,
        defaults={
            "as_of": now,
            "owed_kobo": found.owed_kobo,
            "held_kobo": found.held_kobo,
            "owed": list(found.owed.items()),
            "held": list(found.held.items()),
        },
    )
    if is_new and not found.is_enough:
        logger.error("end of %s: %s", day_on, found.verdict)
    return row
