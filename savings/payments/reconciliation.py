"""Compares the books with what the provider says it has: what it collected, and its balance for transfers."""

from __future__ import annotations

import dataclasses

from django.conf import settings

from savings import ledger
from savings.models import Account
from savings.payments import fees, paystack, provider_money


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One account of the books, and the figure of the provider that it has to equal. Kobo."""

    account: str
    figure: str
    ours_kobo: int
    theirs_kobo: int

    @property
    def difference_kobo(self) -> int:
        return self.ours_kobo - self.theirs_kobo


def reconcile() -> list[Comparison]:
    """Ask the provider what it has, and compare each figure with the books.

    Right only when all that has happened at the provider is booked: refunds on their way, settlements and disputes
    differ until their task has run. Raises ProviderUnavailable and ProviderRefused.
    """
    # The provider's figures first, so that what is booked meanwhile cannot hide a difference for long.
    unsettled_kobo = provider_money.unsettled_kobo()
    balance_kobo = provider_money.balances().get(settings.CURRENCY, 0)
    rows = (row for row in provider_money.list_balance_rows() if row.currency == settings.CURRENCY)
    newest = next(rows, None)
    clearing_kobo = ledger.balance_kobo(fees.clearing())
    place = ledger.house_account(Account.Kind.PROVIDER_BALANCE, paystack.PROVIDER)
    held_kobo = ledger.balance_kobo(place)
    return [
        Comparison("clearing", "not settled yet", clearing_kobo, unsettled_kobo),
        Comparison("provider balance", "balance", held_kobo, balance_kobo),
        Comparison(
            "provider balance", "last row of its ledger", held_kobo, newest.balance_kobo if newest else 0
        ),
    ]
