"""Interest: the one calculation for previews, quotes, proofs and postings.

Simple interest, actual/365, on end-of-day balances. Money earns on the day it comes in and not on the day it goes out;
the day of opening counts, and the day of maturity does not. Days are ordinals (`date.toordinal()`), as in accounts.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from savings import dates, money


class Stretch(NamedTuple):
    """Days with one balance (kobo) and one rate (basis points a year), from `since` to the start of `until`."""

    since: int
    until: int
    balance_kobo: int
    rate_bps: int

    @property
    def days(self) -> int:
        return self.until - self.since

    @property
    def numerator(self) -> int:
        """balance_kobo x rate_bps x days, of which `money.INTEREST_DENOMINATOR` make one kobo of interest."""
        return self.balance_kobo * self.rate_bps * self.days


class Interest(NamedTuple):
    """A numerator divided into kobo. `remainder` and `tax_remainder` are what the next posting begins with."""

    gross_kobo: int
    tax_kobo: int
    remainder: int
    tax_remainder: int

    @property
    def net_kobo(self) -> int:
        return self.gross_kobo - self.tax_kobo


def stretches(
    changes: Mapping[int, int], rates: Sequence[tuple[int, int]], *, since: int, until: int
) -> list[Stretch]:
    """Divide the days from `since` to the start of `until` into stretches of one balance and one rate.

    `changes` are the kobo that came (negative: went) by value day, those before `since` included. `rates` are pairs of
    the first day of a rate and the rate in basis points; before the first one nothing is earned.
    """
    if until <= since:
        return []
    inside = {day for day in (*changes, *(day for day, _ in rates)) if since < day < until}
    balance_kobo = sum(kobo for day, kobo in changes.items() if day < since)
    rows = []
    for day, next_day in itertools.pairwise([since, *sorted(inside), until]):
        balance_kobo += changes.get(day, 0)
        rate_bps = max((rate for rate in rates if rate[0] <= day), default=(0, 0))[1]
        rows.append(Stretch(day, next_day, balance_kobo, rate_bps))
    return rows


def divide(numerator: int, *, tax_rate_bps: int, tax_remainder: int = 0) -> Interest:
    """Return the interest and the withholding tax in whole kobo, both rounded down, for a numerator.

    Tax is (gross x rate + tax_remainder) // 10,000, so that over time the rounding costs nobody more than a kobo.
    NGN 100,000 at 8.5 % for 90 days: 209,589 gross, at 10 % tax of 20,958 and a tax remainder of 9,000.
    """
    gross_kobo, remainder = divmod(numerator, money.INTEREST_DENOMINATOR)
    tax_kobo, tax_remainder = divmod(gross_kobo * tax_rate_bps + tax_remainder, 10_000)
    return Interest(gross_kobo, tax_kobo, remainder, tax_remainder)


def next_due(day: datetime.date, matures_on: datetime.date | None) -> datetime.date | None:
    """Return the first of a month on which a plan with monthly interest is paid next, after a day.

    None where the plan matures before, or on that day: the interest is then posted at maturity.
    """
    due_on = dates.next_first(day)
    return due_on if matures_on is None or due_on < matures_on else None
