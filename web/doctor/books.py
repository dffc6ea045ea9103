"""Checks of what the database knows: the outbox, the jobs, the backup, the proof of the books, the coverage."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from django.conf import settings
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince

from savings import jobs, money, payments
from savings.backoffice import Monitored
from web.doctor import parts
from web.doctor.findings import Finding
from web.messages import doctor as messages

# The sweeps run every minute.
_WORKER_AWAY = datetime.timedelta(minutes=5)
# Each night, and a little more for a night that takes longer.
_BACKUP_OLD = datetime.timedelta(hours=26)
_PROOF_OLD = datetime.timedelta(days=2)
# A clock that is off by more makes the codes of second steps and the order of the books doubtful.
MOST_CLOCK_SECONDS = 10
# One payment without an event may be a lost one. So many are not.
_PAYMENTS_WITHOUT_EVENT = 3


def outbox(found: Monitored) -> Iterator[Finding]:
    oldest = [row.oldest_at for row in found.outbox.values() if row.oldest_at]
    late_seconds = (found.as_of - min(oldest)).total_seconds() if oldest else 0
    if late_seconds > parts.LATE_AFTER_SECONDS:
        count = sum(row.count for row in found.outbox.values())
        yield Finding("outbox-waiting", *messages.mails_wait(count, int(late_seconds // 60)))
    dead = found.waiting.get("mails")
    if dead and dead.oldest_at:
        yield Finding("outbox-dead", *messages.mails_dead(dead.count, _ago(dead.oldest_at, found)))


def worker(found: Monitored) -> Iterator[Finding]:
    started = [run.started_at for name, run in found.runs.items() if name in jobs.TIMETABLE]
    if not started:
        yield Finding("worker", *messages.WORKER_NEVER)
    elif max(started) < found.as_of - _WORKER_AWAY:
        yield Finding("worker", *messages.worker_away(_ago(max(started), found)))
    else:
        yield from _jobs(found)


def _jobs(found: Monitored) -> Iterator[Finding]:
    known = {name: run for name, run in found.runs.items() if name in jobs.TIMETABLE}
    late = [name for name, run in known.items() if jobs.TIMETABLE[name].is_late(run, found.as_of)]
    if late:
        yield Finding("jobs-late", *messages.jobs_late(late))
    for name, run in known.items():
        if run.has_failed and run.failed_at:
            yield Finding("job-failed", *messages.job_failed(name, _ago(run.failed_at, found), run.error))


def backup(found: Monitored) -> Iterator[Finding]:
    run = found.runs.get(jobs.BACKUP)
    if settings.DEBUG:
        return
    if run is None:
        yield Finding("backup", *messages.BACKUP_NEVER)
    elif run.has_failed and run.failed_at:
        yield Finding("backup", *messages.backup_failed(_ago(run.failed_at, found), run.error))
    elif run.started_at < found.as_of - _BACKUP_OLD:
        ago = _ago(run.started_at, found)
        yield Finding(
            "backup", *(messages.backup_old(ago) if run.ended_at else messages.backup_unfinished(ago))
        )


def proof(found: Monitored) -> Iterator[Finding]:
    last = found.proof
    if last is None or last.ended_at is None:
        yield Finding("proof", *messages.PROOF_NEVER)
        return
    ago = _ago(last.ended_at, found)
    if last.wrong:
        yield Finding("proof", *messages.proof_wrong(last.wrong, ago))
    elif last.error:
        yield Finding("proof", *messages.proof_stopped(ago, last.error))
    elif last.ended_at < found.as_of - _PROOF_OLD:
        yield Finding("proof", *messages.proof_old(ago))


def coverage(found: Monitored) -> Iterator[Finding]:
    day = found.coverage
    if day is not None and day.held_kobo < day.owed_kobo:
        # Rounded down, so that 99.99 % is not called all of it.
        percent = f"{day.held_kobo * 1000 // day.owed_kobo / 10:.1f}%"
        missing = money.naira(day.owed_kobo - day.held_kobo)
        yield Finding("coverage", *messages.coverage(percent, missing, f"{day.day_on:%-d %B %Y}"))


def events(found: Monitored) -> Iterator[Finding]:
    count, last_at = payments.paid_without_event(found.as_of)
    if count >= (1 if last_at is None else _PAYMENTS_WITHOUT_EVENT):
        local = f"{timezone.localtime(last_at):%-d %B %Y, %H:%M}" if last_at else ""
        since = messages.since(local) if local else messages.EVER
        url = f"{settings.SITE_URL}{reverse('payments:webhook')}"
        yield Finding("webhook", *messages.no_events(count, since, url))


def clock(found: Monitored) -> Iterator[Finding]:
    """Compare the clock with that of PostgreSQL. SQLite is on this machine."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            yield from compare_clocks(messages.THE_DATABASE, cursor.fetchone()[0])


def compare_clocks(of_what: str, moment: datetime.datetime) -> Iterator[Finding]:
    seconds = round((moment - timezone.now()).total_seconds())
    if abs(seconds) > MOST_CLOCK_SECONDS:
        yield Finding("clock", *messages.clock(of_what, seconds))


def _ago(moment: datetime.datetime, found: Monitored) -> str:
    # Django writes a space that does not break.
    return timesince(moment, found.as_of, depth=1).replace("\xa0", " ")


CHECKS = {
    "outbox": outbox,
    "worker": worker,
    "backup": backup,
    "proof": proof,
    "coverage": coverage,
    "webhook": events,
    "clock": clock,
}
