"""The most rows that a statement may have in each format, checked before it is requested and as it is written."""

from __future__ import annotations

import datetime
from typing import Any

from savings.exceptions import Refused
from savings.models import Circle, Plan, User
from savings.models.statements import Format
from savings.statements import files, messages, periods, spans, subjects


def most_rows(file_format: str) -> int | None:
    """Return the most rows that a format may have; None for no limit."""
    return files.writer_class(file_format).MOST_ROWS


def check_count(file_format: str, rows: int) -> None:
    """Raise Refused on the field `format` for more rows than a format may have."""
    most = most_rows(file_format)
    if most is None or rows <= most:
        return
    too_many = (
        messages.too_many_rows_for_excel if file_format == Format.EXCEL else messages.too_many_rows_for_pdf
    )
    raise Refused(too_many(most), field="format")


def check_rows(user: User, file_format: str, **fields: Any) -> None:
    """Raise Refused on the field `format` if a statement would have more rows than its format may have.

    `fields` are the scope, subject and period. Counts only the newest 50,000 entries, because a user waits for the
    page; the writer counts exactly.
    """
    most = most_rows(file_format)
    if most is not None and most <= spans.LOOKS_BACK_ROWS:
        check_count(file_format, expected_rows(user, **fields, most=most))


def expected_rows(
    user: User,
    *,
    scope: str,
    plan: Plan | None = None,
    circle: Circle | None = None,
    since: datetime.date,
    until: datetime.date,
    most: int,
) -> int:
    """Return how many rows a statement would have, at most `most` + 1, so that large accounts are not counted.

    Raises Refused, with the field, for an invalid period.
    """
    since, until = periods.checked_period(user, since=since, until=until)
    subject = subjects.subject_of(user, scope, plan=plan, circle=circle)
    return spans.estimate_rows(subject, since=since, until=until, most=most)
