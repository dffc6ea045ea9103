"""Statements as CSV: one strict table, which a program reads without knowing us and Excel opens with a double click.

The first line names the columns and every line has all of them. `Line` says what a line is:

- `opening`, once: the balance before, on the first day; whose statement it is, in the description;
- `entry`: one for each row. Sum these alone, and opening + in - out is closing;
- `total`: what the rows of one kind come to. `interest`: its gross and net as money in, its tax as money out;
- `closing`, last: the balance after, on the last day; the verification code as reference.

`Date` is ISO and the day of `TIME_ZONE`, so that Excel takes it for a date; `Time` carries the offset from UTC, so that
both together are the moment to the second. Sums are plain decimals, made from whole kobo; an empty one is none, or
hidden. UTF-8 with a byte order mark, without which Excel guesses; lines end as RFC 4180 says.
"""

from __future__ import annotations

import contextlib
import csv
import datetime
import io
import os
import re
from collections.abc import Iterable, Iterator
from itertools import batched
from pathlib import Path
from typing import IO

from django.utils import timezone

from savings.exceptions import CheckpointLost
from savings.money import decimal
from savings.statements.formats import Foot, Head, Row
from savings.statements.formats.text import columns, plain

# How many rows are in memory as text at once.
_PORTION = 5_000
_TWO = [f"{number:02d}" for number in range(100)]
# What a spreadsheet takes for a formula, also behind blanks and quotes, and in the wide forms of East Asia; at the
# beginning of a text and behind each semicolon, which is where the cells of half the world's spreadsheets part.
_FORMULA = re.compile(r"""(^|;)(?=[\s"'`\u200b-\u200f\u2060\ufeff]*[=+\-@＝＋－＠])""")


class Writer:
    """Writes CSV, and goes on with one that was cut off: see `position`."""

    MOST_ROWS: int | None = None

    def __init__(self, path: Path, head: Head, *, resume_at: int | None = None) -> None:
        """Begin the file at `path`, or go on with it behind its first `resume_at` bytes.

        Raises CheckpointLost where there are fewer.
        """
        self._head = head
        self._zone = timezone.get_default_timezone()
        if resume_at is None:
            self._file: IO[bytes] = path.open("wb")
            self._file.write(b"\xef\xbb\xbf")
            self._begin()
        else:
            self._file = _cut(path, resume_at)

    def add(self, rows: Iterable[Row]) -> None:
        for portion in batched(rows, _PORTION):
            self._file.write("".join(self._lines(portion)).encode())

    def position(self) -> int:
        """Return how many bytes stand on the disk for good: everything that was added until now."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def finish(self, foot: Foot) -> None:
        for total in foot.totals:
            count = f"{total.rows} {'entry' if total.rows == 1 else 'entries'}"
            self._note("total", kind=total.kind, note=count, in_kobo=total.in_kobo, out_kobo=total.out_kobo)
        self._note("interest", kind="Interest before tax", in_kobo=foot.interest_gross_kobo)
        self._note("interest", kind="Tax on interest", out_kobo=foot.interest_tax_kobo)
        net_kobo = foot.interest_gross_kobo - foot.interest_tax_kobo
        self._note("interest", kind="Interest after tax", in_kobo=net_kobo)
        made_at = self._head.made_at.astimezone(self._zone).isoformat(timespec="seconds")
        self._note(
            "closing",
            day=self._head.until,
            reference=self._head.code,
            kind="Closing balance",
            note=f"Made {made_at}. Verify at {self._head.verify_url}",
            balance_kobo=foot.closing_kobo,
        )
        self.position()
        self._file.close()

    def abandon(self) -> None:
        # A disk that is full will not have the rest now either.
        with contextlib.suppress(OSError):
            self._file.close()

    def _begin(self) -> None:
        names = ["Line", "Date", "Time", *columns(named=self._head.names_rows)]
        self._file.write(_written(names).encode())
        self._note(
            "opening",
            day=self._head.since,
            kind="Opening balance",
            note=f"{self._head.holder}. {self._head.subject}",
            balance_kobo=self._head.opening_kobo,
        )

    def _note(
        self,
        line: str,
        *,
        kind: str,
        note: str = "",
        reference: str = "",
        day: datetime.date | None = None,
        in_kobo: int | None = None,
        out_kobo: int | None = None,
        balance_kobo: int | None = None,
    ) -> None:
        """Write a line that is no entry."""
        sums = [_sum(in_kobo), _sum(out_kobo), _sum(balance_kobo)]
        name = [""] if self._head.names_rows else []
        texts = [_cell(reference), _cell(kind), *name, _cell(note)]
        cells = [line, day.isoformat() if day else "", "", *texts, *sums]
        self._file.write(_written(cells).encode())

    def _lines(self, rows: Iterable[Row]) -> Iterator[str]:
        """Return the lines of these rows.

        This is where a million rows spend their time: csv.writer is called only for lines in which there may be
        something to quote or to clean, and a zone is asked only once in a quarter of an hour, in which none changes.
        """
        named, last = self._head.names_rows, -1
        for at, reference, kind, name, description, in_kobo, out_kobo, balance_kobo in rows:
            quarter = (at.toordinal() * 24 + at.hour) * 4 + at.minute // 15
            if quarter != last or at.tzinfo is not datetime.UTC:
                last, (hour, shift, offset) = quarter, self._clock(at)
            moment = f"{hour}:{_TWO[at.minute + shift]}:{_TWO[at.second]}{offset}"
            texts = (reference, kind, name, description) if named else (reference, kind, description)
            text = ",".join(texts)
            if not (
                text.isprintable()
                and '"' not in text
                and ";" not in text
                and text.count(",") == 2 + named
                and reference[:1].isalnum()
                and kind[:1].isalnum()
                and (not description or description[0].isalnum())
                and (not name or name[0].isalnum())
            ):
                text = _written([_cell(part) for part in texts])[:-2]
            yield f"entry,{moment},{text},{_sum(in_kobo)},{_sum(out_kobo)},{_sum(balance_kobo)}\r\n"

    def _clock(self, at: datetime.datetime) -> tuple[str, int, str]:
        """Return the local day and hour, what to add to the minutes, and the offset, as long as the hour lasts."""
        local = at.astimezone(self._zone)
        text = local.isoformat(timespec="seconds")
        return f"{text[:10]},{text[11:13]}", local.minute - at.minute, text[19:]


def _sum(kobo: int | None) -> str:
    """Return what `decimal` returns, in half the time: two of three seconds of a file went there."""
    if kobo is None:
        return ""
    return f"{kobo // 100}.{_TWO[kobo % 100]}" if kobo >= 0 else decimal(kobo)


def _written(cells: Iterable[str]) -> str:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _cut(path: Path, length: int) -> IO[bytes]:
    """Open a file of at least this many bytes, cut it there, and stand at its end."""
    if not path.exists() or path.stat().st_size < length:
        raise CheckpointLost(path.name)
    file = path.open("r+b")
    file.truncate(length)
    file.seek(length)
    return file


def _cell(text: str) -> str:
    """Return text as no spreadsheet computes it: with an apostrophe in front of what it would."""
    return _FORMULA.sub(r"\1'", plain(text))
