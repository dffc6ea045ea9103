"""The trial balance: the opening balance, debits, credits and closing balance of every account in a month."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable
from typing import Any

from django.db import connection

from savings import dates
from savings.exceptions import Refused
from savings.ledger import messages
from savings.models import Account, Product
from savings.models.local_days import start_of

Kind = Account.Kind
_ORDER = {kind: place for place, kind in enumerate(Kind.values)}

# One pass over the entries before `until`, summed by pairs of lines: some dozens of groups, however many accounts there
# are. Summed by account, PostgreSQL would sort them on disk. `part` is the product of a plan, and the place of an
# account of the house. Opening balances are positive where credits are larger.
SUMS = """
WITH pairs AS MATERIALIZED (
    SELECT d.kind AS debit_kind, CASE WHEN d.kind = 'plan' THEN '' || dp.product_id ELSE d.provider END AS debit_part,
        c.kind AS credit_kind, CASE WHEN c.kind = 'plan' THEN '' || cp.product_id ELSE c.provider END AS credit_part,
        SUM(CASE WHEN e.posted_at < %(since)s THEN e.amount_kobo ELSE 0 END) AS earlier,
        SUM(CASE WHEN e.posted_at < %(since)s THEN 0 ELSE e.amount_kobo END) AS during,
        MAX(e.id) AS newest
    FROM savings_entry e
    JOIN savings_account d ON d.id = e.debit_account_id LEFT JOIN savings_plan dp ON dp.id = d.plan_id
    JOIN savings_account c ON c.id = e.credit_account_id LEFT JOIN savings_plan cp ON cp.id = c.plan_id
    WHERE e.posted_at < %(until)s
    GROUP BY 1, 2, 3, 4
),
sides AS (
    SELECT debit_kind AS kind, debit_part AS part, -earlier AS opening, during AS debits, 0 AS credits, newest
    FROM pairs
    UNION ALL
    SELECT credit_kind, credit_part, earlier, 0, during, newest FROM pairs
)
SELECT kind, part, SUM(opening) AS opening, SUM(debits) AS debits, SUM(credits) AS credits, MAX(newest) AS newest
FROM sides GROUP BY kind, part
"""


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of a trial balance. Amounts are in kobo; balances are positive on the normal side.

    A line is an account of the house, all stashes, all holds, or all plans of a product. `key` stays the same when the
    product is renamed.
    """

    key: str
    name: str
    is_debit_normal: bool
    opening_kobo: int
    debits_kobo: int
    credits_kobo: int

    @property
    def closing_kobo(self) -> int:
        change_kobo = self.debits_kobo - self.credits_kobo
        return self.opening_kobo + (change_kobo if self.is_debit_normal else -change_kobo)


@dataclasses.dataclass(frozen=True)
class TrialBalance:
    """The lines of a month in the order of the chart of accounts, and the id of the newest entry in them."""

    month_on: datetime.date
    lines: list[Line]
    last_entry_id: int

    @property
    def debits_kobo(self) -> int:
        return sum(line.debits_kobo for line in self.lines)

    @property
    def credits_kobo(self) -> int:
        return sum(line.credits_kobo for line in self.lines)

    @property
    def debit_balances_kobo(self) -> int:
        """The closing balances of all accounts whose normal side is the debit side."""
        return sum(line.closing_kobo for line in self.lines if line.is_debit_normal)

    @property
    def credit_balances_kobo(self) -> int:
        """The closing balances of all accounts whose normal side is the credit side."""
        return sum(line.closing_kobo for line in self.lines if not line.is_debit_normal)

    @property
    def is_balanced(self) -> bool:
        """Whether debits equal credits, and debit balances equal credit balances."""
        return self.debits_kobo == self.credits_kobo and self.debit_balances_kobo == self.credit_balances_kobo


def trial_balance(month_on: datetime.date) -> TrialBalance:
    """Return the trial balance of the month that begins on `month_on`, from the entries alone.

    The month is the local month in which entries were posted. A month that is not over is summed up to now. Raises
    Refused for a day that is not the first of a month.
    """
    rows = fetch(SUMS, {"since": moment(start_of(month_on)), "until": moment(month_end(month_on))})
    products = dict(Product.objects.values_list("pk", "name"))
    lines = sorted((_line(row, products) for row in rows), key=_place)
    return TrialBalance(month_on, lines, max((row[-1] for row in rows), default=0))


def month_end(month_on: datetime.date) -> datetime.datetime:
    """Return the first moment after a month. Raises Refused for a day that is not the first of a month."""
    if month_on.day != 1:
        raise Refused(messages.NOT_FIRST_DAY)
    return start_of(dates.next_first(month_on))


def fetch(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return the rows of a statement of sums, with the sums as integers."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [(kind, part, *map(int, sums)) for kind, part, *sums in cursor.fetchall()]


def moment(value: datetime.datetime) -> Any:
    """Return a moment as a parameter of SQL."""
    return connection.ops.adapt_datetimefield_value(value)


def _line(row: Iterable[Any], products: dict[int, str]) -> Line:
    kind, part, opening_kobo, debits_kobo, credits_kobo, _ = row
    is_debit_normal = kind in Account.DEBIT_KINDS
    label = Kind(kind).label
    place = products[int(part)] if kind == Kind.PLAN else part
    return Line(
        key=f"{kind} {part}".strip(),
        name=f"{label} ({place})" if place else label,
        is_debit_normal=is_debit_normal,
        opening_kobo=-opening_kobo if is_debit_normal else opening_kobo,
        debits_kobo=debits_kobo,
        credits_kobo=credits_kobo,
    )


def _place(line: Line) -> tuple[int, str]:
    return _ORDER[Kind(line.key.split(maxsplit=1)[0])], line.name
