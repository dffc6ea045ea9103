"""Statements as PDF: typeset by typst in a child process, accessible to screen readers, the same on every machine.

Texts reach typst as JSON, so markup or code in a name stays text. Long texts are cut to a line or two; CSV and Excel
have them in full.
"""

from __future__ import annotations

import contextlib
import datetime
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from qrcode.main import QRCode

from savings import money
from savings.exceptions import FileNotMade, TooManyRows
from savings.statements import messages
from savings.statements.formats import Certificate, Foot, Head, Row
from savings.statements.formats.pdf_proofs import proof_tables
from savings.statements.formats.pdf_texts import day_text, shorten

_PROGRAM = Path(__file__).with_name("typeset.py")
# The limit of the child's address space: 1.5 times the most that was measured.
_MOST_BYTES = 650_000_000
_TIMEOUT_SECONDS = 120
# The most characters shown. A character in a row takes half a kB of the child's memory.
_MOST_IN_HEAD = 120
_MOST_IN_RUNNING_HEAD = 90
_MOST_IN_ROW = 100
_MOST_IN_NAME = 40


class Writer:
    """Writes a PDF, encrypted if there is a password. It is typeset in `finish`, because it shows "page n of m"."""

    # Measured: 1,500 rows with the longest texts take 275 MB in the child, with usual texts 210 MB.
    MOST_ROWS: int | None = 1_500

    def __init__(self, path: Path, head: Head, *, password: str = "") -> None:
        self._path = path
        self._head = head
        self._password = password
        self._zone = timezone.get_default_timezone()
        # Opened at once, so that a missing folder or a full disk is found before the work.
        self._file = path.open("wb")
        self._rows: list[list[str]] = []
        self._widest = 0

    def add(self, rows: Iterable[Row]) -> None:
        for row in rows:
            if self.MOST_ROWS is not None and len(self._rows) == self.MOST_ROWS:
                raise TooManyRows(messages.too_many_rows_for_pdf(self.MOST_ROWS))
            local = row.at.astimezone(self._zone)
            description = " · ".join(text for text in (row.name, row.description) if text)
            # The kind is shown only without a description: it would repeat it in fewer words.
            texts = [shorten(row.reference, _MOST_IN_NAME), shorten(description or row.kind, _MOST_IN_ROW)]
            amounts = [_figures(kobo) for kobo in (row.in_kobo, row.out_kobo, row.balance_kobo)]
            self._widest = max(self._widest, *map(len, amounts))
            self._rows.append([f"{day_text(local)}, {local:%H:%M}", *texts, *amounts])

    def finish(self, foot: Foot) -> None:
        self.typeset(self._data(foot))

    def typeset(self, data: dict[str, Any]) -> None:
        """Make the PDF from the data of the template, and close the file. Raises FileNotMade."""
        order = {
            "made_at": int(self._head.made_at.timestamp()),
            "password": self._password,
            "data": self.head_data() | data,
        }
        self._file.write(_typeset(json.dumps(order).encode()))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        # On a full disk, closing fails as well.
        with contextlib.suppress(OSError):
            self._file.close()

    def _data(self, foot: Foot) -> dict[str, Any]:
        """Return the data of the template, as formatted text."""
        figures = [
            [messages.OPENING_BALANCE, money.naira(self._head.opening_kobo)],
            [messages.MONEY_IN, money.naira(foot.in_kobo)],
            [messages.MONEY_OUT, money.naira(foot.out_kobo)],
            [messages.CLOSING_BALANCE, money.naira(foot.closing_kobo)],
        ]
        return {
            "figures": figures,
            "widest": max(self._widest, *(len(text) for _, text in figures)),
            "columns": ["Date", "Reference", "What", messages.MONEY_IN, messages.MONEY_OUT, "Balance"],
            "opening": _balance_row(self._head.since, messages.OPENING_BALANCE, self._head.opening_kobo),
            "rows": self._rows,
            "closing": _balance_row(self._head.until, messages.CLOSING_BALANCE, foot.closing_kobo),
            "totals": [
                [
                    shorten(total.kind, _MOST_IN_NAME),
                    f"{total.rows:,}",
                    *map(money.figures, (total.in_kobo, total.out_kobo)),
                ]
                for total in foot.totals
            ],
            "interest": [
                ["Before tax", money.figures(foot.interest_gross_kobo)],
                ["Tax", money.figures(foot.interest_tax_kobo)],
                ["After tax", money.figures(foot.interest_gross_kobo - foot.interest_tax_kobo)],
            ],
            "proofs": proof_tables(foot.proofs, day_text, shorten),
        }

    def head_data(self) -> dict[str, Any]:
        head = self._head
        made_at = head.made_at.astimezone(self._zone)
        period = messages.period(day_text(head.since), day_text(head.until))
        holder, subject = shorten(head.holder, _MOST_IN_HEAD), shorten(head.subject, _MOST_IN_HEAD)
        running = shorten(f"{head.holder} · {head.subject}", _MOST_IN_RUNNING_HEAD)
        return {
            "what": head.what,
            "certificate": None,
            "title": messages.file_title(head.what, holder, subject, period),
            "made_on": {"year": made_at.year, "month": made_at.month, "day": made_at.day},
            "made": messages.made_on(
                settings.CURRENCY, day_text(made_at), f"{made_at:%H:%M}", str(self._zone)
            ),
            "period": period,
            "holder": holder,
            "subject": subject,
            "running": running,
            "facts": [
                [shorten(label, _MOST_IN_NAME), shorten(text, _MOST_IN_HEAD)]
                for label, text in (*head.issued_by(), *head.details)
            ],
            "code": head.code,
            "operator": shorten(head.operator, _MOST_IN_RUNNING_HEAD),
            "verify_url": head.verify_url,
            "qr": _qr_code(head.verify_url),
        }


def write_certificate(path: Path, head: Head, certificate: Certificate, *, names: list[str]) -> None:
    """Write the PDF of a certificate of interest and tax. `names` are those of its columns."""
    writer = Writer(path, head)
    gross_kobo, tax_kobo = certificate.gross_kobo, certificate.tax_kobo
    sums = [gross_kobo, tax_kobo, gross_kobo - tax_kobo]
    figures = [[name, money.naira(kobo)] for name, kobo in zip(names[2:], sums, strict=True)]
    lines = [
        [
            shorten(line.plan, _MOST_IN_NAME),
            line.reference,
            line.rates,
            *map(money.figures, (line.gross_kobo, line.tax_kobo, line.gross_kobo - line.tax_kobo)),
        ]
        for line in certificate.lines
    ]
    try:
        writer.typeset(
            {
                "figures": figures,
                "widest": max(len(text) for _, text in figures),
                "certificate": {
                    "columns": names,
                    "lines": lines,
                    "total": [messages.TOTAL, *map(money.figures, sums)],
                    "tax_rates": certificate.tax_rates,
                },
            }
        )
    except BaseException:
        writer.abandon()
        raise


def _typeset(order: bytes) -> bytes:
    """Return the PDF from the child process. Raises FileNotMade if the child fails, or exceeds its time or memory."""
    child_end, our_end = os.pipe()
    try:
        child = subprocess.run(  # noqa: S603 (our own program; the arguments are numbers)
            [sys.executable, "-I", str(_PROGRAM), str(child_end), str(_MOST_BYTES)],
            input=order,
            capture_output=True,
            pass_fds=[child_end],
            # Not our environment, which has secrets; and two threads, because each takes address space.
            env={"RAYON_NUM_THREADS": "2"},
            timeout=_TIMEOUT_SECONDS,
            check=True,
        )
    except subprocess.SubprocessError as error:
        reason = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip()
        raise FileNotMade(f"{type(error).__name__}: {reason[-1000:]}") from None
    finally:
        os.close(child_end)
        os.close(our_end)
    return child.stdout


def _qr_code(url: str) -> str:
    """Return the QR code of a URL as an SVG with one path, which draws each horizontal run of dark squares."""
    code: QRCode[Any] = QRCode(border=0)
    code.add_data(url)
    code.make(fit=True)
    rows = code.get_matrix()
    runs, side = [], len(rows)
    for y, row in enumerate(rows):
        x = 0
        for is_dark, squares in itertools.groupby(row):
            length = len(list(squares))
            if is_dark:
                runs.append(f"M{x} {y}h{length}v1h-{length}z")
            x += length
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" shape-rendering="crispEdges">'
        f'<path d="{"".join(runs)}"/></svg>'
    )


def _figures(kobo: int | None) -> str:
    return "" if kobo is None else money.figures(kobo)


def _balance_row(day: datetime.date, label: str, balance_kobo: int) -> list[str]:
    return [day_text(day), label, "", "", money.figures(balance_kobo)]
