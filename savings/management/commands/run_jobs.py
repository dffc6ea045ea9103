"""`manage.py run_jobs`: run the jobs that are due now, or were due at a moment, without a worker."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from savings import (
    jobs,
    tasks,  # noqa: F401 - fills the timetable
    typed_text,
)
from savings.models import JobRun


class Command(BaseCommand):
    help = (
        "Runs the jobs that have not started since they were last due, in the order of the timetable. With names it "
        "runs these jobs, due or not. A job that fails does not stop the others."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("jobs", nargs="*", metavar="JOB", help="the name of a job, see --list")
        parser.add_argument(
            "--at",
            metavar="MOMENT",
            help="run what was due at this moment, such as 2026-12-01T07:00, in the time zone of the site. With "
            "DEBUG the clock stands at the moment, which may be in the future. Without DEBUG the jobs run with the "
            "clock of today",
        )
        parser.add_argument("--list", action="store_true", help="list the jobs instead, and when each ran")

    def handle(self, *args: Any, at: str | None, **options: Any) -> None:
        moment = _moment(at) if at else timezone.now()
        if moment > timezone.now() and not settings.DEBUG:
            raise CommandError(
                "The moment is in the future. That needs DEBUG=1, which is never set on a server."
            )
        if options["list"]:
            self._list(moment)
            return
        unknown = set(options["jobs"]) - jobs.TIMETABLE.keys()
        if unknown:
            raise CommandError(
                f"No job is called {', '.join(sorted(unknown))}. See manage.py run_jobs --list."
            )
        with _clock_at(moment) if at and settings.DEBUG else contextlib.nullcontext():
            self._run([jobs.TIMETABLE[name] for name in options["jobs"]] or jobs.due_jobs(moment))

    def _run(self, chosen: list[jobs.Job]) -> None:
        failed = []
        for job in chosen:
            began = time.perf_counter()
            try:
                job.run()
            except Exception as error:
                failed.append(job.name)
                self.stderr.write(f"{job.name}: {typed_text.describe_error(error)}")
            else:
                self.stdout.write(f"{job.name}: done in {time.perf_counter() - began:.1f} s")
        if failed:
            raise CommandError(f"Failed: {', '.join(failed)}.")
        if not chosen:
            self.stdout.write("No job is due.")

    def _list(self, moment: datetime.datetime) -> None:
        runs = {run.job: run for run in JobRun.objects.all()}
        for job in jobs.TIMETABLE.values():
            run = runs.get(job.name)
            ran = f"last run {timezone.localtime(run.started_at):%Y-%m-%d %H:%M}" if run else "never ran"
            due = f"{timezone.localtime(job.last_due(moment)):%Y-%m-%d %H:%M}"
            self.stdout.write(
                f"{job.name:28} last due {due}, {ran}{', is due' if job.is_due(run, moment) else ''}"
            )


def _moment(text: str) -> datetime.datetime:
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise CommandError(f"“{text}” is not a moment. Write it as 2026-12-01T07:00.")
    return found if timezone.is_aware(found) else timezone.make_aware(found)


def _clock_at(moment: datetime.datetime) -> contextlib.AbstractContextManager[object]:
    import time_machine  # noqa: PLC0415 - a server does not have it

    return time_machine.travel(moment, tick=True)
