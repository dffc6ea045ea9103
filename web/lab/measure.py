"""Runs several ways to the same answer and reports the cost of each: queries, time and rows, with its code."""

from __future__ import annotations

import dataclasses
import inspect
import re
import statistics
import textwrap
import time
import tracemalloc
from collections import Counter, deque
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
    """The cost of one way. `share` is its time in thousandths of the slowest, `times` its multiple of the fastest.

    `peak_bytes` is the most memory that Python held for it at one moment, if that was measured.
    """

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
    peak_bytes: int | None = None

    @property
    def memory_text(self) -> str:
        return "" if self.peak_bytes is None else size_text(self.peak_bytes)

    @property
    def time_text(self) -> str:
        return milliseconds_text(self.milliseconds)

    @property
    def times_text(self) -> str:
        return times_text(self.times)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The outcomes of all ways, in the given order. `pair` names the two that the lesson compares."""

    outcomes: list[Outcome]
    agree: bool
    rounds: int
    pair: tuple[str, str] | None = None

    @property
    def before(self) -> Outcome:
        """The first way of the lesson's pair; without a pair the slowest."""
        return self.named(self.pair[0]) if self.pair else self.slowest

    @property
    def after(self) -> Outcome:
        """The second way of the lesson's pair; without a pair the quickest."""
        return self.named(self.pair[1]) if self.pair else self.quickest

    @property
    def ratio_text(self) -> str:
        """How many times as long the first way of the pair took as the second."""
        return times_text(self.before.milliseconds / self.after.milliseconds)

    @property
    def has_memory(self) -> bool:
        return self.outcomes[0].peak_bytes is not None

    def named(self, name: str) -> Outcome:
        return next(outcome for outcome in self.outcomes if outcome.name == name)

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


def compare[Subject](
    ways: Sequence[Way[Subject]],
    subject: Subject,
    *,
    rounds: int,
    pair: tuple[str, str] | None = None,
    with_memory: bool = False,
) -> Comparison:
    """Run each way once while recording its queries, then all in turns for `rounds`, and take the median.

    With 0 rounds the first run's time counts, for actions that must not be repeated. Memory is measured in a further
    run of each way, because watching it makes Python several times as slow. `pair` names the ways of the headline.
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
    if with_memory:
        outcomes = [
            dataclasses.replace(outcome, peak_bytes=_peak_bytes(way.run, subject))
            for way, outcome in zip(ways, outcomes, strict=True)
        ]
    agree = all(list(run.answer) == list(runs[0].answer) for run in runs)
    return Comparison(outcomes=outcomes, agree=agree, rounds=rounds, pair=pair)


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


def _peak_bytes[Subject](run: Callable[[Subject], Rows], subject: Subject) -> int:
    """Return the most bytes that Python held for a run at one moment, over what it held before."""
    # With DEBUG, Django stores the SQL of every query. That is not memory of the way.
    log, connection.queries_log = connection.queries_log, deque(maxlen=0)
    tracemalloc.start()
    try:
        run(subject)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        connection.queries_log = log


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


def milliseconds_text(milliseconds: float) -> str:
    # 9.996 is 10, not 10.00.
    return f"{milliseconds:,.{0 if round(milliseconds, 2) >= 10 else 2}f}{_NARROW_SPACE}ms"


def times_text(times: float) -> str:
    return f"{times:,.{0 if round(times, 1) >= 10 else 1}f}{_NARROW_SPACE}×"


def size_text(size_bytes: int) -> str:
    """Return a size in kB, with a decimal below ten, or in MB from a million bytes on."""
    if size_bytes >= 1_000_000:
        return f"{size_bytes / 1_000_000:,.1f}{_NARROW_SPACE}MB"
    return f"{size_bytes / 1000:,.{0 if size_bytes >= 9_950 else 1}f}{_NARROW_SPACE}kB"


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
