"""The totals of a statement's rows, which a resumed writer continues."""

from __future__ import annotations

import dataclasses
from typing import Any, Self

from savings.models import Transaction
from savings.statements.formats import Foot, KindTotal

# The kind of a row whose money moves between two accounts of the same statement.
OWN_TRANSFER = "Transfer between your accounts"


@dataclasses.dataclass
class Sums:
    """The totals (kobo) of the rows so far. A resumed writer starts from them."""

    balance_kobo: int
    rows: int = 0
    # The number of rows, money in and money out by kind. A transfer between two accounts of the statement counts in
    # neither amount.
    kinds: dict[str, list[int]] = dataclasses.field(default_factory=dict)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        return cls(**stored)

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def foot(self) -> Foot:
        """Return the foot of the statement."""
        totals = [KindTotal(_label(kind), *values) for kind, values in sorted(self.kinds.items())]
        interest = self.kinds.get(Transaction.Kind.INTEREST, [0, 0, 0])
        tax = self.kinds.get(Transaction.Kind.TAX_WITHHELD, [0, 0, 0])
        return Foot(
            rows=self.rows,
            totals=totals,
            in_kobo=sum(total.in_kobo for total in totals),
            out_kobo=sum(total.out_kobo for total in totals),
            interest_gross_kobo=interest[1] - interest[2],
            interest_tax_kobo=tax[2] - tax[1],
            closing_kobo=self.balance_kobo,
        )


def _label(kind: str) -> str:
    return kind if kind == OWN_TRANSFER else Transaction.Kind(kind).label
