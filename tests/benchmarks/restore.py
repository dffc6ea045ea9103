"""Restoring a backup with the comparison and the proof of the books, compared with pg_restore alone."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import django
from django.conf import settings

from tests.benchmarks._servers import PRODUCTION, program

if not settings.configured:
    os.environ |= PRODUCTION
    django.setup()

from django.core.management import call_command
from django.db import connection

from savings import backups, demo
from savings.models import Entry
from tests.benchmarks import _database
from tests.benchmarks._report import Figure, publish

TRANSACTIONS = 1_000_000
FULL, EMPTY = "asusu_restore_full", "asusu_restore_empty"
ROUNDS = 2


def main() -> int:
    """Measure on the servers of the environment, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transactions", type=int, default=TRANSACTIONS)
    parser.add_argument("--json")
    options = parser.parse_args()
    with _database.made(FULL), TemporaryDirectory() as folder:
        figures = list(_measure(options.transactions, Path(folder)))
    return publish("restore", figures, options.json)


def _measure(transactions: int, folder: Path) -> Iterator[Figure]:
    demo.load_crowd(transactions // 100, transactions, lambda _: None)
    entries = Entry.objects.count()
    begun_at = time.perf_counter()
    made = backups.make_backup(folder)
    yield Figure(f"backup of {entries:,} entries", time.perf_counter() - begun_at, "s")
    size = sum(path.stat().st_size for path in made.rglob("*"))
    yield Figure("its size", size / 1e6, "MB")
    alone, steps = [], []
    for _ in range(ROUNDS):
        with _empty_database():
            alone.append(_seconds(lambda: _pg_restore(made)))
        with _empty_database():
            steps.append({name: _seconds(step) for name, step in _steps(made).items()})
    ours = min(steps, key=lambda seconds: sum(seconds.values()))
    detail = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in ours.items())
    yield Figure("pg_restore alone", min(alone), "s")
    what = f"restore of {transactions:,} transactions with proof : pg_restore alone"
    yield Figure(what, sum(ours.values()) / min(alone), "x", detail, at_most=1.5)


def _steps(made: Path) -> dict[str, Callable[[], object]]:
    """Return the steps of `manage.py restore` up to the proof, in order."""
    return {
        "hashes": lambda: backups.open_backup(made),
        "load": lambda: backups.load_database(made),
        "compare": lambda: backups.compare_database(backups.read_manifest(made)),
        "migrate": lambda: call_command("migrate", verbosity=0),
        "proof": lambda: call_command("check_ledger", connections=backups.CONNECTIONS, stdout=sys.stderr),
    }


@contextmanager
def _empty_database() -> Iterator[None]:
    """Connect this thread to an empty database for the block."""
    _run_nowhere(f"DROP DATABASE IF EXISTS {EMPTY}", f"CREATE DATABASE {EMPTY}")
    _database.use(EMPTY)
    try:
        yield
    finally:
        _database.use(FULL)
        _run_nowhere(f"DROP DATABASE {EMPTY}")


def _run_nowhere(*statements: str) -> None:
    """Run statements on the server that belong to no database of it."""
    with connection._nodb_cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _pg_restore(made: Path) -> None:
    at = connection.settings_dict
    words = [program("pg_restore"), "--exit-on-error", "--no-owner", "-h", at["HOST"], "-p", str(at["PORT"])]
    words += ["-U", at["USER"], "-d", at["NAME"], made / "database.dump"]
    subprocess.run([str(word) for word in words], check=True)


def _seconds(act: Callable[[], object]) -> float:
    begun_at = time.perf_counter()
    act()
    return time.perf_counter() - begun_at


if __name__ == "__main__":
    sys.exit(main())
