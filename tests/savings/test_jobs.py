"""The record of the scheduled jobs, by the timetable and by hand: failures, two at once, killed runs, late jobs."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.utils import timezone
from huey.api import crontab
from pytest_django.fixtures import Settings

from savings import jobs, tasks
from savings.models import JobRun
from tests import threads

NOON = datetime.datetime(2026, 11, 20, 12, 0, 30, tzinfo=datetime.UTC)
MINUTE, HOUR = datetime.timedelta(minutes=1), datetime.timedelta(hours=1)


@pytest.fixture
def timetable(monkeypatch: pytest.MonkeyPatch) -> dict[str, jobs.Job]:
    """An empty timetable."""
    empty: dict[str, jobs.Job] = {}
    monkeypatch.setattr(jobs, "TIMETABLE", empty)
    return empty


def add(call: Callable[[], object], **when: str) -> Callable[[], None]:
    return jobs.add_job(call, crontab(**when or {"minute": "*"}))


def row(name: str) -> JobRun:
    return JobRun.objects.get(job=name)


@pytest.mark.django_db
def test_a_run_is_recorded_with_what_it_got_done(timetable: Any) -> None:
    def sweep() -> int:
        return 7

    run = add(sweep)
    with time_machine.travel(NOON, tick=False):
        run()
        run()
    found = row("sweep")
    assert (found.started_at, found.ended_at) == (NOON, NOON)
    assert (found.runs, found.rows_done, found.failures, found.error) == (2, 7, 0, "")


@pytest.mark.django_db
@pytest.mark.parametrize("done", [None, True, "x"])
def test_what_is_no_number_is_not_stored_as_rows(timetable: Any, done: object) -> None:
    def job() -> object:
        return done

    add(job)()
    assert row("job").rows_done is None


@pytest.mark.django_db
def test_a_failure_is_recorded_and_raised_again(timetable: Any) -> None:
    def fail() -> None:
        raise ValueError("no \x00 " + "x" * 400)

    run = add(fail)
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            run()
    found = row("fail")
    assert (found.runs, found.failures) == (2, 2)
    assert found.ended_at is not None
    assert found.failed_at is not None
    assert found.error.startswith("ValueError: no")


@pytest.mark.django_db
def test_a_killed_run_has_no_end_and_the_next_one_does(timetable: Any) -> None:
    called = []

    def job() -> int:
        called.append(1)
        if len(called) == 1:
            raise KeyboardInterrupt
        return 3

    run = add(job)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert (row("job").ended_at, row("job").failures) == (None, 0)
    run()
    assert (row("job").ended_at is not None, row("job").rows_done, row("job").runs) == (True, 3, 2)


@pytest.mark.django_db
def test_a_run_that_another_consumer_has_followed_does_not_end_the_later_one(timetable: Any) -> None:
    def job() -> int:
        if JobRun.objects.filter(runs=1).exists():
            JobRun.objects.update(started_at=timezone.now() + MINUTE)
        return 1

    add(job)()
    assert (row("job").ended_at, row("job").rows_done) == (None, None)


@pytest.mark.django_db(transaction=True)
def test_two_consumers_at_once_count_both_runs(timetable: Any) -> None:
    def job() -> int:
        return 1

    run = add(job)
    threads.at_once(lambda _: run(), 2)
    assert row("job").runs == 2


@pytest.mark.django_db
def test_a_record_that_fails_does_not_stop_the_job(timetable: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(jobs, "_begin", refuse)
    monkeypatch.setattr(jobs, "_end", refuse)
    called = []

    def job() -> None:
        called.append(1)

    add(job)()
    assert called == [1]
    assert not JobRun.objects.exists()


@pytest.mark.parametrize(
    ("when", "moment", "due"),
    [
        ({"minute": "*"}, NOON, NOON.replace(second=0)),
        ({"minute": "17"}, NOON, datetime.datetime(2026, 11, 20, 11, 17, tzinfo=datetime.UTC)),
        ({"minute": "41", "hour": "2"}, NOON, datetime.datetime(2026, 11, 20, 2, 41, tzinfo=datetime.UTC)),
        # Over the end of a year.
        (
            {"minute": "40", "hour": "1"},
            datetime.datetime(2027, 1, 1, 1, 39, tzinfo=datetime.UTC),
            datetime.datetime(2026, 12, 31, 1, 40, tzinfo=datetime.UTC),
        ),
        # In Lagos it is already the next hour.
        (
            {"minute": "0", "hour": "11"},
            datetime.datetime(2026, 11, 20, 12, 30, tzinfo=datetime.timezone(HOUR)),
            datetime.datetime(2026, 11, 20, 11, 0, tzinfo=datetime.UTC),
        ),
    ],
)
def test_the_last_due_moment(when: dict[str, str], moment: datetime.datetime, due: datetime.datetime) -> None:
    assert jobs.Job("job", lambda: None, crontab(**when)).last_due(moment) == due


@pytest.mark.parametrize(
    ("when", "ago", "is_late"),
    [
        ({"minute": "*"}, 3 * MINUTE, False),
        ({"minute": "*"}, 5 * MINUTE, True),
        ({"minute": "17"}, 2 * HOUR, False),
        ({"minute": "17"}, 4 * HOUR, True),
        ({"minute": "41", "hour": "2"}, 34 * HOUR, False),
        ({"minute": "41", "hour": "2"}, 80 * HOUR, True),
    ],
)
def test_a_job_is_late_after_three_of_its_periods(
    when: dict[str, str], ago: datetime.timedelta, *, is_late: bool
) -> None:
    job = jobs.Job("job", lambda: None, crontab(**when))
    assert job.is_late(JobRun(job="job", started_at=NOON - ago), NOON) is is_late


def test_every_periodic_task_is_in_the_timetable() -> None:
    periodic = {
        task.name
        for task in tasks.deliver_outbox_row.huey._registry.periodic_tasks
        if "savings" in task.__module__
    }
    assert periodic
    assert periodic == jobs.TIMETABLE.keys()


# manage.py run_jobs


@pytest.mark.django_db
def test_run_jobs_runs_what_is_due_once(timetable: Any, capsys: pytest.CaptureFixture[str]) -> None:
    called = []
    for name in ("first", "second"):

        def job(name: str = name) -> None:
            called.append(name)

        job.__name__ = name
        add(job, minute="17")
    with time_machine.travel(NOON, tick=False):
        call_command("run_jobs")
        assert called == ["first", "second"]
        call_command("run_jobs")
    assert called == ["first", "second"]
    assert capsys.readouterr().out.endswith("No job is due.\n")


@pytest.mark.django_db
def test_a_named_job_runs_also_when_it_is_not_due(timetable: Any) -> None:
    def one() -> None:
        pass

    def other() -> None:
        pass

    add(one)
    add(other)
    call_command("run_jobs", "one")
    call_command("run_jobs", "one")
    assert list(JobRun.objects.values_list("job", "runs")) == [("one", 2)]


@pytest.mark.django_db
def test_a_job_that_fails_does_not_stop_the_others(timetable: Any) -> None:
    def bad() -> None:
        raise ValueError("no")

    def good() -> None:
        pass

    add(bad)
    add(good)
    with pytest.raises(CommandError, match="Failed: bad"):
        call_command("run_jobs")
    assert row("good").ended_at is not None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--at", "soon"], "is not a moment"),
        (["--at", "2026-13-01"], "is not a moment"),
        (["--at", "2099-01-01T07:00"], "is in the future"),
        (["no_such_job"], "No job is called no_such_job"),
    ],
)
def test_run_jobs_refuses_bad_arguments(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("run_jobs", *arguments)
    assert not JobRun.objects.exists()


@pytest.mark.django_db
def test_in_development_the_clock_stands_at_the_moment(timetable: Any, settings: Settings) -> None:
    settings.DEBUG = True
    seen = []

    def job() -> None:
        seen.append(timezone.localtime())

    add(job, minute="0", hour="6")
    call_command("run_jobs", "--at", "2099-01-01T07:00")
    assert [f"{moment:%Y-%m-%d %H:%M}" for moment in seen] == ["2099-01-01 07:00"]


@pytest.mark.django_db
def test_on_a_server_a_past_moment_only_chooses_the_jobs(timetable: Any) -> None:
    seen = []

    def job() -> None:
        seen.append(timezone.now())

    add(job, minute="0", hour="6")
    JobRun.objects.create(job="job", started_at=NOON)
    call_command("run_jobs", "--at", "2026-11-20T20:00")
    assert not seen
    call_command("run_jobs", "--at", "2026-11-21T20:00")
    assert seen[0] > NOON + 24 * HOUR


@pytest.mark.django_db
def test_the_list_names_every_job(capsys: pytest.CaptureFixture[str]) -> None:
    tasks.clear_sessions.call_local()
    call_command("run_jobs", "--list")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(jobs.TIMETABLE)
    assert "never ran" in lines[0]
    assert "last run" in next(line for line in lines if line.startswith("clear_sessions"))
