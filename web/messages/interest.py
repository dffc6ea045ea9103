"""The sentences of the proof of a plan's interest."""

from __future__ import annotations

import datetime

from savings import money
from web import date_formats

# The proof of the interest. The first three continue “It is paid at maturity, …”.
GOES_TO_STASH = "to your stash"
GOES_INTO_PLAN = "into the plan"
GOES_INTO_TERM = "into the new term"
EARNED = "Earned in all"
POSTED = "Paid, before tax"
LOST = "Of money that went back or left early"
BY_STAFF = "Corrected by our staff, before tax"
TAX = "Tax withheld"
PAID_AFTER_TAX = "Interest paid, after tax"
NOT_POSTED = "Not paid yet"


def posted_after_tax(net_kobo: int, day: datetime.date) -> str:
    return f"{money.naira(net_kobo)} after tax was paid on {date_formats.day(day)}."


def posted_on(day: datetime.date) -> str:
    return f"Paid {date_formats.day(day)}"


def corrected_on(day: datetime.date) -> str:
    return f"Paid interest changed {date_formats.day(day)}"


def forfeited_on(day: datetime.date) -> str:
    return f"Interest of money that went back or left early {date_formats.day(day)}"


def by_staff_on(day: datetime.date) -> str:
    return f"Corrected by our staff {date_formats.day(day)}, before tax"


def from_to(first: datetime.date, last: datetime.date) -> str:
    """Return days of one month as text: `1 to 5 Nov`."""
    return f"{first.day} to {date_formats.day(last, with_year=False)}"


def a_day(amount: str) -> str:
    return f"{amount} a day"


def posting(*, gross_kobo: int, tax_kobo: int, tax_rate_bps: int) -> str:
    return (
        f"{money.naira(gross_kobo)} less {money.percent(tax_rate_bps)} tax of {money.naira(tax_kobo)}: "
        f"{money.naira(gross_kobo - tax_kobo)}"
    )


def left_after_posting(remainder: str, tax_remainder: str) -> str:
    return f"Left: {remainder} of interest, {tax_remainder} of tax"
