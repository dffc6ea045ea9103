"""What the sheets of a workbook share: the limit of a cell, days as Excel dates, and the error codes of XlsxWriter."""

from __future__ import annotations

import datetime

from savings.exceptions import FileNotMade

# Excel holds 32,767 UTF-16 code units in a cell; longer texts are cut.
MOST_CHARACTERS = 16_000


def midnight(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time())


def check_code(code: int | None) -> None:
    """Raise FileNotMade for an error code of XlsxWriter, which raises nothing for a bad position or a long text."""
    if code:
        raise FileNotMade(f"XlsxWriter answered {code}.")
