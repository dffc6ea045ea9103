"""Files of statements: what goes into one, whatever its format. The formats are `csv`, `xlsx` and `pdf` beside this.

Nothing here reads the database: a writer gets the head, rows in portions, and the foot, and makes a file of them.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, Protocol


@dataclasses.dataclass(frozen=True, slots=True)
class Head:
    """What stands above the rows. Sums in kobo."""

    # Whose statement it is, and what it is about: "Ada Obi", "Plan: School fees".
    holder: str
    subject: str
    since: datetime.date
    until: datetime.date
    opening_kobo: int
    made_at: datetime.datetime
    # The verification code, and the address at which it is checked.
    code: str
    verify_url: str
    # Whether rows are of several people (a circle's) or places (everything): then each says whose or which.
    names_rows: bool = False
    # Who has issued it, where that is found, and its number.
    issuer: str = ""
    site: str = ""
    number: str = ""
    # What else identifies its subject, as label and text: a plan's reference, product and rate.
    details: tuple[tuple[str, str], ...] = ()

    def issued_by(self) -> list[tuple[str, str]]:
        """Return who has issued it, and its number, as label and text."""
        issuer = " · ".join(text for text in (self.issuer, self.site) if text)
        facts = [("Issued by", issuer), ("Statement number", self.number)]
        return [(label, text) for label, text in facts if text]


class Row(NamedTuple):
    """One line: a ledger entry as its account sees it. Sums in kobo; None where there is none or it is hidden.

    A tuple, because a million of them are made: writers unpack it, so that a plain tuple in this order will do.
    """

    at: datetime.datetime
    reference: str
    kind: str
    # The plan, stash or nickname it belongs to, where the head says that rows are named; else empty.
    name: str
    description: str
    in_kobo: int | None
    out_kobo: int | None
    balance_kobo: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class KindTotal:
    """What all rows of one kind come to, in kobo."""

    kind: str
    rows: int
    in_kobo: int
    out_kobo: int


@dataclasses.dataclass(frozen=True, slots=True)
class Foot:
    """What stands below the rows. Sums in kobo: opening + in - out = closing, interest net = gross - tax."""

    rows: int
    totals: list[KindTotal]
    in_kobo: int
    out_kobo: int
    interest_gross_kobo: int
    interest_tax_kobo: int
    closing_kobo: int


class Writer(Protocol):
    """What makes one file: it is begun by making the writer, then `add` for each portion, then `finish` once.

    OSError where the disk will not have it, as it comes. What cannot be written is cleaned, never refused.
    Options: `csv.Writer(path, head, resume_at=bytes)` and its `position()`, `pdf.Writer(path, head, password=text)`.
    """

    # The most rows that this format is offered for; None for as many as there are.
    MOST_ROWS: int | None

    def __init__(self, path: Path, head: Head, **options: Any) -> None: ...

    def add(self, rows: Iterable[Row]) -> None:
        """Write the next rows. Raises TooManyRows above MOST_ROWS."""
        ...

    def finish(self, foot: Foot) -> None:
        """Write the foot and close the file, which is whole after this and not before. Raises FileNotMade."""
        ...

    def abandon(self) -> None:
        """Close what is open and remove what lies beside `path`, for a file that is not finished now.

        What stands at `path` itself stays: it is the caller's, who may go on with it from a checkpoint.
        """
        ...
