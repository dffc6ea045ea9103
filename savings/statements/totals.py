"""The totals of a statement's rows, which a resumed writer continues."""

from __future__ import annotations

import dataclasses
from typing import Any, Self

from savings.models import Transaction
from savings.statements import messages
from savings.statements.formats import Foot, KindTotal


@dataclasses.dataclass
class Sums:
    """The totals (kobo) of the rows so far. A resumed writer starts from them."""

    balance_kobo: int
    rows: int = 0
    # The sums of the columns of interest, before tax, and of tax.
    interest_kobo: int = 0
    tax_kobo: int = 0
    # The number of rows, money in and money out by kind. A transfer between two accounts of the statement counts in
    # neither amount.
    kinds: dict[str, list[int]] = dataclasses.field(default_factory=dict)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        return cls(**stored)

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def add_interest(self, kobo: int, *, is_tax: bool) -> tuple[int | None, int | None]:
        """Count money in, or out if it is negative, and return it for the columns of interest and of tax."""
        if is_tax:
            self.tax_kobo -= kobo
            return None, -kobo
        self.interest_kobo += kobo
        return kobo, None

    def foot(self) -> Foot:
        """Return the foot of the statement."""
        totals = [KindTotal(_label(kind), *values) for kind, values in sorted(self.kinds.items())]
        return Foot(
            rows=self.rows,
            totals=totals,
            in_kobo=sum(total.in_kobo for total in totals),
            out_kobo=sum(total.out_kobo for total in totals),
            interest_gross_kobo=self.interest_kobo,
            interest_tax_kobo=self.tax_kobo,
            closing_kobo=self.balance_kobo,
        )


def _label(kind: str) -> str:
    return kind if kind == messages.OWN_TRANSFER else Transaction.Kind(kind).label
