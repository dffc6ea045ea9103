"""The interest proofs of a PDF as text: the steps of each plan, up to a limit."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from typing import Any

from savings import money
from savings.statements import messages
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
            result = f"{messages.proof_rows_left_out(len(proof.lines) - len(shown))} {result}"
        rows = [_row(line, day) for line in shown]
        tables.append({"plan": shorten(proof.plan, 90), "rows": rows, "result": result})
    return tables


def _row(line: ProofLine, day: Callable[[datetime.date], str]) -> list[str]:
    numerator = f"{line.numerator:,}"
    if not line.what:
        days = messages.proof_days(day(line.since), day(line.until), line.days)
        return [days, money.figures(line.balance_kobo or 0), line.rate, numerator]
    if line.gross_kobo is None or line.tax_kobo is None or line.remainder is None:
        return [messages.proof_step_on(line.what, day(line.until)), "", "", numerator]
    text = messages.proof_posting_on(
        line.what,
        day(line.until),
        gross=money.figures(line.gross_kobo),
        tax=money.figures(line.tax_kobo),
        net=money.figures(line.gross_kobo - line.tax_kobo),
        left=line.remainder,
    )
    return [text, "", "", numerator]
