"""The content of a statement's file in any format, and the interface of the writers in `csv`, `xlsx` and `pdf`.

This package does not read the database: a writer gets the head, batches of rows, and the foot.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from savings.statements import messages


@dataclasses.dataclass(frozen=True, slots=True)
class Head:
    """The facts above the rows."""

    # The user's name, and the subject of the statement: "Ada Obi", "Plan: School fees".
    holder: str
    subject: str
    since: datetime.date
    until: datetime.date
    opening_kobo: int
    made_at: datetime.datetime
    # The verification code, grouped, and the URL at which it is checked.
    code: str
    verify_url: str
    # Whether rows come from several members (a circle) or accounts (everything), so that each row carries a name.
    names_rows: bool = False
    # The issuer, their website, and the statement's number.
    issuer: str = ""
    site: str = ""
    number: str = ""
    # Who runs the installation and the contact, in one line; empty if neither is set.
    operator: str = ""
    # What the file is.
    what: str = messages.STATEMENT
    # More facts about the subject, as label and text: a plan's reference, product and rate.
    details: tuple[tuple[str, str], ...] = ()

    def issued_by(self) -> list[tuple[str, str]]:
        """Return the issuer and the statement's number, as label and text."""
        issuer = " · ".join(text for text in (self.issuer, self.site) if text)
        facts = [(messages.ISSUED_BY, issuer), (messages.STATEMENT_NUMBER, self.number)]
        return [(label, text) for label, text in facts if text]


class Row(NamedTuple):
    """One line: a ledger entry from the view of its account. None is no amount, or a hidden one.

    A tuple, because a statement may have a million rows. Writers unpack it, so a plain tuple in this order works too.
    """

    at: datetime.datetime
    reference: str
    kind: str
    # The plan, stash or nickname of the row if `Head.names_rows`, else empty.
    name: str
    description: str
    in_kobo: int | None
    out_kobo: int | None
    balance_kobo: int | None
    # The part of it that is interest before tax, and tax that was withheld; negative for what was taken or given back.
    interest_kobo: int | None = None
    tax_kobo: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class KindTotal:
    """The totals of all rows of one kind."""

    kind: str
    rows: int
    in_kobo: int
    out_kobo: int


class ProofLine(NamedTuple):
    """One step of an interest proof: days with one balance and rate, or what was posted or given back on a day.

    `what` is empty for days. `until` is the last of them, or the day of what was posted. `numerator` is what the step
    adds to the interest that is not posted; a line of days has no sums of interest, the others no balance.
    """

    what: str
    reference: str
    since: datetime.date
    until: datetime.date
    days: int
    balance_kobo: int | None
    rate: str
    numerator: int
    gross_kobo: int | None
    tax_kobo: int | None
    remainder: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class InterestProof:
    """The interest proof of one plan: its lines in the period, and in `result` the sums since the plan began."""

    plan: str
    lines: list[ProofLine]
    result: str


@dataclasses.dataclass(frozen=True, slots=True)
class Foot:
    """The totals below the rows. Opening + in - out = closing; net interest = gross - tax.

    The two sums of interest are those of the columns `Row.interest_kobo` and `Row.tax_kobo`.
    """

    rows: int
    totals: list[KindTotal]
    in_kobo: int
    out_kobo: int
    interest_gross_kobo: int
    interest_tax_kobo: int
    closing_kobo: int
    # Read once, and made one by one: a saver may have many plans.
    proofs: Iterable[InterestProof] = ()


class CertificateLine(NamedTuple):
    """The interest of one plan that was posted in a year, before tax, and the tax withheld from it."""

    plan: str
    reference: str
    # The rates at which it earned, as text; empty if all of the line is corrections.
    rates: str
    gross_kobo: int
    tax_kobo: int


@dataclasses.dataclass(frozen=True, slots=True)
class Certificate:
    """A year's interest and tax of one saver, by plan."""

    email: str
    tax_rates: str
    lines: list[CertificateLine]

    @property
    def gross_kobo(self) -> int:
        return sum(line.gross_kobo for line in self.lines)

    @property
    def tax_kobo(self) -> int:
        return sum(line.tax_kobo for line in self.lines)


class Writer(Protocol):
    """Writes one file: create the writer, call `add` for each batch of rows, then `finish` once.

    All methods may raise OSError. Characters that a format cannot hold are replaced, never refused.
    Options: `csv.Writer(path, head, resume_at=bytes)` and its `position()`, `pdf.Writer(path, head, password=text)`.
    """

    # The most rows that this format may have; None for no limit.
    MOST_ROWS: int | None

    def __init__(self, path: Path, head: Head, **options: Any) -> None: ...

    def add(self, rows: Iterable[Row]) -> None:
        """Write the next rows. Raises TooManyRows above MOST_ROWS."""
        ...

    def finish(self, foot: Foot) -> None:
        """Write the foot and close the file, which is complete only after this. Raises FileNotMade."""
        ...

    def abandon(self) -> None:
        """Close the unfinished file and delete temporary files.

        The file at `path` stays: the caller may resume it from a checkpoint.
        """
        ...
