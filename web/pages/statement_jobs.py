"""Prepares the statements that are being written: their rows on top of the list, and what an open page asks about."""

from __future__ import annotations

import dataclasses
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from web import keyset
from web.pages.polling import polls_so_far, seconds_until_next
from web.pages.statements import POLL_STEPS, StatementRow

_MOST_WATCHED = 10


@dataclasses.dataclass(frozen=True, slots=True)
class Watched:
    """The jobs of a polling page: all ids, those unfinished at the last poll, and the number of polls."""

    ids: list[int]
    unfinished: list[int]
    polls: int


def jobs(rows: list[StatementRow], polls: int = 0) -> dict[str, Any]:
    """Return the context of unfinished statements: the rows, and when and at which URL the page polls next."""
    unfinished = [row.id for row in rows if row.is_unfinished]
    seconds = seconds_until_next(polls, POLL_STEPS) if unfinished else None
    query = {"watch": _ids([row.id for row in rows]), "unfinished": _ids(unfinished), "look": polls + 1}
    return {
        "jobs": rows,
        "is_working": bool(unfinished),
        "seconds": seconds,
        "watch": f"?{urlencode(query, safe='.')}" if seconds else "",
    }


def watched(query: QueryDict) -> Watched:
    """Return the jobs that a polling page asks about. Anything but a number is ignored."""
    return Watched(
        _numbers(query.get("watch", "")), _numbers(query.get("unfinished", "")), polls_so_far(query)
    )


def _ids(ids: list[int]) -> str:
    return ".".join(str(pk) for pk in ids)


def _numbers(text: str) -> list[int]:
    """Return up to ten numbers from a string such as `1.2.3`."""
    parts = text.split(".")[:_MOST_WATCHED]
    return [int(part) for part in parts if keyset.is_id(part)]
