"""Coverage: the money that is owed, against the money that is there to pay it."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable

from django.db import connection
from django.utils import timezone

from savings import money
from savings.ledger import messages, reports
from savings.ledger.dialect import FUNCTIONS
from savings.models import Account, CoverageDay

Kind = Account.Kind
_INTEREST = "interest"
# The kinds of account in each line. Interest payable is the accrued interest once more, and what savers owe
# (receivable) is not money that is there. The bank account "own" is the house's.
_OWED = {
    "Stashes": (Kind.STASH,),
    "Plans": (Kind.PLAN,),
    "Withdrawals on their way": (Kind.HOLD,),
    "Suspense": (Kind.SUSPENSE,),
    "Refunds due": (Kind.REFUNDS_DUE,),
    "Withholding tax": (Kind.TAX_PAYABLE,),
    "VAT": (Kind.VAT_PAYABLE,),
    "Stamp duty": (Kind.STAMP_DUTY_PAYABLE,),
    "Unclaimed money": (Kind.UNCLAIMED,),
    "Interest earned and not posted": (_INTEREST,),
}
_HELD = {
    "Bank account of the customers": (f"{Kind.BANK} customers",),
    "Provider balance": (Kind.PROVIDER_BALANCE,),
    "Collected and not settled": (Kind.CLEARING,),
}
# The lines that are not one account of the house: of savers, and of each provider.
_OF_SEVERAL = {Kind.STASH, Kind.PLAN, Kind.HOLD, Kind.PROVIDER_BALANCE, Kind.CLEARING, _INTEREST}
# In the statement of the other sums, so that a posting of interest cannot fall between the two.
_STATEMENT = """
SELECT kind, part, opening, debits, credits, newest FROM ({sums}) AS sums
UNION ALL
SELECT '{interest}', '', COALESCE(SUM(
    (accrued_numerator + balance_kobo * rate_bps * {greatest}(0, {least}(%(today)s, accrues_until) - accrued_to))
    / {per_kobo}
), 0), 0, 0, 0
FROM savings_account WHERE balance_kobo IS NOT NULL
"""


@dataclasses.dataclass(frozen=True)
class Coverage:
    """The lines of the money that is owed and of the money that is there, in kobo."""

    as_of: datetime.datetime
    owed: dict[str, int]
    held: dict[str, int]

    @property
    def owed_kobo(self) -> int:
        return sum(self.owed.values())

    @property
    def held_kobo(self) -> int:
        return sum(self.held.values())

    @property
    def is_enough(self) -> bool:
        return self.held_kobo >= self.owed_kobo

    @property
    def covered_bps(self) -> int:
        """The covered share of what is owed in basis points, rounded down; the whole while nothing is owed."""
        return money.ratio_bps(self.held_kobo, self.owed_kobo) if self.owed_kobo else 10_000

    @property
    def verdict(self) -> str:
        """A sentence with the covered share, and with what is missing."""
        share = money.percent(self.covered_bps)
        if self.is_enough:
            return messages.coverage(share)
        return messages.coverage_below(share, self.owed_kobo - self.held_kobo)


def coverage(at: datetime.datetime) -> Coverage:
    """Return what is owed and what is there by the entries up to a moment of today.

    Interest is owed gross, in whole kobo for each account, for the days before `at`. The figure is exact for today
    only, because accounts store the interest of the present.
    """
    statement = _STATEMENT.format(
        sums=reports.SUMS,
        interest=_INTEREST,
        per_kobo=money.INTEREST_DENOMINATOR,
        **FUNCTIONS[connection.vendor],
    )
    until = reports.moment(at + datetime.timedelta(microseconds=1))
    today = timezone.localdate(at).toordinal()
    rows = reports.fetch(statement, {"since": until, "until": until, "today": today})
    balances: dict[str, int] = {}
    for kind, part, opening_kobo, *_ in rows:
        key = f"{kind} {part}" if kind == Kind.BANK else kind
        balances[key] = balances.get(key, 0) + opening_kobo
    return Coverage(
        as_of=at,
        owed={name: _sum(balances, kinds) for name, kinds in _OWED.items()},
        held={name: -_sum(balances, kinds) for name, kinds in _HELD.items()},
    )


def stored_balances(day: CoverageDay) -> dict[tuple[str, str], int]:
    """Return what accounts of the house held at the end of a stored day, in kobo, by their kind and place."""
    lines = dict([*day.owed, *day.held])
    return {
        _place(kinds[0]): lines[name]
        for name, kinds in (_OWED | _HELD).items()
        if name in lines and kinds[0] not in _OF_SEVERAL
    }


def _place(key: str) -> tuple[str, str]:
    kind, _, place = key.partition(" ")
    return kind, place


def _sum(balances: dict[str, int], kinds: Iterable[str]) -> int:
    return sum(balances.get(kind, 0) for kind in kinds)
