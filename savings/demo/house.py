"""The house's money in the demo: the provider's settlements, the owner's funds, and the daily coverage."""

from __future__ import annotations

import datetime
from functools import partial

from django.utils import timezone

from savings import ledger, payments, references
from savings.demo.story import Kind, Story, two_of_staff

# What the owner pays in at the start.
_CAPITAL_KOBO = 2_000_000_00
# The reserve at the start of a month, for its interest and fees: a fiftieth of what is owed, and at least this.
_LEAST_SPARE_KOBO, _SPARE_PART = 60_000_00, 50
_SATURDAY = 5


def add(story: Story, begin: datetime.date) -> None:
    """Add the mornings of the house to the story, from the day on which it begins."""
    story.add(
        _at(begin, 1), partial(_post, ledger.Purpose.CAPITAL_IN, _CAPITAL_KOBO, "Start of the business")
    )
    for days in range((story.today - begin).days + 1):
        day = begin + datetime.timedelta(days=days)
        story.add(_at(day, 0), _record_coverage)
        if day == begin or day.day == 1:
            story.add(_at(day, 2), _fund)
        if day.weekday() < _SATURDAY:
            story.add(_at(day, 6), partial(_settle, story))
    # The simulator that runs with the site begins with no money of ours, so the demo leaves none at its provider.
    tomorrow = story.today + datetime.timedelta(days=1)
    story.add(story.now - datetime.timedelta(minutes=1), partial(_settle, story, before=tomorrow))


def _at(day: datetime.date, hour: int) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time(hour, 1)))


def _record_coverage() -> None:
    payments.record_coverage(timezone.now())


def _fund() -> None:
    """Move what the customers' bank account lacks from the owner's."""
    found = ledger.coverage(timezone.now())
    spare_kobo = max(_LEAST_SPARE_KOBO, found.owed_kobo // _SPARE_PART)
    missing_kobo = found.owed_kobo + spare_kobo - found.held_kobo
    if missing_kobo > 0:
        _post(ledger.Purpose.SWEEP, missing_kobo, f"Fees and interest, {timezone.localdate():%B %Y}")


def _settle(story: Story, *, before: datetime.date | None = None) -> None:
    """Book what the provider pays out: what it collected before a day (up to yesterday unless given), less its fees."""
    payout = story.provider.settle(before=before or timezone.localdate())
    if payout is not None:
        ledger.record_settlement(
            reference=references.new(Kind.TREASURY), settled_on=timezone.localdate(), **payout
        )


def _post(purpose: str, amount_kobo: int, reason: str) -> None:
    asked_by, approved_by = two_of_staff()
    ledger.post_treasury(
        purpose,
        amount_kobo=amount_kobo,
        reference=references.new(Kind.TREASURY),
        asked_by=asked_by,
        approved_by=approved_by,
        reason=reason,
        bank="own" if purpose == ledger.Purpose.CAPITAL_IN else "customers",
    )
