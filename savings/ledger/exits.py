"""Interest when money leaves a plan early: what a full exit posts, and what an exit of a forfeiting plan forfeits.

The quote before an exit reads `ExitBasis`, and the exit posts by the same functions, so the two cannot differ.
"""

from __future__ import annotations

import dataclasses
import datetime
from typing import NamedTuple

from django.db.models import F, OuterRef, QuerySet, Subquery, Sum

from savings.ledger.accounts import accrued_numerator
from savings.ledger.coming_interest import post, posting_days, total
from savings.ledger.due_interest import DueAccount, due_accounts, earned
from savings.ledger.interest import Interest, divide
from savings.ledger.posting import bring_forward
from savings.ledger.rates import TaxRates
from savings.models import Account, Entry, ForfeitedInterest, Plan, Transaction
from savings.money import INTEREST_DENOMINATOR


class Held(NamedTuple):
    """The balance and interest of a plan on a day, if nothing but its monthly interest moves until then.

    `numerator` is what is earned and not posted. `interest` is all that is posted from today up to that day if the plan
    is emptied on it. Its last posting is the one of the exit.
    """

    balance_kobo: int
    numerator: int
    interest: Interest


@dataclasses.dataclass(frozen=True)
class ExitBasis:
    """The facts from which an exit is calculated. `last_entry` is the id of the newest entry of its account."""

    account: DueAccount
    last_entry: int
    taxes: TaxRates

    @classmethod
    def read(cls, plan: Plan) -> ExitBasis:
        """Read the account of a plan, its newest entry and the tax rates, in three queries."""
        accounts = Account.objects.filter(plan=plan)
        newest = [
            Subquery(_newest(Entry.objects.filter(**{side: OuterRef("pk")})))
            for side in ("debit_account", "credit_account")
        ]
        ids = accounts.values_list(*newest)[0]
        return cls(due_accounts(accounts)[0], max(number or 0 for number in ids), TaxRates.read())

    @property
    def state(self) -> tuple[int, ...]:
        """The state of the account, which is another one after each entry and each day brought forward."""
        one = self.account
        return (
            one.balance_kobo,
            one.accrued_numerator,
            one.accrued_to,
            one.rate_bps,
            one.tax_remainder,
            one.posted_to or 0,
            self.last_entry,
        )

    def held(self, day: datetime.date, *, today: datetime.date) -> Held:
        """Return what the plan holds on a day, today or later, up to the start of which its interest is posted."""
        account = self.account
        if day <= today:
            numerator = earned([account], until=day, value_on=day)[account.id].numerator
            if account.posted_to is not None and account.posted_to >= day.toordinal():
                # A day has one posting. What came since, with an earlier value day, waits for the next one.
                interest = Interest(0, 0, numerator, account.tax_remainder)
            else:
                interest = divide(
                    numerator, tax_rate_bps=self.taxes.on(day), tax_remainder=account.tax_remainder
                )
            return Held(account.balance_kobo, numerator, interest)
        return self._ahead(day, today)

    def _ahead(self, day: datetime.date, today: datetime.date) -> Held:
        account, compounds = self.account, not self.account.goes_to_stash
        since = max(today.toordinal(), account.accrued_to)
        so_far = accrued_numerator(account, today)
        postings = post(
            {since: account.balance_kobo},
            posting_days(account.interest_paid, today, day),
            since=since,
            rate_bps=account.rate_bps,
            taxes=self.taxes,
            compounds=compounds,
            carried=Interest(0, 0, so_far, account.tax_remainder),
        )
        came_kobo = sum(posting.net_kobo for posting in postings[:-1]) if compounds else 0
        last = postings[-1]
        numerator = last.gross_kobo * INTEREST_DENOMINATOR + last.remainder
        return Held(account.balance_kobo + came_kobo, numerator, total(postings))


def share_of(numerator: int, *, amount_kobo: int, balance_kobo: int) -> int:
    """Return the part of a plan's unposted interest that goes with an amount of its balance (kobo), rounded down."""
    return numerator * amount_kobo // balance_kobo


def forfeit_share(movement: Transaction, plan: Plan, *, amount_kobo: int, today: datetime.date) -> int:
    """Forfeit the unposted interest of an amount (kobo) that leaves a plan, and return its numerator.

    It is that earned before today, pro rata of the balance, and is kept as a row of the exit's first transaction; no
    money moves. Call it before the amount moves, under the lock of the owner.
    """
    accounts = Account.objects.filter(plan=plan)
    bring_forward(accounts.get())
    account = due_accounts(accounts)[0]
    unposted = earned([account], until=today, value_on=today)[account.id].numerator
    numerator = share_of(unposted, amount_kobo=amount_kobo, balance_kobo=account.balance_kobo)
    if numerator:
        accounts.update(accrued_numerator=F("accrued_numerator") - numerator)
        ForfeitedInterest.objects.create(account_id=account.id, transaction=movement, numerator=numerator)
    return numerator


def give_share_back(movement: Transaction, reversal: Transaction) -> None:
    """Give a plan back the interest that a reversed exit forfeited, as rows of the reversal."""
    rows = movement.forfeited_interest.order_by().values_list("account").annotate(sum=Sum("numerator"))
    for account_id, numerator in rows:
        Account.objects.filter(pk=account_id).update(accrued_numerator=F("accrued_numerator") + numerator)
        ForfeitedInterest.objects.create(account_id=account_id, transaction=reversal, numerator=-numerator)


def _newest(rows: QuerySet[Entry]) -> QuerySet[Entry, int]:
    return rows.order_by("-id").values_list("pk", flat=True)[:1]
