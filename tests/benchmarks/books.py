"""Proving and summing the books: what they cost beside the same queries in psql, and per entry at a million."""

from __future__ import annotations

import argparse
import datetime
import os
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import django
from django.conf import settings

from tests.benchmarks._servers import PRODUCTION, program

if not settings.configured:
    os.environ |= PRODUCTION
    django.setup()

from django.db import connection
from django.utils import timezone

from savings import demo, ledger
from savings.models import Entry
from tests.benchmarks import _database
from tests.benchmarks._report import Figure, publish

FEW, MANY = 100_000, 1_000_000
SMALL, LARGE = "asusu_books_small", "asusu_books_large"
CHECK_ROUNDS, REPORT_ROUNDS = 3, 7


def main() -> int:
    """Measure on the servers of the environment, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=MANY)
    parser.add_argument("--json")
    options = parser.parse_args()
    with _database.made(SMALL), _database.made(LARGE):
        figures = list(_measure(options.rows))
    return publish("books", figures, options.json)


def _measure(rows: int) -> Iterator[Figure]:
    entries = {}
    for name, transactions in ((SMALL, FEW), (LARGE, rows)):
        _database.use(name)
        begun_at = time.monotonic()
        demo.load_crowd(transactions // 100, transactions, lambda _: None)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        entries[name] = Entry.objects.count()
    yield Figure("entries", entries[LARGE], "", f"loaded in {time.monotonic() - begun_at:.0f} s")
    yield from _checks(rows)
    yield _trial_balance(entries)


def _checks(rows: int) -> Iterator[Figure]:
    """Compare the checks with their queries run by psql, and their memory with that of fewer rows."""
    peaks = {}
    for name in (SMALL, LARGE):
        _database.use(name)
        tracemalloc.start()
        _run_checks()
        peaks[name] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    with TemporaryDirectory() as folder:
        script = Path(folder) / "checks.sql"
        script.write_text(";\n".join(statement for _, statement in ledger.check_queries()) + ";\n")
        ours, theirs = _fastest(CHECK_ROUNDS, _run_checks, lambda: _psql(script))
    detail = f"{ours:.1f} s : {theirs:.1f} s"
    yield Figure(f"check_ledger : its queries in psql, {rows:,}", ours / theirs, "x", detail, at_most=1.3)
    detail = f"{peaks[LARGE] / 1024:.0f} KiB : {peaks[SMALL] / 1024:.0f} KiB"
    yield Figure(
        f"memory of check_ledger, {rows:,} : {FEW:,}", peaks[LARGE] / peaks[SMALL], "x", detail, at_most=1.2
    )


def _trial_balance(entries: dict[str, int]) -> Figure:
    """Compare the time per entry of a month's trial balance in the large and the small database."""
    month_on = (timezone.localdate().replace(day=1) - datetime.timedelta(days=1)).replace(day=1)

    def sum_up(name: str) -> float:
        _database.use(name)
        connection.ensure_connection()
        begun_at = time.perf_counter()
        assert ledger.trial_balance(month_on).is_balanced
        return (time.perf_counter() - begun_at) / entries[name]

    paces = [(sum_up(SMALL), sum_up(LARGE)) for _ in range(REPORT_ROUNDS)]
    few, many = (statistics.median(pace) for pace in zip(*paces, strict=True))
    detail = f"{many * 1e6:.2f} µs : {few * 1e6:.2f} µs an entry"
    return Figure(
        f"trial balance, {entries[LARGE]:,} : {entries[SMALL]:,} entries",
        many / few,
        "x",
        detail,
        at_most=1.1,
    )


def _run_checks() -> None:
    damage = list(ledger.run_checks())
    assert not damage, damage


def _psql(script: Path) -> None:
    """Run a file of statements in the current database."""
    at = connection.settings_dict
    words = [program("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", at["HOST"], "-p", str(at["PORT"])]
    words += ["-U", at["USER"], "-d", at["NAME"], "-o", os.devnull, "-f", str(script)]
    subprocess.run([str(word) for word in words], check=True)


def _fastest(rounds: int, *actions: Callable[[], object]) -> list[float]:
    """Return the least seconds of each action, run in turns: other load only adds to them."""
    seconds: list[list[float]] = [[] for _ in actions]
    for _ in range(rounds):
        for action, values in zip(actions, seconds, strict=True):
            begun_at = time.perf_counter()
            action()
            values.append(time.perf_counter() - begun_at)
    return [min(values) for values in seconds]


if __name__ == "__main__":
    sys.exit(main())
