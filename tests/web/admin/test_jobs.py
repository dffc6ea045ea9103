"""The jobs in the admin: late ones are named, and a run that fails or never ended is told apart."""

from __future__ import annotations

import datetime

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from savings import jobs
from savings.models import JobRun
from tests.factories import make_user
from tests.web.staff import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client) -> Client:
    return sign_in(make_user(is_staff=True, is_superuser=True), client)


def record(name: str, *, days_ago: int = 0, **fields: object) -> None:
    started_at = timezone.now() - datetime.timedelta(days=days_ago)
    JobRun.objects.create(job=name, started_at=started_at, **fields)


def page(client: Client) -> str:
    return client.get(reverse("admin:savings_jobrun_changelist")).text


def test_late_jobs_are_named_and_marked(staff: Client) -> None:
    for name in jobs.TIMETABLE.keys() - {"clear_sessions", "sweep_outbox"}:
        record(name)
    record("clear_sessions", days_ago=9)
    text = page(staff)
    assert "1 job is late: three runs were missed." in text
    assert "Not run yet: Sweep outbox." in text
    assert text.count(">Late<") == 1


def test_without_a_late_job_there_is_no_alarm(staff: Client) -> None:
    for name in jobs.TIMETABLE:
        record(name, ended_at=timezone.now())
    text = page(staff)
    assert "late:" not in text
    assert "Late" not in text
    assert text.count(">On time<") == len(jobs.TIMETABLE)


def test_jobs_are_in_the_order_of_their_names_with_their_next_run(staff: Client) -> None:
    for name in ("sweep_outbox", "poll_payments", "clear_sessions"):
        record(name, ended_at=timezone.now())
    text = page(staff)
    places = [text.index(f">{name} <") for name in ("Clear sessions", "Poll payments", "Sweep outbox")]
    assert places == sorted(places)
    next_run = jobs.TIMETABLE["clear_sessions"].next_due(timezone.now())
    assert date_format(timezone.localtime(next_run), "j M Y, H:i") in text


def test_each_job_says_what_it_does(staff: Client) -> None:
    assert all(job.purpose.endswith(".") for job in jobs.TIMETABLE.values())
    record("sweep_outbox", ended_at=timezone.now())
    record("a_job_of_old")
    purpose = jobs.TIMETABLE["sweep_outbox"].purpose
    assert f"<small>{purpose}</small>" in page(staff)
    run = JobRun.objects.get(job="sweep_outbox")
    assert purpose in staff.get(reverse("admin:savings_jobrun_change", args=[run.pk])).text


def test_the_states_of_a_run(staff: Client) -> None:
    record("sweep_outbox")
    later = timezone.now() + datetime.timedelta(seconds=1)
    record("poll_payments", ended_at=later, failed_at=later, error="ValueError: no", failures=1)
    record("a_job_of_old")
    text = page(staff)
    for state in ("Running, or was killed", "Failed", "Not in the timetable any more"):
        assert f">{state}<" in text
    row = JobRun.objects.get(job="poll_payments")
    assert "ValueError: no" in staff.get(reverse("admin:savings_jobrun_change", args=[row.pk])).text


def test_a_backup_that_was_made_by_hand_is_neither_late_nor_unknown(staff: Client) -> None:
    for name in jobs.TIMETABLE:
        record(name)
    record(jobs.BACKUP, days_ago=90, ended_at=timezone.now())
    text = page(staff)
    assert "Not in the timetable" not in text
    assert "Late" not in text
    assert "On time" in text
