"""Runs several ways to the same answer and reports the cost of each: queries, time and rows, with its code."""

from __future__ import annotations

import dataclasses
import inspect
import re
import statistics
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

Rows = Sequence[tuple[object, ...]]

# The longest SQL shown: its shape matters, not its last condition.
_LONGEST_SQL = 600
_MOST_STATEMENTS = 4
_NARROW_SPACE = "\u202f"
# A long list of columns.
_COLUMNS = re.compile(r'(?<=SELECT )("\w+"\."\w+"), (?:"\w+"\."\w+", ){2,}"\w+"\."\w+"')


class Headline(NamedTuple):
    """One figure of an experiment for docs/lessons.md: what was measured, and its value as text."""

    what: str
    value: str


@dataclasses.dataclass(frozen=True)
class Way[Subject]:
    """One way to the answer. `run` is measured and its code is shown, so it contains nothing else."""

    name: str
    note: str
    run: Callable[[Subject], Rows]
    # Returns the query plan, if that matters in the experiment.
    explain: Callable[[Subject], str] | None = None


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The cost of one way. `share` is its time in thousandths of the slowest, `times` its multiple of the fastest."""

    name: str
    note: str
    rows: int
    queries: int
    statements: list[tuple[int, str]]
    more_statements: int
    milliseconds: float
    share: int
    times: float
    plan: str
    where: str
    code: str

    @property
    def time_text(self) -> str:
        return f"{self.milliseconds:.{0 if self.milliseconds >= 10 else 2}f}{_NARROW_SPACE}ms"

    @property
    def times_text(self) -> str:
        return f"{self.times:,.{0 if self.times >= 10 else 1}f}{_NARROW_SPACE}×"


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The outcomes of all ways, in the given order."""

    outcomes: list[Outcome]
    agree: bool
    rounds: int

    @property
    def slowest(self) -> Outcome:
        return max(self.outcomes, key=lambda outcome: outcome.milliseconds)

    @property
    def quickest(self) -> Outcome:
        return min(self.outcomes, key=lambda outcome: outcome.milliseconds)


class _Run(NamedTuple):
    answer: Rows
    sent: list[str]
    milliseconds: float


def compare[Subject](ways: Sequence[Way[Subject]], subject: Subject, *, rounds: int) -> Comparison:
    """Run each way once while recording its queries, then all in turns for `rounds`, and take the median.

    With 0 rounds the first run's time counts, for actions that must not be repeated.
    """
    runs = [_watched(way.run, subject) for way in ways]
    times = [run.milliseconds for run in runs]
    if rounds:
        turns = [[_timed(way.run, subject) for way in ways] for _ in range(rounds)]
        times = [statistics.median(turn) for turn in zip(*turns, strict=True)]
    outcomes = [
        _outcome(way, subject, run._replace(milliseconds=milliseconds), times)
        for way, run, milliseconds in zip(ways, runs, times, strict=True)
    ]
    agree = all(list(run.answer) == list(runs[0].answer) for run in runs)
    return Comparison(outcomes=outcomes, agree=agree, rounds=rounds)


def _watched[Subject](run: Callable[[Subject], Rows], subject: Subject) -> _Run:
    sent: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:  # noqa: FBT001
        sent.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        began = time.perf_counter()
        answer = run(subject)
        return _Run(answer, sent, (time.perf_counter() - began) * 1000)


def _timed[Subject](run: Callable[[Subject], Rows], subject: Subject) -> float:
    began = time.perf_counter()
    run(subject)
    return (time.perf_counter() - began) * 1000


def _outcome[Subject](way: Way[Subject], subject: Subject, run: _Run, times: list[float]) -> Outcome:
    statements = [(count, pretty(sql)) for sql, count in Counter(run.sent).items()]
    where, code = source(way.run)
    return Outcome(
        name=way.name,
        note=way.note,
        rows=len(run.answer),
        queries=len(run.sent),
        statements=statements[:_MOST_STATEMENTS],
        more_statements=len(statements[_MOST_STATEMENTS:]),
        milliseconds=run.milliseconds,
        share=round(1000 * run.milliseconds / max(times)),
        times=run.milliseconds / min(times),
        plan=way.explain(subject) if way.explain else "",
        where=where,
        code=code,
    )


def pretty(sql: str) -> str:
    """Return SQL on several lines, shortened."""
    short = _COLUMNS.sub(r"\1, …", sql)
    text = connection.ops.format_debug_sql(short)
    return text if len(text) <= _LONGEST_SQL else f"{text[:_LONGEST_SQL].rstrip()} …"


def source(function: Callable[..., Any]) -> tuple[str, str]:
    """Return a function's location as `path:line` in the project, and its code."""
    lines, first = inspect.getsourcelines(function)
    path = Path(inspect.getfile(function)).relative_to(settings.BASE_DIR)
    return f"{path}:{first}", textwrap.dedent("".join(lines)).strip()
