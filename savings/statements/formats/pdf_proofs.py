"""The interest proofs of a PDF as text: the steps of each plan, up to a limit."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from typing import Any

from savings import money
from savings.statements.formats import InterestProof, ProofLine

# The child's memory is for 1,500 rows and these.
_MOST_LINES = 300


def proof_tables(
    proofs: Iterable[InterestProof], day: Callable[[datetime.date], str], shorten: Callable[[str, int], str]
) -> list[dict[str, Any]]:
    """Return a table for each plan: its name, its rows of four texts, and the result."""
    tables, left = [], _MOST_LINES
    for proof in proofs:
        shown = proof.lines[:left]
        left -= len(shown)
        result = proof.result
        if len(shown) < len(proof.lines):
            result = f"{len(proof.lines) - len(shown):,} more rows are in Excel and CSV. {result}"
        rows = [_row(line, day) for line in shown]
        tables.append({"plan": shorten(proof.plan, 90), "rows": rows, "result": result})
    return tables


def _row(line: ProofLine, day: Callable[[datetime.date], str]) -> list[str]:
    if not line.what:
        days = f"{day(line.since)} to {day(line.until)}, {line.days} day{'' if line.days == 1 else 's'}"
        return [days, money.figures(line.balance_kobo or 0), line.rate, f"{line.numerator:,}"]
    text = f"{line.what} on {day(line.until)}"
    if line.gross_kobo is not None and line.tax_kobo is not None:
        net = money.figures(line.gross_kobo - line.tax_kobo)
        text += f": {money.figures(line.gross_kobo)}, tax {money.figures(line.tax_kobo)}, after tax {net}"
    if line.remainder is not None:
        text += f"; left {line.remainder:,}"
    return [text, "", "", f"{line.numerator:,}"]
