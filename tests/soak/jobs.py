"""The timetable of `savings.tasks` in the order of time: each job once, doubled, late, or skipped for hours or days."""

from __future__ import annotations

import datetime
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from django.utils import timezone
from huey.contrib import djhuey

from savings import tasks

_MINUTES = 24 * 60
# These do the same at each hour of a day, so it is enough to run them this long after their last run.
_SELDOM = {
    "announce_expiring_cards",
    "ask_for_monthly_statements",
    "carry_out_maturities",
    "clear_sessions",
    "count_money_days",
    "draw_up_digests",
    "fetch_settlements",
    "keep_board_days",
    "post_missing_costs",
    "reconcile_boards",
    "record_coverage",
    "replace_closed_owners",
    "settle_circles",
    "store_balances",
    "sweep_disputes",
    "sync_cases",
    "tidy_statements",
}
_SELDOM_EVERY = datetime.timedelta(hours=7)
_TWICE = 0.04
# How often a day brings an outage of one job, and of the whole worker.
_JOB_OFF, _WORKER_OFF = 0.12, 0.05
# Queued tasks are lost with the consumer that has taken them.
_QUEUE_LOST = 0.2


class Job:
    """One periodic task, with the minutes of the day at which it is due."""

    def __init__(self, name: str, wrapper: Any) -> None:
        self.name, self.run = name, wrapper.call_local
        midnight = datetime.datetime(2027, 1, 1)  # noqa: DTZ001 - as Huey compares
        is_due = wrapper.task_class.validate_datetime
        task = wrapper.task_class()
        self.minutes = [
            minute
            for minute in range(_MINUTES)
            if is_due(task, midnight + datetime.timedelta(minutes=minute))
        ]
        self.ran_until: datetime.datetime | None = None
        self.off_until: datetime.datetime | None = None

    def newest_due(self, now: datetime.datetime) -> datetime.datetime | None:
        """Return when it was last due, if that is after its last run."""
        # The consumer compares with its clock's UTC minutes; only those within the hour matter.
        start = now.replace(hour=0, minute=0, second=0, microsecond=0)
        elapsed = int((now - start).total_seconds() // 60)
        past = [minute for minute in self.minutes if minute <= elapsed]
        newest = start + datetime.timedelta(minutes=past[-1] if past else self.minutes[-1] - _MINUTES)
        if self.ran_until is None:
            return newest
        is_early = self.name in _SELDOM and self.ran_until.date() == now.date()
        since = self.ran_until + _SELDOM_EVERY if is_early else self.ran_until
        return newest if newest > since else None


class Timetable:
    """All jobs. `attempt` runs one as a process of its own, which may be killed."""

    def __init__(self, chance: random.Random, attempt: Callable[[str, Callable[[], object]], None]) -> None:
        self.chance, self.attempt = chance, attempt
        self.jobs = [
            Job(name, wrapper)
            for name, wrapper in vars(tasks).items()
            if hasattr(wrapper, "task_class") and hasattr(wrapper.task_class, "validate_datetime")
        ]
        self.is_reliable = False
        self.off_until: datetime.datetime | None = None
        self.runs: Counter[str] = Counter()

    def begin_day(self) -> None:
        """Decide which jobs are off today, and for how long."""
        now = timezone.now()
        if self.chance.random() < _JOB_OFF:
            self.chance.choice(self.jobs).off_until = now + self._while()
        if self.chance.random() < _WORKER_OFF:
            self.off_until = now + self._while()

    def tick(self) -> None:
        """Run each job that has become due since its last run, the one that was due first."""
        now = timezone.now()
        if not self.is_reliable and self.off_until and now < self.off_until:
            return
        self._run_queue()
        due = [(at, job) for job in self.jobs if (at := job.newest_due(now)) is not None]
        for _, job in sorted(due, key=lambda one: one[0]):
            if not self.is_reliable and job.off_until and now < job.off_until:
                continue
            job.ran_until = now
            self._run(job)

    def run_all(self) -> None:
        """Run every job once, due or not."""
        self._run_queue()
        for job in self.jobs:
            self._run(job)

    def _run(self, job: Job) -> None:
        times = 2 if not self.is_reliable and self.chance.random() < _TWICE else 1
        for _ in range(times):
            self.runs[job.name] += 1
            self.attempt(job.name, job.run)

    def _run_queue(self) -> None:
        """Run the tasks that were queued after commits, or lose them."""
        is_lost = not self.is_reliable and self.chance.random() < _QUEUE_LOST
        # Not until `dequeue` finds nothing: that waits for a second.
        queue: Any = djhuey.HUEY
        while queue.storage.queue_size():
            task = queue.dequeue()
            if not is_lost and task is not None:
                self.attempt(task.name, task.execute)

    def _while(self) -> datetime.timedelta:
        return datetime.timedelta(hours=self.chance.choice([2, 5, 11, 26, 50]))
