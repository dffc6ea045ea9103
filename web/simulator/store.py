"""The simulator's storage: documents, movements of money, things to do and unsent events in an SQLite file of its own.

A file, so that a payment survives a restart; not the site's database, which the provider would not have either.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Any

from django.conf import settings

Document = dict[str, Any]

# To be raised with each change of the tables.
_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS document (kind TEXT, key TEXT, body TEXT, PRIMARY KEY (kind, key));
CREATE TABLE IF NOT EXISTS delivery (
    id INTEGER PRIMARY KEY, due_at REAL, tries INTEGER DEFAULT 0, body BLOB, signature TEXT
);
CREATE TABLE IF NOT EXISTS agenda (kind TEXT, key TEXT, due_at REAL, PRIMARY KEY (kind, key));
CREATE TABLE IF NOT EXISTS movement (
    id INTEGER PRIMARY KEY, place TEXT, currency TEXT, amount INTEGER, balance INTEGER, reason TEXT,
    model TEXT, row INTEGER, moved_at REAL, settles_at REAL, settlement INTEGER,
    UNIQUE (place, model, row, reason)
);
CREATE INDEX IF NOT EXISTS movement_newest ON movement (place, currency, id);
CREATE INDEX IF NOT EXISTS movement_unsettled ON movement (currency) WHERE place = 'pending' AND settlement IS NULL;
"""

# The open connection of this thread, shared by everything in one `atomic` block.
_open: ContextVar[sqlite3.Connection | None] = ContextVar("simulator_database", default=None)


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


def documents(kind: str) -> list[Document]:
    """Return all documents of a kind, those changed last first."""
    found = rows("SELECT body FROM document WHERE kind = ? ORDER BY rowid DESC", (kind,))
    return [json.loads(body) for (body,) in found]


def plan(kind: str, key: str, due_at: float) -> None:
    """Note something to do at a time; the same kind and key again moves it to the new time."""
    run("REPLACE INTO agenda VALUES (?, ?, ?)", (kind, key, due_at))


def take_due(until: float) -> tuple[str, str, float] | None:
    """Remove the earliest thing to do that is due, and return its kind, key and time."""
    with atomic():
        found = rows(
            "SELECT kind, key, due_at FROM agenda WHERE due_at <= ? ORDER BY due_at, kind, key", (until,)
        )
        if not found:
            return None
        run("DELETE FROM agenda WHERE kind = ? AND key = ?", found[0][:2])
        kind, key, due_at = found[0]
        return kind, key, due_at


def rows(sql: str, values: Sequence[object] = ()) -> list[Any]:
    """Return the rows of a query."""
    with _database() as database:
        return database.execute(sql, values).fetchall()


def run(sql: str, values: Sequence[object] = ()) -> int:
    """Run a statement, and return the number of rows that it changed."""
    with _database() as database:
        return database.execute(sql, values).rowcount


@contextlib.contextmanager
def atomic() -> Iterator[None]:
    """Store all changes of the block or none. Another thread waits until the block has ended."""
    with _database():
        yield


@contextlib.contextmanager
def _database() -> Iterator[sqlite3.Connection]:
    """Join the open transaction or begin one; IMMEDIATE, so that two threads wait for each other."""
    joined = _open.get()
    if joined is not None:
        yield joined
        return
    settings.SIMULATOR_FILE.parent.mkdir(parents=True, exist_ok=True)
    database = _connect()
    try:
        database.execute("BEGIN IMMEDIATE")
        _set_up(database)
        token = _open.set(database)
        try:
            yield database
        finally:
            _open.reset(token)
        database.execute("COMMIT")
    finally:
        database.close()


def _connect() -> sqlite3.Connection:
    return sqlite3.connect(settings.SIMULATOR_FILE, timeout=10, isolation_level=None)


def _set_up(database: sqlite3.Connection) -> None:
    """Create what is missing, once per file and version of the tables."""
    if database.execute("PRAGMA user_version").fetchone() == (_VERSION,):
        return
    for statement in _SCHEMA.split(";"):
        database.execute(statement)
    database.execute(f"PRAGMA user_version = {_VERSION}")
