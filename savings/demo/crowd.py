"""The transactions of a crowd in the order of time, with their entries, balances and interest."""

from __future__ import annotations

import dataclasses
import datetime
import random
from array import array
from collections.abc import Iterator
from itertools import accumulate

from django.db import connection
from django.utils import timezone

from savings import ledger, references
from savings.demo import bulk
from savings.models import Account, Entry, Transaction
from savings.models.ledger import REFERENCE_PREFIXES

Kind = Transaction.Kind
Status = Transaction.Status
MOST_IN_ONE_PLAN = 100_000
_TRANSACTION_COLUMNS = [
    "id",
    "reference",
    "kind",
    "status",
    "amount_kobo",
    "user_id",
    "plan_id",
    "created_on",
]
_TRANSACTION_COLUMNS += ["settled_on", "failure_code", "reverses_id"]
_ENTRY_COLUMNS = ["id", "transaction_id", "code", "debit_account_id", "credit_account_id", "amount_kobo"]
_ENTRY_COLUMNS += ["debit_balance_kobo", "credit_balance_kobo", "posted_at", "value_on"]


@dataclasses.dataclass
class Crowd:
    """Users and accounts by number, from 0. Accounts are numbered stashes first, in the order of users, then plans."""

    people: int
    first_user: int
    first_plan: int
    first_account: int
    # The number of each user's first plan. Their plans end before the next user's first plan.
    plans_from: array[int]
    # For each account: whether money can be taken out at any time, and the stored values.
    is_open: bytearray
    rates: array[int]
    balances: array[int]
    numerators: array[int]
    accrued_to: array[int]


class Life:
    """Writes the transactions of a crowd in batches, evenly spread over a period."""

    def __init__(
        self,
        crowd: Crowd,
        chance: random.Random,
        transactions: int,
        *,
        begins: datetime.datetime,
        ends: datetime.datetime,
    ) -> None:
        self.crowd, self.chance, self.left = crowd, chance, transactions
        self.begins, self.ends = begins, ends
        self.step = (ends - begins) / (transactions + 1)
        self.done = 0
        # One in `stride` transactions is the first user's.
        self.stride = transactions // max(1, min(transactions // 10, MOST_IN_ONE_PLAN)) or 1
        # A few users make most transactions (a Pareto-like distribution).
        self.weights = list(accumulate((number + 1) ** -0.9 for number in range(crowd.people)))
        self.clearing = ledger.house_account(Account.Kind.CLEARING, "paystack").pk
        self.actors = self._people()

    def write_batch(self, times: int, *, is_written: bool = False) -> None:
        """Write `times` transactions with their entries and balances.

        With `is_written` they are in the database, and only what this object remembers is made again.
        """
        self.transactions: list[tuple[object, ...]] = []
        self.entries: list[tuple[object, ...]] = []
        self.touched: set[int] = set()
        self.transaction_id = 0 if is_written else bulk.reserve(Transaction, times)
        self.entry_id = 0 if is_written else bulk.reserve(Entry, times)
        while len(self.transactions) < times:
            self.moment = self.begins + (self.done + 1) * self.step
            self.today = timezone.localdate(self.moment).toordinal()
            if self.done % self.stride == 0:
                self._pay_in(0, self.crowd.people, kobo=self.chance.randrange(100, 5_000) * 100)
            else:
                self._act(next(self.actors), room=times - len(self.transactions))
        self.left -= times
        if not is_written:
            bulk.write(Transaction, _TRANSACTION_COLUMNS, self.transactions)
            bulk.write(Entry, _ENTRY_COLUMNS, self.entries)
            self._write_balances()

    def _people(self) -> Iterator[int]:
        while True:
            yield from self.chance.choices(range(self.crowd.people), cum_weights=self.weights, k=10_000)

    def _act(self, person: int, *, room: int) -> None:
        """Record one random act of a user. A reversed deposit is two transactions."""
        crowd, luck = self.crowd, self.chance.random()
        plan = crowd.people + self.chance.randrange(crowd.plans_from[person], crowd.plans_from[person + 1])
        kobo = min(max(int(self.chance.lognormvariate(4.6, 1)) * 50_00, 100_00), 1_000_000_00)
        if luck < 0.14 and crowd.balances[person] >= 100_00:
            kobo = min(kobo, crowd.balances[person])
            self._record(Kind.STASH_TO_PLAN, kobo, person, plan, debit=person, credit=plan)
        elif luck < 0.21 and crowd.is_open[plan] and crowd.balances[plan] >= 100_00:
            kobo = min(kobo, crowd.balances[plan])
            self._record(Kind.PLAN_TO_STASH, kobo, person, plan, debit=plan, credit=person)
        elif luck < 0.35:
            self._pay_in(person, person, kobo=kobo)
        elif luck < 0.41:
            self._record(Kind.TOP_UP, kobo, person, plan, status=Status.FAILED, failure_code="failed")
        elif luck < 0.45:
            self._record(Kind.TOP_UP, kobo, person, plan, status=Status.ABANDONED, failure_code="left")
        elif luck < 0.453 and room > 1:
            deposit = self._record(Kind.STASH_DEPOSIT, kobo, person, credit=person, status=Status.REVERSED)
            self._record(Kind.REVERSAL, kobo, person, debit=person, reverses=deposit)
        else:
            self._pay_in(person, plan, kobo=kobo)

    def _pay_in(self, person: int, account: int, *, kobo: int) -> None:
        if account < self.crowd.people:
            self._record(Kind.STASH_DEPOSIT, kobo, person, credit=account)
        else:
            self._record(Kind.TOP_UP, kobo, person, account, credit=account)

    def _record(
        self,
        kind: Kind,
        kobo: int,
        person: int,
        plan: int | None = None,
        *,
        debit: int | None = None,
        credit: int | None = None,
        status: Status = Status.SUCCESS,
        failure_code: str = "",
        reverses: int | None = None,
    ) -> int:
        """Record a transaction, and its entry if it moved money. An account of None is the clearing account."""
        crowd, has_moved = self.crowd, status in {Status.SUCCESS, Status.REVERSED}
        transaction_id = self.transaction_id
        reference = references.at(
            self.moment, prefix=REFERENCE_PREFIXES[kind], chance=self.chance.getrandbits(35)
        )
        user_id = crowd.first_user + person
        plan_id = None if plan is None else crowd.first_plan + plan - crowd.people
        settled_on = self.moment if has_moved else None
        row = (transaction_id, reference, kind.value, status.value, kobo, user_id, plan_id, self.moment)
        self.transactions.append((*row, settled_on, failure_code, reverses))
        self.transaction_id += 1
        self.done += 1
        if has_moved:
            self._post(transaction_id, kobo, debit, credit)
        return transaction_id

    def _post(self, transaction_id: int, kobo: int, debit: int | None, credit: int | None) -> None:
        sides = [
            (self.clearing, None) if account is None else self._change(account, change)
            for account, change in ((debit, -kobo), (credit, kobo))
        ]
        (debit_id, debit_after), (credit_id, credit_after) = sides
        row = (self.entry_id, transaction_id, "primary", debit_id, credit_id, kobo)
        self.entries.append((*row, debit_after, credit_after, self.moment, timezone.localdate(self.moment)))
        self.entry_id += 1

    def _change(self, account: int, change: int) -> tuple[int, int]:
        """Apply a change (kobo) and the interest to an account, as the ledger does; return its id and new balance."""
        crowd = self.crowd
        days = self.today - crowd.accrued_to[account]
        crowd.numerators[account] += crowd.balances[account] * crowd.rates[account] * days
        crowd.accrued_to[account] = self.today
        crowd.balances[account] += change
        self.touched.add(account)
        return crowd.first_account + account, crowd.balances[account]

    def _write_balances(self) -> None:
        crowd = self.crowd
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE savings_account SET balance_kobo = %s, accrued_numerator = %s, accrued_to = %s WHERE id = %s",
                [
                    (crowd.balances[i], crowd.numerators[i], crowd.accrued_to[i], crowd.first_account + i)
                    for i in sorted(self.touched)
                ],
            )
