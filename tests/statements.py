"""Statements in tests: asked for, written as a worker would, and read back by other libraries than wrote them."""

from __future__ import annotations

import csv
import io
import re
from decimal import Decimal
from typing import Any, NamedTuple

import openpyxl
import pdfplumber
from django.utils import timezone

from savings import outbox, statements, tasks
from savings.models import OutboxRow, Statement, User


class Line(NamedTuple):
    """A row as its file says it; sums in kobo."""

    reference: str
    in_kobo: int | None
    out_kobo: int | None
    balance_kobo: int | None


class Said(NamedTuple):
    """What a file says."""

    lines: list[Line]
    opening_kobo: int
    closing_kobo: int


def ask(user: User, scope: str = "stash", **asked: Any) -> Statement:
    """A statement that was asked for: as CSV, since the beginning, if nothing else is said."""
    usual: dict[str, Any] = {
        "since": statements.BEGINNING,
        "until": timezone.localdate(),
        "format": "csv",
    }
    return statements.request(user, scope=scope, **usual | asked)


def row_of(statement: Statement) -> OutboxRow:
    """The row of the outbox that has it written."""
    return OutboxRow.objects.get(dedupe_key=statements.row_key(statement.pk))


def try_to_write(statement: Statement) -> Statement:
    """Have it tried now, once, as a worker would."""
    row = row_of(statement)
    OutboxRow.objects.filter(pk=row.pk, due_at__isnull=False).update(due_at=timezone.now())
    outbox.deliver(row.pk, tasks.HANDLERS)
    statement.refresh_from_db()
    return statement


def written(user: User, scope: str = "stash", **asked: Any) -> Statement:
    """A statement that is ready."""
    statement = try_to_write(ask(user, scope, **asked))
    assert statement.state == Statement.State.READY, row_of(statement).error
    return statement


def content(statement: Statement) -> bytes:
    """The file."""
    with statements.open_file(statement) as file:
        return bytes(file.read())


def read(statement: Statement) -> Said:
    """What the file says, whatever its format."""
    return {"csv": _read_csv, "xlsx": _read_excel, "pdf": _read_pdf}[statement.format](content(statement))


def _read_csv(data: bytes) -> Said:
    lines = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    names = [f"{name} (NGN)" for name in ("Money in", "Money out", "Balance")]
    entries = [
        Line(line["Reference"], *(_kobo(line[name]) for name in names))
        for line in lines
        if line["Line"] == "entry"
    ]
    return Said(entries, _kobo(lines[0][names[2]]) or 0, _kobo(lines[-1][names[2]]) or 0)


def _read_excel(data: bytes) -> Said:
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True)
    _, opening, *rows, closing = book["Transactions"].iter_rows(values_only=True)
    lines = [Line(str(row[1]), *(_kobo(value) for value in row[-3:])) for row in rows]
    return Said(lines, _kobo(opening[-1]) or 0, _kobo(closing[-1]) or 0)


def _read_pdf(data: bytes) -> Said:
    """The table by where its words stand, for references and sums that are printed as one word each."""
    lines, text = [], ""
    with pdfplumber.open(io.BytesIO(data)) as document:
        for page in document.pages:
            text += f"{page.extract_text()}\n"
            words = page.extract_words()
            ends = sorted(word["x1"] for word in words if word["text"] in {"in", "out", "Balance"})
            edges = sorted({round(end) for end in ends[-3:]})
            # Above the table stands the reference of the plan.
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
    return Said(lines, _after(text, "Opening balance"), _after(text, "Closing balance"))


def _is_time(word: dict[str, Any], top: int) -> bool:
    return round(word["top"]) == top and re.fullmatch(r"\d\d:\d\d", word["text"]) is not None


def _after(text: str, label: str) -> int:
    found = re.search(rf"{label} (?:₦)?([\d,]+\.\d\d)", text)
    assert found is not None, text
    return _kobo(found[1]) or 0


def _kobo(value: Any) -> int | None:
    if value in {None, ""}:
        return None
    return round(Decimal(str(value).replace(",", "")) * 100)
