"""What a crowd needs to be continued after its loading was stopped, in a file, and the estimate of the time left."""

from __future__ import annotations

import dataclasses
import datetime
import json
import time
from collections.abc import Callable
from pathlib import Path

from django.db import connection


@dataclasses.dataclass(frozen=True)
class Beginning:
    """Everything that a crowd is made from besides its size: the same beginning gives the same rows."""

    now: datetime.datetime
    first_user: int
    first_plan: int
    first_account: int


def read(file: Path | None, people: int, transactions: int) -> Beginning | None:
    """Return the beginning of the unfinished crowd of this size in this database; None if there is none."""
    if file is None or not file.exists():
        return None
    stored = json.loads(file.read_text())
    if stored.pop("crowd") != _name(people, transactions):
        return None
    return Beginning(now=datetime.datetime.fromisoformat(stored.pop("now")), **stored)


def write(file: Path | None, people: int, transactions: int, beginning: Beginning) -> None:
    """Store the beginning of a crowd before its first row."""
    if file is not None:
        stored = dataclasses.asdict(beginning) | {"now": beginning.now.isoformat()}
        file.write_text(json.dumps(stored | {"crowd": _name(people, transactions)}))


def forget(file: Path | None) -> None:
    """Delete the file: the crowd is complete."""
    if file is not None:
        file.unlink(missing_ok=True)


def _name(people: int, transactions: int) -> str:
    own = connection.settings_dict
    return f"{people} {transactions} {own['HOST']}:{own['PORT']} {own['NAME']}"


class Progress:
    """Reports how much is done, and the time left at the pace of this run."""

    def __init__(self, what: str, total: int, done: int, report: Callable[[str], object]) -> None:
        self._what, self._total, self._report = what, total, report
        self._done_before, self._began = done, time.monotonic()

    def at(self, done: int) -> None:
        """Report that `done` of all are written."""
        share = f"{done:,} of {self._total:,} {self._what}, {done * 100 // self._total}%"
        seconds = time.monotonic() - self._began
        left = seconds / (done - self._done_before) * (self._total - done) if done > self._done_before else 0
        self._report(f"{share}, about {_duration(left)} left" if done < self._total else share)


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{max(1, round(seconds))} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
