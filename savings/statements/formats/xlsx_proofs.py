"""The sheet of a workbook with the interest proofs: a line for each step, and below each plan its result."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from savings.statements.formats import InterestProof, ProofLine
from savings.statements.formats.text import plain
from savings.statements.formats.xlsx_cells import MOST_CHARACTERS, check_code, midnight

_COLUMNS = {
    "Plan": 24,
    "What": 24,
    "From": 12,
    "To": 12,
    "Days": 8,
    "Balance": 16,
    "Rate": 10,
    "Numerator": 24,
    "Interest": 16,
    "Tax": 16,
    "Left": 12,
    "Reference": 22,
}
# Above it a float is not exact.
_MOST_EXACT = 2**53


class Formats(NamedTuple):
    """The cell formats of the workbook."""

    heading: Any
    day: Any
    money: Any
    whole: Any


def write_proofs(sheet: Any, proofs: Iterable[InterestProof], formats: Formats) -> None:
    """Write the proofs to an empty sheet. Raises FileNotMade."""
    for column, (name, width) in enumerate(_COLUMNS.items()):
        check_code(sheet.set_column(column, column, width))
        check_code(sheet.write_string(0, column, name, formats.heading))
    sheet.freeze_panes(1, 0)
    number = 1
    for proof in proofs:
        for line in proof.lines:
            _write_line(sheet, number, proof.plan, line, formats)
            number += 1
        _write_texts(sheet, number, {0: proof.plan, 1: proof.result})
        number += 1


def _write_line(sheet: Any, number: int, plan: str, line: ProofLine, formats: Formats) -> None:
    _write_texts(sheet, number, {0: plan, 1: line.what or "Days", 6: line.rate, 11: line.reference})
    for column, day in ((2, line.since), (3, line.until)):
        check_code(sheet.write_datetime(number, column, midnight(day), formats.day))
    if abs(line.numerator) < _MOST_EXACT:
        check_code(sheet.write_number(number, 7, line.numerator, formats.whole))
    else:
        check_code(sheet.write_string(number, 7, f"{line.numerator:,}"))
    for column, whole in ((4, line.days), (10, line.remainder)):
        if whole is not None:
            check_code(sheet.write_number(number, column, whole, formats.whole))
    for column, kobo in ((5, line.balance_kobo), (8, line.gross_kobo), (9, line.tax_kobo)):
        if kobo is not None:
            check_code(sheet.write_number(number, column, kobo / 100, formats.money))


def _write_texts(sheet: Any, number: int, texts: dict[int, str]) -> None:
    for column, text in texts.items():
        if text:
            check_code(sheet.write_string(number, column, plain(text)[:MOST_CHARACTERS]))
