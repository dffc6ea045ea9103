"""The figures of a benchmark: measured in turns, printed as a table, saved as JSON and compared with their bars."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from django.db import connection


@dataclasses.dataclass(frozen=True)
class Figure:
    """One line of the table. `at_most` and `at_least` are its bar; without either it is informative."""

    what: str
    value: float
    unit: str
    detail: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def holds(self) -> bool:
        is_low_enough = self.at_most is None or self.value <= self.at_most
        return is_low_enough and (self.at_least is None or self.value >= self.at_least)

    @property
    def bar(self) -> str:
        if self.at_most is not None and self.at_least is not None:
            return f"{self.at_least:.4g}-{self.at_most:.4g}"
        if self.at_most is not None:
            return f"<= {self.at_most:.4g}"
        return f">= {self.at_least:.4g}" if self.at_least is not None else ""


def in_turns(
    rounds: int, *actions: Callable[[], object], clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Return the median seconds of each action, run in turns, so that other load affects them alike.

    With another clock, such as `time.thread_time`, these are CPU seconds instead of wall time.
    """
    seconds: list[list[float]] = [[] for _ in actions]
    for turn in range(rounds + 3):
        # Each is first in turn.
        for index in [(turn + offset) % len(actions) for offset in range(len(actions))]:
            begun_at = clock()
            actions[index]()
            seconds[index].append(clock() - begun_at)
    return [statistics.median(values[3:]) for values in seconds]


def publish(name: str, figures: list[Figure], file: str | None) -> int:
    """Print the figures, write them to the file if one is given, and return 1 if a bar is missed, else 0."""
    widest = max(len(figure.what) for figure in figures)
    for figure in figures:
        verdict = ("holds" if figure.holds else "FAILS") if figure.bar else ""
        value = f"{figure.value:>10.4g} {figure.unit:<5} {figure.bar:<11} {verdict:<6}"
        sys.stdout.write(f"{figure.what:<{widest}} {value} {figure.detail}\n")
    if file:
        rows = [
            {key: getattr(figure, key) for key in ("what", "value", "unit", "bar", "holds", "detail")}
            for figure in figures
        ]
        at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        said = {"name": name, "at": at, "machine": machine(), "figures": rows}
        Path(file).write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n")
    return 0 if all(figure.holds for figure in figures) else 1


def machine() -> str:
    """Return the machine and versions that a figure depends on, in one line."""
    database = f"{connection.display_name} {'.'.join(map(str, connection.get_database_version()))}"
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {database}"
