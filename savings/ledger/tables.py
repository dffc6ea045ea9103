"""Reports of the ledger as rows of text, to print or to write as CSV."""

from __future__ import annotations

from savings import money
from savings.ledger.coverage import Coverage
from savings.ledger.reports import TrialBalance

Row = list[str]
_COLUMNS = ["Account", "Opening", "Debits", "Credits", "Closing"]


def trial_balance_table(balance: TrialBalance, *, for_programs: bool = False) -> list[Row]:
    """Return the heading, the lines and the totals of a trial balance, with amounts in naira.

    Amounts are written for people (`1,250.50`), or for programs (`1250.50`).
    """
    write = money.decimal if for_programs else money.figures
    lines: list[tuple[str, list[int | None]]] = [
        (line.name, [line.opening_kobo, line.debits_kobo, line.credits_kobo, line.closing_kobo])
        for line in balance.lines
    ]
    lines += [
        ("Debits and credits", [None, balance.debits_kobo, balance.credits_kobo, None]),
        ("Debit balances", [None, None, None, balance.debit_balances_kobo]),
        ("Credit balances", [None, None, None, balance.credit_balances_kobo]),
    ]
    return [
        _COLUMNS,
        *([name, *("" if kobo is None else write(kobo) for kobo in row)] for name, row in lines),
    ]


def coverage_table(found: Coverage) -> list[Row]:
    """Return what is owed and what is there, line by line with both sums, with amounts in naira."""
    sides = (("Owed", found.owed, found.owed_kobo), ("There", found.held, found.held_kobo))
    rows: list[Row] = []
    for title, lines, total_kobo in sides:
        rows += [[f"{title}: {name}", money.figures(kobo)] for name, kobo in lines.items()]
        rows.append([f"{title}, together", money.figures(total_kobo)])
    return rows


def columns(table: list[Row]) -> str:
    """Return a table for a terminal: the first column to the left, the others to the right."""
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(
            [
                f"{name:<{widths[0]}}",
                *(f"{cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True)),
            ]
        )
        for name, *cells in table
    )
