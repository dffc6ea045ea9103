"""Which history the database holds: its epoch, which is part of every key outside of the database.

Counters of rows go back when a backup is restored, and then count up again; the epoch does not. Whatever is keyed by
such a counter in Redis or in a browser is keyed by the epoch as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from savings.models import Installation
from savings.models.installation import new_epoch

_known: ContextVar[str | None] = ContextVar("epoch", default=None)


def epoch() -> str:
    """Return the epoch of the database: the one that this request has read already, else with one query."""
    return _known.get() or Installation.objects.the_row().epoch


def note_epoch(found: str) -> None:
    """Remember the epoch for the rest of the block of `forgetting_epoch` around it."""
    _known.set(found)


@contextmanager
def forgetting_epoch() -> Iterator[None]:
    """Begin a request without an epoch, and forget what it has noted at its end: the next one may see another."""
    token = _known.set(None)
    try:
        yield
    finally:
        _known.reset(token)


def renew_epoch() -> str:
    """Give the database a new epoch and return it: what is cached of the history before is not found any more."""
    row = Installation.objects.the_row()
    row.epoch = new_epoch()
    row.save(update_fields=["epoch"])
    return row.epoch
