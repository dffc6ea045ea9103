"""PostgreSQL: pg_dump reads the snapshot that the facts are read from, and pg_restore loads it on several connections.

They cannot load everything or nothing, so a mark in the database says that a load has come to its end.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from django.db import connection
from django.db.backends.postgresql.client import DatabaseClient
from django.db.transaction import atomic

from savings.backups.facts import FILE_NAMES, Facts, query_here, read_facts
from savings.backups.failures import BackupFailed, RestoreRefused

FILE = "database.dump"
HOW_TO_EMPTY = "Create an empty database (createdb), name it in DATABASE_URL, and run this again."
# Of pg_restore, and of the proof after it. Nothing else uses the database then.
CONNECTIONS = 2
_LAST_LINES = 3
# A comment on this table says that a dump was loaded to its end. It names the dump, because later dumps contain it.
_MARKED = "django_migrations"


def dump(folder: Path) -> tuple[Facts, list[str]]:
    """Dump the database into a folder, and return its facts and what `FILE_NAMES` selects, all of one snapshot.

    Raises BackupFailed.
    """
    program = _program("pg_dump", BackupFailed)
    with atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        # The transaction waits for pg_dump, which may take longer than a server allows requests to take.
        cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SELECT pg_export_snapshot()")
        snapshot = cursor.fetchone()[0]
        words = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
        with _start(program, [*words, f"--file={folder / FILE}"]) as process:
            try:
                facts = read_facts(query_here, tables())
                names = [name for (name,) in query_here(FILE_NAMES)]
                _, said = process.communicate()
            except BaseException:
                process.kill()
                raise
    if process.returncode:
        raise BackupFailed(f"pg_dump failed with code {process.returncode}: {_end_of(said)}")
    return facts, names


def load(folder: Path) -> None:
    """Load a dump into this empty database. Raises RestoreRefused; part of it may have been loaded then."""
    program = _program("pg_restore", RestoreRefused)
    words = [f"--jobs={CONNECTIONS}", "--exit-on-error", "--no-owner", "--no-privileges", str(folder / FILE)]
    connection.close()
    with _start(program, words) as process:
        try:
            _, said = process.communicate()
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise RestoreRefused(
            f"pg_restore failed with code {process.returncode}: {_end_of(said)}. Part of the backup may have been"
            f" loaded. {HOW_TO_EMPTY}"
        )
    with connection.cursor() as cursor:
        cursor.execute(f"COMMENT ON TABLE {_MARKED} IS %s", [_mark_of(folder)])


def is_complete(folder: Path) -> bool:
    """Return whether `load` has loaded all of a dump into this database."""
    return query_here(f"SELECT obj_description(to_regclass('{_MARKED}'), 'pg_class')") == [
        (_mark_of(folder),)
    ]


def facts_here() -> Facts:
    """Return the facts of this database."""
    with atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return read_facts(query_here, tables())


def tables() -> list[str]:
    """Return the names of the tables of this database."""
    return [
        name for (name,) in query_here("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    ]


def server_version() -> int:
    """Return the major version of the server."""
    connection.ensure_connection()
    return int(connection.pg_version) // 10_000  # type: ignore[attr-defined]


def _program(name: str, failure: type[Exception]) -> str:
    """Return the path of a program of PostgreSQL. Raises `failure` where it is missing or older than the server."""
    path, needed = shutil.which(name), server_version()
    install = (
        f"Install the client programs of PostgreSQL {needed} or newer (Debian: postgresql-client-{needed})."
    )
    if path is None:
        raise failure(f"{name} is not installed. {install}")
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
    found = re.search(r"\) (\d+)", said)
    if found is None or int(found[1]) < needed:
        raise failure(f"{said.strip()} is older than the server. {install}")
    return path


def _start(program: str, words: list[str]) -> subprocess.Popen[str]:
    """Start a program on this database. A password is in its environment, and never among its words."""
    settings = connection.settings_dict
    place, secrets = DatabaseClient.settings_to_cmd_args_env(settings, [])
    return subprocess.Popen(  # noqa: S603 (our own words)
        [program, *place[1:-1], f"--dbname={place[-1]}", "--no-password", *words],
        env=os.environ | (secrets or {}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _mark_of(folder: Path) -> str:
    return f"All of {folder.resolve().name} was loaded."


def _end_of(said: str) -> str:
    return " ".join(said.strip().splitlines()[-_LAST_LINES:]) or "it said nothing"
