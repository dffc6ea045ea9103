"""Reads a calendar with another library than the one that wrote it."""

from __future__ import annotations

from typing import Any

from vobject.base import readOne


def read_calendar(body: bytes) -> Any:
    """Return the calendar of an iCalendar file, with the names of its components and properties as attributes."""
    return readOne(body.decode())
