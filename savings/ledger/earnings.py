"""What a part of a plan's money can have earned, day by day, from its entries and rates."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Collection, Mapping
from typing import NamedTuple, Self

from django.db.models import Case, F, Q, Sum, When
from django.db.models.functions import Coalesce, TruncDate

from savings import money
from savings.models import Account, Entry, Transaction

Kind = Transaction.Kind


class _Stretch(NamedTuple):
    """Days on which a plan's account had one balance (kobo) and one rate, from `day` (an ordinal) on.

    `gross_kobo` of interest was posted on the first of them, of which `net_kobo` stayed in the account.
    """

    day: int
    days: int
    rate_bps: int
    balance_kobo: int
    gross_kobo: int
    net_kobo: int


@dataclasses.dataclass(frozen=True)
class History:
    """The days of a plan's account from the day on which money came to the day up to which it has accrued."""

    stretches: list[_Stretch]

    @classmethod
    def read(cls, account: Account, came: Collection[int], until: int) -> Self:
        """Read the value-dated balances and the rates of an account, in two queries.

        It begins on the first of the days on which money came or went. All days are ordinals.
        """
        changes = changes_by_day(account)
        rates = list(account.rate_periods.order_by("from_day").values_list("from_day", "rate_bps"))
        rates = rates or [(0, account.rate_bps)]
        first, end = min(came), until
        days = sorted(day for day in {*came, *changes, *(day for day, _ in rates)} if first <= day < end)
        balance_kobo = sum(change[0] for day, change in changes.items() if day < first)
        stretches = []
        for day, next_day in itertools.pairwise([*days, end]):
            change_kobo, gross_kobo, net_kobo = changes.get(day, (0, 0, 0))
            balance_kobo += change_kobo
            stretches.append(
                _Stretch(
                    day=day,
                    days=next_day - day,
                    rate_bps=max((one for one in rates if one[0] <= day), default=(0, 0))[1],
                    balance_kobo=balance_kobo,
                    gross_kobo=gross_kobo,
                    net_kobo=net_kobo,
                )
            )
        return cls(stretches)

    @property
    def rate_days(self) -> int:
        """The sum of rate_bps over the days: what one kobo earns if it was there all the time."""
        return sum(stretch.rate_bps * stretch.days for stretch in self.stretches)

    def earned(self, changes: Mapping[int, int]) -> int:
        """Return the most that money can have earned, as a numerator. `changes` are the kobo that came, by day.

        It earned on a day at most on the balance at the end of that day. Its share of posted interest stayed with it,
        and earned too.
        """
        held_kobo = earned = unposted = 0
        for stretch in self.stretches:
            if stretch.gross_kobo > 0:
                posted_kobo = min(-(-unposted // money.INTEREST_DENOMINATOR), stretch.gross_kobo)
                held_kobo += -(-posted_kobo * stretch.net_kobo // stretch.gross_kobo)
                unposted = 0
            held_kobo += changes.get(stretch.day, 0)
            share = min(held_kobo, max(0, stretch.balance_kobo)) * stretch.rate_bps * stretch.days
            earned += share
            unposted += share
        return earned


def changes_by_day(account: Account) -> dict[int, tuple[int, int, int]]:
    """Return per value day the change of an account, the interest posted to it, and what of that stayed. Kobo."""
    change = Case(When(credit_account=account, then=F("amount_kobo")), default=-F("amount_kobo"))
    # Not the tax on a correction by staff, whose interest belongs to no period.
    tax = Q(transaction__kind=Kind.TAX_WITHHELD, transaction__part_of__kind=Kind.INTEREST)
    posting = Q(transaction__kind=Kind.INTEREST) | tax
    entries = Entry.objects.filter(Q(debit_account=account) | Q(credit_account=account))
    days = (
        entries.annotate(day=Coalesce("value_on", TruncDate("posted_at")))
        .order_by()
        .values_list("day")
        .annotate(
            change=Sum(change),
            gross=Sum(change, filter=Q(transaction__kind=Kind.INTEREST), default=0),
            net=Sum(change, filter=posting, default=0),
        )
    )
    return {day.toordinal(): (int(moved), int(gross), int(net)) for day, moved, gross, net in days}
