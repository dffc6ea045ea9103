"""Reads fields of the provider's JSON: what must be there raises UnclearAnswer, what may be missing is dropped."""

from __future__ import annotations

import datetime
from typing import Any

from savings import typed_text
from savings.exceptions import UnclearAnswer

# JSON numbers are exact up to here in every language that may have written them, and the database holds no more.
_MOST_KOBO = 2**53
_LONGEST_URL = 500
# Moments outside of these years are mistakes, and some have no local day.
_YEARS = range(2000, 3000)


def checked(data: object) -> dict[str, Any]:
    """Return an object. Raises UnclearAnswer for anything else."""
    if not isinstance(data, dict):
        raise UnclearAnswer(f"`data` is {shown(data)} and not an object")
    return data


def part(data: dict[str, Any], name: str) -> dict[str, Any]:
    """Return an object within another; an empty one for anything else."""
    value = data.get(name)
    return value if isinstance(value, dict) else {}


def text(data: dict[str, Any], name: str) -> str:
    """Return a text that has to be there."""
    value = data.get(name)
    if not isinstance(value, str) or not typed_text.storable(value):
        raise UnclearAnswer(f"`{name}` is {shown(value)} and not a text")
    return typed_text.storable(value)


def url(data: dict[str, Any], name: str) -> str:
    """Return a link that has to be there."""
    link = text(data, name)
    if not link.startswith(("https://", "http://")) or len(link) > _LONGEST_URL:
        raise UnclearAnswer(f"`{name}` is {shown(link)} and not a link that can be stored")
    return link


def words(data: dict[str, Any], name: str) -> str:
    """Return a text that may be missing."""
    value = data.get(name)
    return typed_text.storable(value) if isinstance(value, str) else ""


def kobo(data: dict[str, Any], name: str) -> int:
    """Return an amount that has to be there: a whole number, never below zero."""
    value = data.get(name)
    # `True` is an integer to Python, and 15000.0 is a float: the provider describes integers.
    if type(value) is not int or not 0 <= value <= _MOST_KOBO:
        raise UnclearAnswer(f"`{name}` is {shown(value)} and not a whole number of kobo")
    return value


def signed_kobo(data: dict[str, Any], name: str) -> int:
    """Return an amount that has to be there and may be below zero."""
    value = data.get(name)
    if type(value) is not int or not -_MOST_KOBO <= value <= _MOST_KOBO:
        raise UnclearAnswer(f"`{name}` is {shown(value)} and not a whole number of kobo")
    return value


def kobo_or_none(data: dict[str, Any], name: str) -> int | None:
    """Return an amount that may be missing."""
    return None if data.get(name) is None else kobo(data, name)


def number_or_none(data: dict[str, Any], name: str) -> int | None:
    """Return a number above zero that the database can hold; None for anything else."""
    value = data.get(name)
    return value if type(value) is int and 0 < value < 2**63 else None


def moment_or_none(data: dict[str, Any], name: str) -> datetime.datetime | None:
    """Return a moment, in UTC unless it names another zone; None for anything else."""
    try:
        moment = datetime.datetime.fromisoformat(words(data, name))
    except ValueError:
        return None
    if moment.year not in _YEARS:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def shown(value: object) -> str:
    """Return a value for a log line: short, since the provider chooses how long it is."""
    return typed_text.storable(repr(value))[:60]
