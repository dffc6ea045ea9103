"""Prepares the page of the interest of all plans: what was paid in a year, by month and plan."""

from __future__ import annotations

import datetime
import itertools
from typing import Any, NamedTuple

from django.http import QueryDict
from django.utils import timezone
from django.utils.formats import date_format

from savings import ledger, statements
from savings.ledger import PaidInterest
from savings.models import User
from web.pages.interest import asked_year

# A year with more sums of plans than this lists those of one month only.
_MOST_SUMS = 40


class Sums(NamedTuple):
    """Interest before tax, the tax withheld from it, and what is left, in kobo."""

    gross_kobo: int
    tax_kobo: int

    @property
    def net_kobo(self) -> int:
        return self.gross_kobo - self.tax_kobo

    @classmethod
    def of(cls, paid: list[PaidInterest]) -> Sums:
        return cls(sum(one.gross_kobo for one in paid), sum(one.tax_kobo for one in paid))


class PaidMonth(NamedTuple):
    """What was paid in one month, and the sums of that.

    `plans` is what each plan was paid. It is empty where the plans of another month are listed; `query` lists these.
    """

    name: str
    query: str
    plans: list[PaidInterest]
    sums: Sums
    is_open: bool


def year(user: User, query: QueryDict) -> dict[str, Any]:
    """Return the context of the page, for the year in `?year=` or the last one with interest. Two queries.

    The month that is open is that in `?month=`, or else the newest one.
    """
    years = statements.certificate_years(user)
    shown = asked_year(query.get("year", ""), years[0] if years else timezone.localdate().year)
    since, until = datetime.date(shown, 1, 1), datetime.date(shown, 12, 31)
    paid = ledger.paid_interest(user.pk, since, until)
    return {
        # Text, because templates localise numbers.
        "year": str(shown),
        "older": str(max(one for one in years if one < shown)) if years and years[-1] < shown else "",
        "newer": str(min(one for one in years if one > shown)) if years and years[0] > shown else "",
        "has_certificate": shown in years,
        "sums": Sums.of(paid),
        "months": _months(paid, query.get("month", "")),
        "is_first": not years,
    }


def _months(paid: list[PaidInterest], asked: str) -> list[PaidMonth]:
    by_month = {month: list(plans) for month, plans in itertools.groupby(paid, lambda one: one.month)}
    opened = next((month for month in by_month if str(month.month) == asked), next(iter(by_month), None))
    return [
        PaidMonth(
            date_format(month, "F Y"),
            f"year={month.year}&month={month.month}",
            plans if month == opened or len(paid) <= _MOST_SUMS else [],
            Sums.of(plans),
            month == opened,
        )
        for month, plans in by_month.items()
    ]
