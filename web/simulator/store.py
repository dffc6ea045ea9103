"""The simulator's storage: JSON documents and unsent events in a small SQLite file of its own.

A file, so that a payment survives a restart; not the site's database, which the provider would not have either.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sqlite3
from collections.abc import Iterator
from typing import Any

from django.conf import settings

Document = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS document (kind TEXT, key TEXT, body TEXT, PRIMARY KEY (kind, key));
CREATE TABLE IF NOT EXISTS delivery (
    id INTEGER PRIMARY KEY, due_at REAL, tries INTEGER DEFAULT 0, body BLOB, signature TEXT
);
"""


@dataclasses.dataclass(frozen=True)
class Delivery:
    """A webhook event to send. Times are seconds since 1970."""

    id: int
    due_at: float
    tries: int
    body: bytes
    signature: str


def get(kind: str, key: str) -> Document | None:
    """Return a document, or None."""
    with _database() as database:
        row = database.execute("SELECT body FROM document WHERE kind = ? AND key = ?", (kind, key)).fetchone()
    return json.loads(row[0]) if row else None


def add(kind: str, key: str, document: Document) -> bool:
    """Store a document if there is none yet, and return whether it was stored."""
    with _database() as database:
        row = (kind, key, json.dumps(document))
        return bool(database.execute("INSERT OR IGNORE INTO document VALUES (?, ?, ?)", row).rowcount)


def put(kind: str, key: str, document: Document) -> None:
    """Store a document, replacing the previous one."""
    with _database() as database:
        database.execute("REPLACE INTO document VALUES (?, ?, ?)", (kind, key, json.dumps(document)))


def next_id() -> int:
    """Return a number that was never returned before."""
    with _database() as database:
        row = database.execute("SELECT body FROM document WHERE kind = 'counter'").fetchone()
        number = int(row[0]) + 1 if row else 4_000_000_001
        database.execute("REPLACE INTO document VALUES ('counter', '', ?)", (str(number),))
    return number


def add_delivery(body: bytes, signature: str, due_at: float) -> None:
    """Schedule an event for a time."""
    with _database() as database:
        database.execute(
            "INSERT INTO delivery (due_at, body, signature) VALUES (?, ?, ?)", (due_at, body, signature)
        )


def due_deliveries(now: float) -> list[Delivery]:
    """Return the due events, oldest first."""
    with _database() as database:
        rows = database.execute(
            "SELECT id, due_at, tries, body, signature FROM delivery WHERE due_at <= ? ORDER BY due_at, id",
            (now,),
        ).fetchall()
    return [Delivery(*row) for row in rows]


def drop_delivery(delivery_id: int) -> None:
    """Delete an event that has arrived or was given up."""
    with _database() as database:
        database.execute("DELETE FROM delivery WHERE id = ?", (delivery_id,))


def put_off_delivery(delivery_id: int, due_at: float) -> None:
    """Reschedule an event that did not arrive."""
    with _database() as database:
        database.execute(
            "UPDATE delivery SET due_at = ?, tries = tries + 1 WHERE id = ?", (due_at, delivery_id)
        )


@contextlib.contextmanager
def _database() -> Iterator[sqlite3.Connection]:
    """Open the file for one transaction; IMMEDIATE, so that two threads wait for each other."""
    settings.SIMULATOR_FILE.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(settings.SIMULATOR_FILE, timeout=10, isolation_level=None)
    try:
        database.executescript(_SCHEMA)
        database.execute("BEGIN IMMEDIATE")
        yield database
        database.execute("COMMIT")
    finally:
        database.close()
