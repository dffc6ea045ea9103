"""The house's money in the demo: the provider's settlements, the owner's funds, and the daily coverage."""

from __future__ import annotations

import datetime
from functools import partial

from django.db.models import Sum
from django.utils import timezone

from savings import ledger, payments, references
from savings.demo.story import Kind, Story, two_of_staff
from savings.models import Account, Transaction
from savings.models.local_days import start_of

# The owner's payment at the start.
_CAPITAL_KOBO = 2_000_000_00
# The reserve at the start of a month, for its interest and fees: a fiftieth of what is owed, and at least this.
_LEAST_SPARE_KOBO, _SPARE_PART = 60_000_00, 50
# What is at the provider at the start of each month to pay withdrawals.
_FOR_WITHDRAWALS_KOBO = 500_000_00
_SATURDAY = 5
# The day of the month by which the tax of the month before goes to the authority.
_REMITTANCE_DAY = 21


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
        if day.day == _REMITTANCE_DAY:
            story.add(_at(day, 3), _remit_tax)
        if day.weekday() < _SATURDAY:
            story.add(_at(day, 6), partial(_settle, story))
    # The simulator that runs with the site knows no payment of the demo, so the demo leaves none to be settled.
    tomorrow = story.today + datetime.timedelta(days=1)
    story.add(story.now - datetime.timedelta(minutes=1), partial(_settle, story, before=tomorrow))


def _at(day: datetime.date, hour: int) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time(hour, 1)))


def _record_coverage() -> None:
    payments.record_coverage(timezone.now())


def _fund() -> None:
    """Move what the customers' bank account lacks from the owner's."""
    # The demo is one transaction. Without this its tables stay empty to PostgreSQL's planner, and a day takes a second.
    ledger.refresh_statistics()
    found = ledger.coverage(timezone.now())
    spare_kobo = max(_LEAST_SPARE_KOBO, found.owed_kobo // _SPARE_PART)
    missing_kobo = found.owed_kobo + spare_kobo - found.held_kobo
    month = f"{timezone.localdate():%B %Y}"
    if missing_kobo > 0:
        _post(ledger.Purpose.SWEEP, missing_kobo, f"Fees and interest, {month}")
    at_provider = ledger.house_account(Account.Kind.PROVIDER_BALANCE, "paystack")
    in_bank = ledger.house_account(Account.Kind.BANK, "customers")
    missing_kobo = _FOR_WITHDRAWALS_KOBO - ledger.balance_kobo(at_provider)
    top_up_kobo = min(missing_kobo, ledger.balance_kobo(in_bank))
    if top_up_kobo > 0:
        _post(ledger.Purpose.BALANCE_TOP_UP, top_up_kobo, f"Withdrawals, {month}")


def _remit_tax() -> None:
    """Remit the tax that was withheld in the month before."""
    this_month = timezone.localdate().replace(day=1)
    month_on = (this_month - datetime.timedelta(days=1)).replace(day=1)
    tax_kobo = Transaction.objects.filter(
        kind=Kind.TAX_WITHHELD,
        status=Transaction.Status.SUCCESS,
        settled_on__gte=start_of(month_on),
        settled_on__lt=start_of(this_month),
    ).aggregate(kobo=Sum("amount_kobo", default=0))["kobo"]
    if tax_kobo:
        reason = f"Withholding tax of {month_on:%B %Y}"
        _post(ledger.Purpose.TAX_REMITTANCE, int(tax_kobo), reason, period_on=month_on)


def _settle(story: Story, *, before: datetime.date | None = None) -> None:
    """Book what the provider pays out: what it collected before a day (up to yesterday unless given), less its fees."""
    payout = story.provider.settle(before=before or timezone.localdate())
    if payout is not None:
        ledger.record_settlement(
            reference=references.new(Kind.TREASURY), settled_on=timezone.localdate(), **payout
        )


def _post(purpose: str, amount_kobo: int, reason: str, *, period_on: datetime.date | None = None) -> None:
    asked_by, approved_by = two_of_staff()
    ledger.post_treasury(
        purpose,
        amount_kobo=amount_kobo,
        reference=references.new(Kind.TREASURY),
        asked_by=asked_by,
        approved_by=approved_by,
        reason=reason,
        bank="own" if purpose == ledger.Purpose.CAPITAL_IN else "customers",
        period_on=period_on,
    )
