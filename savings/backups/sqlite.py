"""SQLite: its online backup copies one snapshot without blocking the site, and a restore copies it back at once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from django.db import connection

from savings.backups.facts import FILE_NAMES, Facts, Query, query_here, read_facts
from savings.backups.failures import BackupFailed, RestoreRefused

FILE = "database.sqlite3"
HOW_TO_EMPTY = "Move its file away, or name another one in DATABASE_URL, and run this again."
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'"


def dump(folder: Path) -> tuple[Facts, list[str]]:
    """Copy the database into a folder, and return its facts and what `FILE_NAMES` selects. Raises BackupFailed."""
    connection.ensure_connection()
    try:
        with closing(sqlite3.connect(folder / FILE)) as copy:
            connection.connection.backup(copy)
            # One file, that can be read on a disk which cannot be written.
            copy.execute("PRAGMA journal_mode = DELETE")
            query = _query_of(copy)
            return read_facts(query, _tables_of(query)), [name for (name,) in query(FILE_NAMES)]
    except sqlite3.Error as error:
        raise BackupFailed(f"The database could not be copied to {folder}: {error}.") from error


def load(folder: Path) -> None:
    """Copy a backup into this empty database, in one transaction. Raises RestoreRefused."""
    connection.ensure_connection()
    try:
        with closing(sqlite3.connect(f"file:{folder / FILE}?mode=ro", uri=True)) as copy:
            copy.backup(connection.connection)
    except sqlite3.Error as error:
        raise RestoreRefused(f"The database could not be loaded, and is still empty: {error}.") from error
    # The next connection sets the journal mode of the site.
    connection.close()


def is_complete(_: Path) -> bool:
    """Return True: `load` loads all of a backup, or nothing."""
    return True


def facts_here() -> Facts:
    """Return the facts of this database."""
    return read_facts(query_here, tables())


def tables() -> list[str]:
    """Return the names of the tables of this database."""
    return _tables_of(query_here)


def server_version() -> int:
    """Return 0: any version of SQLite reads the file."""
    return 0


def _query_of(database: sqlite3.Connection) -> Query:
    return lambda sql: database.execute(sql).fetchall()


def _tables_of(query: Query) -> list[str]:
    return [name for (name,) in query(_TABLES)]
