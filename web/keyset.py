"""Keyset pages: lists paged by the id of the last row, so that page 10,000 costs as much as page 1."""

from __future__ import annotations

import dataclasses
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import Http404, QueryDict

PAGE_SIZE = 25
_CURSORS = ("before", "after")


@dataclasses.dataclass(frozen=True)
class KeysetPage[Row]:
    """One page of a list, and the query strings of its neighbouring pages (None if there is none)."""

    rows: list[Row]
    newer: str | None
    older: str | None


def page[Row](
    rows: QuerySet[Any, Row], query: QueryDict, *, size: int = PAGE_SIZE, oldest_first: bool = False
) -> KeysetPage[Row]:
    """Return the page given by `?before=<id>` (older rows) or `?after=<id>` (newer rows) in the query.

    Newest first, or oldest first. The queryset yields model instances, dictionaries with an `id` or tuples that begin
    with it. The links preserve all other query parameters. Raises Http404 for a cursor that is not an id.
    """
    before, after = _cursor(query, "before"), _cursor(query, "after")
    if after is not None or (oldest_first and before is None):
        upwards = rows if after is None else rows.filter(id__gt=after)
        found = list(upwards.order_by("id")[: size + 1])
        more_newer, more_older = len(found) > size, after is not None
        found = found[:size][::-1]
    else:
        if before is not None:
            rows = rows.filter(id__lt=before)
        found = list(rows.order_by("-id")[: size + 1])
        more_newer, more_older = before is not None, len(found) > size
        found = found[:size]
    return KeysetPage(
        rows=found[::-1] if oldest_first else found,
        newer=_link(query, "after", found[0]) if found and more_newer else None,
        older=_link(query, "before", found[-1]) if found and more_older else None,
    )


def _cursor(query: QueryDict, name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not is_id(text):
        raise Http404
    return int(text)


def is_id(text: str) -> bool:
    """Return whether text can be a row id: ASCII digits only, and few enough to fit into a bigint."""
    return text.isascii() and text.isdigit() and len(text) <= 18


def _link(query: QueryDict, name: str, row: Any) -> str:
    kept = [(key, value) for key, values in query.lists() if key not in _CURSORS for value in values]
    return "?" + urlencode([*kept, (name, _id(row))])


def _id(row: Any) -> int:
    if isinstance(row, tuple):
        return int(row[0])
    return int(row["id"] if isinstance(row, dict) else row.pk)
