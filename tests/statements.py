"""Statements in tests: requested, written as by a worker, and read back with other libraries."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
import pdfplumber
from django.db import connection
from django.utils import timezone

from savings import outbox, statements, tasks
from savings.models import OutboxRow, Statement, User


class Line(NamedTuple):
    """A row of a file. Amounts are in kobo."""

    reference: str
    in_kobo: int | None
    out_kobo: int | None
    balance_kobo: int | None


class Content(NamedTuple):
    """The rows and balances of a file. Amounts are in kobo."""

    lines: list[Line]
    opening_kobo: int
    closing_kobo: int


def ask(user: User, scope: str = "stash", **details: Any) -> Statement:
    """Request a statement: as CSV and from the beginning by default."""
    usual: dict[str, Any] = {
        "since": statements.BEGINNING,
        "until": timezone.localdate(),
        "format": "csv",
    }
    return statements.request(user, scope=scope, **usual | details)


def row_of(statement: Statement) -> OutboxRow:
    """Return the outbox row of a statement."""
    return OutboxRow.objects.get(kind=statements.OUTBOX_KIND, statement=statement)


def try_to_write(statement: Statement) -> Statement:
    """Try once to write the statement, as a worker would."""
    row = row_of(statement)
    OutboxRow.objects.filter(pk=row.pk, due_at__isnull=False).update(due_at=timezone.now())
    outbox.deliver(row.pk, tasks.HANDLERS)
    statement.refresh_from_db()
    return statement


def written(user: User, scope: str = "stash", **details: Any) -> Statement:
    """Return a statement that is ready."""
    statement = try_to_write(ask(user, scope, **details))
    assert statement.state == Statement.State.READY, row_of(statement).error
    return statement


@contextmanager
def before_each_page(act: Callable[[], object]) -> Iterator[None]:
    """Call `act` each time that a writer is about to read a page of entries."""

    def execute(run: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if "ORDER BY page.id" in sql:
            act()
        return run(sql, *rest)

    with connection.execute_wrapper(execute):
        yield


def files_in(folder: Path) -> list[Path]:
    """Return all stored files of statements, complete or not."""
    return [path for path in folder.rglob("*") if path.is_file()]


def content(statement: Statement) -> bytes:
    """Return the content of the file."""
    with statements.open_file(statement) as file:
        return bytes(file.read())


def read(statement: Statement) -> Content:
    """Return the rows and balances of a file of any format."""
    return {"csv": _read_csv, "xlsx": _read_excel, "pdf": _read_pdf}[statement.format](content(statement))


def _read_csv(data: bytes) -> Content:
    lines = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    names = [f"{name} (NGN)" for name in ("Money in", "Money out", "Balance")]
    entries = [
        Line(line["Reference"], *(_kobo(line[name]) for name in names))
        for line in lines
        if line["Line"] == "entry"
    ]
    return Content(entries, _kobo(lines[0][names[2]]) or 0, _kobo(lines[-1][names[2]]) or 0)


def _read_excel(data: bytes) -> Content:
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True)
    _, opening, *rows, closing = book["Transactions"].iter_rows(values_only=True)
    lines = [Line(str(row[1]), *(_kobo(value) for value in row[-5:-2])) for row in rows]
    return Content(lines, _kobo(opening[-3]) or 0, _kobo(closing[-3]) or 0)


def _read_pdf(data: bytes) -> Content:
    """Read the table by the positions of its words; each reference and amount is printed as one word."""
    lines, text = [], ""
    with pdfplumber.open(io.BytesIO(data)) as document:
        for page in document.pages:
            text += f"{page.extract_text()}\n"
            words = page.extract_words()
            ends = sorted(word["x1"] for word in words if word["text"] in {"in", "out", "Balance"})
            edges = sorted({round(end) for end in ends[-3:]})
            # The reference of the plan is above the table.
            head = min((round(word["top"]) for word in words if word["text"] == "Balance"), default=0)
            tops = {
                round(word["top"]): word["text"]
                for word in words
                if re.fullmatch(r"[A-Z]{3}0\w{16}", word["text"]) and round(word["top"]) > head
            }
            sums = {
                (round(word["top"]), round(word["x1"])): word["text"]
                for word in words
                if re.fullmatch(r"[\d,]+\.\d\d", word["text"])
            }
            at = sorted({top for top, _ in sums if any(_is_time(word, top) for word in words)})
            lines += [
                Line(reference, *(_kobo(sums.get((top, edge), "")) for edge in edges))
                for reference, top in zip(tops.values(), at, strict=True)
            ]
    return Content(lines, _after(text, "Opening balance"), _after(text, "Closing balance"))


def _is_time(word: dict[str, Any], top: int) -> bool:
    return round(word["top"]) == top and re.fullmatch(r"\d\d:\d\d", word["text"]) is not None


def _after(text: str, label: str) -> int:
    match = re.search(rf"{label} (?:₦)?([\d,]+\.\d\d)", text)
    assert match is not None, text
    return _kobo(match[1]) or 0


def _kobo(value: Any) -> int | None:
    if value in {None, ""}:
        return None
    return round(Decimal(str(value).replace(",", "")) * 100)
