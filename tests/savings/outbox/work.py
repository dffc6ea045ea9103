"""Outbox rows of tests, and a handler for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from savings import outbox
from savings.models import OutboxRow


def make_row(key: str = "one", **fields: Any) -> OutboxRow:
    with transaction.atomic():
        row = outbox.add("note", dedupe_key=key, **fields)
    assert row is not None
    return row


class Work:
    """A handler that counts, and fails while it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.done: list[int] = []
        self.error = error

    def __call__(self, row: OutboxRow) -> Mapping[str, object]:
        if self.error:
            raise self.error
        self.done.append(row.pk)
        return {"subject": "as done"}

    def on(self, row: OutboxRow) -> bool:
        finished = outbox.deliver(row.pk, {"note": self})
        row.refresh_from_db()
        return finished
