"""Statements as an Excel workbook: a sheet with a summary, and a sheet with one line for each row.

Amounts are numbers: kobo / 100 as a float, exact to the kobo below 2^53 / 100 naira. Moments are Excel dates in
`TIME_ZONE`, to the second, because Excel has no time zones. Text is always written as text, so a name is never
calculated, linked or fetched. Rows are written to a temporary file at once, so memory use does not grow.
"""

from __future__ import annotations

import datetime
import itertools
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, cast

import xlsxwriter
from django.conf import settings
from django.utils import timezone
from xlsxwriter.exceptions import FileCreateError

from savings.exceptions import TooManyRows
from savings.statements import messages
from savings.statements.formats import Foot, Head, Row
from savings.statements.formats.text import columns, plain
from savings.statements.formats.xlsx_cells import MOST_CHARACTERS, check_code, midnight
from savings.statements.formats.xlsx_proofs import Formats, write_proofs

_WIDTHS = {"Date": 18, "Reference": 22, "Kind": 20, "Name": 20, "Description": 36}
_SUM_WIDTH = 16
_A4 = 9


class Writer:
    """Writes Excel. XlsxWriter's temporary files are in a folder beside `path`."""

    # A sheet ends at 1,048,576 lines, and totals over several sheets are of no use to anybody in Excel.
    MOST_ROWS: int | None = 1_000_000

    def __init__(self, path: Path, head: Head) -> None:
        self._head = head
        self._zone = timezone.get_default_timezone()
        self._parts = path.with_name(f"{path.name}.parts")
        # The folder exists if an earlier try crashed.
        shutil.rmtree(self._parts, ignore_errors=True)
        self._parts.mkdir()
        self._book = xlsxwriter.Workbook(
            path, {"constant_memory": True, "tmpdir": str(self._parts), "use_zip64": True}
        )
        self._book.set_properties(
            {
                "title": plain(f"Statement. {head.subject}"),
                "comments": messages.verification_code(head.code),
                "created": head.made_at.astimezone(datetime.UTC).replace(tzinfo=None),
            }
        )
        self._bold = self._book.add_format({"bold": True})
        self._heading = self._book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self._money = self._book.add_format({"num_format": "#,##0.00"})
        self._whole = self._book.add_format({"num_format": "#,##0"})
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd", "align": "left"})
        self._moment = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"})
        self._summary = self._book.add_worksheet("Summary")
        self._rows = self._book.add_worksheet("Transactions")
        self._columns = ["Date", *columns(named=head.names_rows)]
        for sheet in (self._summary, self._rows):
            self._set_up_for_paper(sheet)
        self._line = 0
        self._write_header()

    def add(self, rows: Iterable[Row]) -> None:
        named, zone = self._head.names_rows, self._zone
        for at, reference, kind, name, description, *sums in rows:
            # Two lines are above the rows: the column names and the opening balance.
            if self.MOST_ROWS is not None and self._line - 2 == self.MOST_ROWS:
                raise TooManyRows(messages.too_many_rows_for_excel(self.MOST_ROWS))
            moment = at.astimezone(zone).replace(tzinfo=None, microsecond=0)
            texts = (reference, kind, name, description) if named else (reference, kind, description)
            self._write_row(moment, self._moment, texts, sums)

    def finish(self, foot: Foot) -> None:
        last = self._line - 1
        self._write_balance(self._head.until, messages.CLOSING_BALANCE, foot.closing_kobo)
        check_code(self._rows.autofilter(0, 0, max(last, 1), len(self._columns) - 1))
        self._write_summary(foot)
        proofs = iter(foot.proofs)
        first = next(proofs, None)
        if first is not None:
            sheet = self._book.add_worksheet("Interest")
            self._set_up_for_paper(sheet)
            formats = Formats(self._heading, self._day, self._money, self._whole)
            write_proofs(sheet, itertools.chain([first], proofs), formats)
        try:
            self._book.close()
        except FileCreateError as error:
            raise OSError(str(error)) from error
        finally:
            self.abandon()

    def abandon(self) -> None:
        for sheet in self._book.worksheets():
            # XlsxWriter closes its own files only when it finishes a workbook, and its types do not declare them.
            cast("IO[str]", sheet.row_data_fh).close()
        shutil.rmtree(self._parts, ignore_errors=True)

    def _write_header(self) -> None:
        for column, name in enumerate(self._columns):
            width = _WIDTHS.get(name, _SUM_WIDTH)
            check_code(self._rows.set_column(column, column, width))
            check_code(self._rows.write_string(0, column, name, self._heading))
        self._rows.freeze_panes(1, 0)
        self._rows.repeat_rows(0)
        self._line = 1
        self._write_balance(self._head.since, messages.OPENING_BALANCE, self._head.opening_kobo)

    def _set_up_for_paper(self, sheet: Any) -> None:
        """Print a sheet one page wide, on as many pages as its rows need, with page numbers."""
        sheet.set_landscape()
        sheet.set_paper(_A4)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.7)
        # In a footer, `&` starts a command; no other character does. A footer has at most 255 characters.
        lines = [messages.verification_code(self._head.code), self._head.operator[:90]]
        left = "\n".join(plain(line).replace("&", "&&") for line in lines if line)
        sheet.set_footer(f"&L{left}&RPage &P of &N")

    def _write_balance(self, day: datetime.date, label: str, balance_kobo: int) -> None:
        """Write the line of the opening or closing balance."""
        texts = ("", label, "", "") if self._head.names_rows else ("", label, "")
        self._write_row(midnight(day), self._day, texts, (None, None, balance_kobo))

    def _write_row(
        self, when: datetime.datetime, form: Any, texts: Iterable[str], sums: Iterable[int | None]
    ) -> None:
        sheet, line = self._rows, self._line
        check_code(sheet.write_datetime(line, 0, when, form))
        for column, text in enumerate(texts, 1):
            if text:
                check_code(sheet.write_string(line, column, plain(text)[:MOST_CHARACTERS]))
        for column, kobo in enumerate(sums, len(self._columns) - 5):
            if kobo is not None:
                check_code(sheet.write_number(line, column, kobo / 100, self._money))
        self._line += 1

    def _write_summary(self, foot: Foot) -> None:
        """Write the first sheet: holder, period, totals and verification."""
        head, sheet = self._head, self._summary
        made_at = head.made_at.astimezone(self._zone).replace(tzinfo=None, microsecond=0)
        facts: list[tuple[str, Any, Any]] = [
            *((label, text, None) for label, text in head.issued_by()),
            ("Statement of", head.holder, self._bold),
            ("Covers", head.subject, None),
            *((label, text, None) for label, text in head.details),
            ("From", midnight(head.since), self._day),
            ("To", midnight(head.until), self._day),
            ("Currency", settings.CURRENCY, None),
            (messages.OPENING_BALANCE, head.opening_kobo, self._money),
            (messages.MONEY_IN, foot.in_kobo, self._money),
            (messages.MONEY_OUT, foot.out_kobo, self._money),
            (messages.CLOSING_BALANCE, foot.closing_kobo, self._money),
            (messages.INTEREST_BEFORE_TAX, foot.interest_gross_kobo, self._money),
            (messages.TAX_WITHHELD, foot.interest_tax_kobo, self._money),
            (messages.INTEREST_AFTER_TAX, foot.interest_gross_kobo - foot.interest_tax_kobo, self._money),
            ("Made", made_at, self._moment),
            ("Time zone", str(self._zone), None),
            ("Verification code", head.code, None),
            ("Verify at", head.verify_url, None),
            *([("Operator", head.operator, None)] if head.operator else []),
        ]
        check_code(sheet.set_column(0, 0, 26))
        check_code(sheet.set_column(1, 3, 24))
        for line, (label, value, form) in enumerate(facts):
            check_code(sheet.write_string(line, 0, label))
            self._write_fact(line, 1, value, form)
        self._write_totals(len(facts) + 1, foot)

    def _write_totals(self, line: int, foot: Foot) -> None:
        for column, name in enumerate(["Kind", "Entries", messages.MONEY_IN, messages.MONEY_OUT]):
            check_code(self._summary.write_string(line, column, name, self._heading))
        for below, total in enumerate(foot.totals, line + 1):
            self._write_fact(below, 0, total.kind, None)
            check_code(self._summary.write_number(below, 1, total.rows))
            self._write_fact(below, 2, total.in_kobo, self._money)
            self._write_fact(below, 3, total.out_kobo, self._money)

    def _write_fact(self, line: int, column: int, value: str | int | datetime.datetime, form: Any) -> None:
        if isinstance(value, str):
            text = plain(value)[:MOST_CHARACTERS]
            check_code(self._summary.write_string(line, column, text, form))
        elif isinstance(value, int):
            check_code(self._summary.write_number(line, column, value / 100, form))
        else:
            check_code(self._summary.write_datetime(line, column, value, form))
