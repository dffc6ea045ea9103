"""Verification codes: check that a statement in somebody's hands is one of ours."""

from __future__ import annotations

import dataclasses
import datetime
import secrets

from savings import typed_text
from savings.models import Statement
from savings.models.ledger import CROCKFORD

_CODE_LENGTH = 16
_GROUP_LENGTH = 4
_MISREAD = str.maketrans("OIL", "011")


@dataclasses.dataclass(frozen=True, slots=True)
class Verified:
    """The answer to a verifier: only facts that are printed in the statement."""

    since: datetime.date
    until: datetime.date
    closing_kobo: int
    made_at: datetime.datetime
    # Whether the file is identical to ours; None if no file was compared.
    is_the_file: bool | None


def new_code() -> str:
    """Return a random code of 16 characters: 80 bits."""
    return "".join(secrets.choice(CROCKFORD) for _ in range(_CODE_LENGTH))


def grouped(code: str) -> str:
    """Return a code in groups of four, as it is printed."""
    return "-".join(code[at : at + _GROUP_LENGTH] for at in range(0, len(code), _GROUP_LENGTH))


def verify(code: str, closing_kobo: int, *, sha256: str | None = None) -> Verified | None:
    """Return the facts of the statement with this code and closing balance (kobo); None without one.

    `sha256` is the hash of a file to compare, in hexadecimal. A wrong code and a wrong balance give the same answer. An
    expired statement can still be verified.
    """
    statement = Statement.objects.filter(
        code=cleaned_code(code), closing_kobo=closing_kobo, ready_at__isnull=False
    ).first()
    if statement is None or statement.ready_at is None or statement.closing_kobo is None:
        return None
    is_the_file = None if sha256 is None else secrets.compare_digest(statement.sha256, sha256.lower())
    return Verified(statement.since, statement.until, statement.closing_kobo, statement.ready_at, is_the_file)


def cleaned_code(code: str) -> str:
    """Return a typed code as it is stored: without grouping, in capitals, and with 0 for O and 1 for I and L."""
    typed = typed_text.code(code).upper().translate(_MISREAD)
    return "".join(char for char in typed if char in CROCKFORD)[:_CODE_LENGTH]
