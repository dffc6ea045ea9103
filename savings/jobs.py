"""The scheduled jobs: when each is due, and the record of its runs, which staff see in the admin.

`savings/tasks.py` has the timetable. Schedules are in UTC, like the clock of the consumers.
"""

from __future__ import annotations

import datetime
import functools
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from django.db import DatabaseError
from django.db.models import F
from django.db.transaction import atomic
from django.utils import timezone

from savings import typed_text
from savings.models import JobRun

logger = logging.getLogger(__name__)

_MINUTE = datetime.timedelta(minutes=1)
# The longest schedule is monthly.
_MOST_MINUTES = 40 * 24 * 60
# A job is late once it has missed this many of its due moments.
_MISSED = 3


class Job(NamedTuple):
    """A job of the timetable. `is_due_in` returns whether it is due in the minute of a UTC moment."""

    name: str
    call: Callable[[], object]
    is_due_in: Callable[[datetime.datetime], bool]

    @property
    def purpose(self) -> str:
        """What the job does: the first sentence of its function's docstring, with its full stop."""
        first, stop, _ = (self.call.__doc__ or "").partition(".")
        return first + stop

    def last_due(self, moment: datetime.datetime) -> datetime.datetime:
        """Return the latest moment at which the job was due, up to a moment."""
        return next(self._due_moments(moment))

    def next_due(self, moment: datetime.datetime) -> datetime.datetime:
        """Return the first moment at which the job is due, after a moment. Raises ValueError where there is none."""
        minute = moment.astimezone(datetime.UTC).replace(second=0, microsecond=0)
        for _ in range(_MOST_MINUTES):
            minute += _MINUTE
            if self.is_due_in(minute):
                return minute
        raise ValueError(f"{self.name} is never due")

    def is_due(self, run: JobRun | None, moment: datetime.datetime) -> bool:
        """Return whether the job has not started since it was last due. `run` is its row, None if it never ran."""
        return run is None or run.started_at < self.last_due(moment)

    def is_late(self, run: JobRun, now: datetime.datetime) -> bool:
        """Return whether the job has not started for three of its periods."""
        # A consumer needs some seconds to start what is due.
        due = self._due_moments(now - _MINUTE)
        return run.started_at < [next(due) for _ in range(_MISSED)][-1]

    def run(self) -> None:
        """Run the job and record that. An error is recorded and raised again."""
        started_at, began = timezone.now(), time.monotonic()
        _record(_begin, self.name, started_at)
        try:
            done = self.call()
        except Exception as error:
            _record(_fail, self.name, typed_text.describe_error(error))
            _record(_end, self.name, started_at, began, None)
            raise
        _record(_end, self.name, started_at, began, done)

    def _due_moments(self, moment: datetime.datetime) -> Iterator[datetime.datetime]:
        """Yield the moments at which the job was due, the latest first. Raises ValueError where there is none."""
        minute = moment.astimezone(datetime.UTC).replace(second=0, microsecond=0)
        for _ in range(_MISSED * _MOST_MINUTES):
            if self.is_due_in(minute):
                yield minute
            minute -= _MINUTE
        raise ValueError(f"{self.name} is never due")


# By name, in the order of the timetable.
TIMETABLE: dict[str, Job] = {}
# What an operator or a timer of the machine starts. It is recorded like a job, and is never due or late.
BACKUP, RESTORE = "backup", "restore"
BY_HAND = (BACKUP, RESTORE)


def add_job(call: Callable[[], object], is_due_in: Callable[[datetime.datetime], bool]) -> Callable[[], None]:
    """Add a function to the timetable, and return one that runs it and records that.

    A number that the function returns is what the run got done.
    """
    job = TIMETABLE[call.__name__] = Job(call.__name__, call, is_due_in)

    @functools.wraps(call)
    def run() -> None:
        job.run()

    return run


def run_by_hand(name: str, call: Callable[[], object]) -> None:
    """Run what no timetable starts, one of `BY_HAND`, and record that as of a job. An error is raised again."""
    Job(name, call, lambda _: False).run()


def due_jobs(moment: datetime.datetime) -> list[Job]:
    """Return the jobs that have not started since they were last due, in the order of the timetable. One query."""
    runs = {run.job: run for run in JobRun.objects.all()}
    return [job for job in TIMETABLE.values() if job.is_due(runs.get(job.name), moment)]


def late_and_new(found: Iterable[JobRun], now: datetime.datetime) -> tuple[list[str], list[str]]:
    """Return the names of the jobs that have not run for three of their periods, and of those that never ran.

    `found` are the records of all jobs.
    """
    runs = {run.job: run for run in found}
    late = [job.name for job in TIMETABLE.values() if job.name in runs and job.is_late(runs[job.name], now)]
    return late, [name for name in TIMETABLE if name not in runs]


def _record[**P](write: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Write to the record. The job does not depend on it: an error of the database is only logged."""
    try:
        with atomic():
            write(*args, **kwargs)
    except DatabaseError:
        logger.warning("the run of a job could not be recorded", exc_info=True)


def _begin(name: str, started_at: datetime.datetime) -> None:
    runs = JobRun.objects.filter(job=name)
    # Counted by the database: another consumer may start the same job now.
    changes = {"started_at": started_at, "ended_at": None, "rows_done": None, "runs": F("runs") + 1}
    if not runs.update(**changes):
        JobRun.objects.bulk_create([JobRun(job=name, started_at=started_at)], ignore_conflicts=True)
        runs.update(**changes)


def _fail(name: str, error: str) -> None:
    JobRun.objects.filter(job=name).update(failures=F("failures") + 1, failed_at=timezone.now(), error=error)


def _end(name: str, started_at: datetime.datetime, began: float, done: object) -> None:
    """Record the end of a run, unless a later run of another consumer has started."""
    JobRun.objects.filter(job=name, started_at=started_at).update(
        ended_at=timezone.now(),
        duration_ms=max(0, round((time.monotonic() - began) * 1000)),
        rows_done=done if isinstance(done, int) and not isinstance(done, bool) else None,
    )
