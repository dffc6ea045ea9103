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
    """What was paid in one month, by plan, and the sums of that."""

    name: str
    plans: list[PaidInterest]
    sums: Sums


def year(user: User, query: QueryDict) -> dict[str, Any]:
    """Return the context of the page, for the year in `?year=` or the last one with interest. Two queries."""
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
        "months": [
            _month(month, list(plans)) for month, plans in itertools.groupby(paid, lambda one: one.month)
        ],
        "is_first": not years,
    }


def _month(month: datetime.date, plans: list[PaidInterest]) -> PaidMonth:
    return PaidMonth(date_format(month, "F Y"), plans, Sums.of(plans))
