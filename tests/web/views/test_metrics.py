"""/metrics: who may read it, that every figure is right and bounded, and that what is down takes nothing with it."""

from __future__ import annotations

import datetime
import os
import signal
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import DjangoAssertNumQueries, Settings
from redis.exceptions import ConnectionError as RedisAway

from savings import backoffice, jobs, leaderboards
from savings.models import CoverageDay, JobRun, LedgerProof, OutboxRow, User
from savings.tasks import HANDLERS
from tests.factories import make_user
from web.counts import Counts
from web.observability import request_metrics
from web.observability.request_costs import response_measured

TOKEN = "for-tests-" + "x" * 30

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _has_token(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN


def scrape(**headers: str) -> HttpResponse:
    found = {"Authorization": f"Bearer {TOKEN}"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return Client().get("/metrics", headers=found)  # type: ignore[return-value]


def figures() -> dict[tuple[str, ...], float]:
    """Return each figure by its name and the values of its labels."""
    response = scrape()
    assert response.status_code == 200
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def test_without_the_setting_there_is_no_such_page(settings: Settings) -> None:
    settings.METRICS_TOKEN = ""
    assert scrape().status_code == 404
    assert Client().get("/metrics/", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer ọ"]
)
def test_it_needs_the_token(given: str) -> None:
    response = scrape(Authorization=given)
    assert (response.status_code, response.content) == (401, b"")
    assert response["WWW-Authenticate"] == "Bearer"


def test_it_answers_by_ip_address_over_http_and_sets_no_cookie(settings: Settings) -> None:
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["savings.example.com"], True
    response = scrape(Host="10.0.0.7", Cookie="sessionid=broken")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain; version=0.0.4")
    assert not response.cookies
    assert "no-store" in response["Cache-Control"]
    assert scrape(Host="10.0.0.7").status_code == 200


def test_a_scrape_asks_a_handful_of_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(5):
        scrape()


def test_requests_are_counted_by_the_name_of_their_route(counted: None) -> None:
    before = figures()
    client = Client()
    assert client.get("/help/").status_code == 200
    assert client.post("/plans/12345/withdraw/").status_code == 302
    client.generic("SECRET-METHOD", "/help/")
    client.get("/nothing/of/the/kind/")
    after = figures()

    def rise(*key: str) -> float:
        return after.get(key, 0) - before.get(key, 0)

    assert rise("asusu_requests_total", "GET", "help:home", "2xx") == 1
    assert rise("asusu_requests_total", "POST", "plans:withdraw", "3xx") == 1
    assert rise("asusu_requests_total", "other", "help:home", "2xx") == 1
    assert rise("asusu_requests_total", "GET", "-", "4xx") == 1
    assert rise("asusu_request_seconds_count", "help:home") == 2
    assert rise("asusu_request_seconds_bucket", "+Inf", "help:home") == 2


def test_queries_and_the_cache_are_counted(counted: None) -> None:
    before = figures()
    saver = make_user()
    client = Client()
    client.force_login(saver)
    for _ in range(2):
        assert client.get("/dashboard/").status_code == 200
    after = figures()
    assert after["asusu_request_queries_total", "dashboard:home"] > 2
    assert 0 < after["asusu_request_query_seconds_total", "dashboard:home"] < 10
    for result in ("hit", "miss"):
        key = ("asusu_cache_lookups_total", result)
        assert after[key] > before.get(key, 0)


def test_no_label_names_a_person_or_a_path(counted: None, saver_client: Client, saver: User) -> None:
    saver_client.get("/dashboard/")
    OutboxRow.objects.create(kind=f"to {saver.email}", dedupe_key="x", user=saver, to=saver.email)
    JobRun.objects.create(job=f"by {saver.email}", started_at=timezone.now())
    text = scrape().text
    assert saver.email not in text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            assert set(sample.labels) <= {
                "route",
                "method",
                "status",
                "le",
                "result",
                "part",
                "kind",
                "state",
            } | {
                "job_name",
                "outcome",
                "release",
            }
            assert "/" not in "".join(sample.labels.values())


def test_the_outbox_shows_what_waits_and_what_was_given_up() -> None:
    now = timezone.now()
    for number in range(2):
        OutboxRow.objects.create(
            kind="welcome", dedupe_key=f"w{number}", due_at=now - datetime.timedelta(seconds=100 * number)
        )
    OutboxRow.objects.create(kind="welcome", dedupe_key="d", due_at=None, dead_at=now)
    found = figures()
    assert found["asusu_outbox_rows", "welcome"] == 2
    assert 100 <= found["asusu_outbox_oldest_due_seconds", "welcome"] < 160
    assert found[("asusu_outbox_dead_rows",)] == 1
    assert {key[1] for key in found if key[0] == "asusu_outbox_rows"} == set(HANDLERS)


def test_the_books_the_jobs_and_the_backup_are_shown() -> None:
    now = timezone.now()
    CoverageDay.objects.create(
        day_on=timezone.localdate(), as_of=now, owed_kobo=1_000, held_kobo=990, owed=[], held=[]
    )
    LedgerProof.objects.create(command="check_ledger", ended_at=now, wrong=1)
    JobRun.objects.create(job=jobs.BACKUP, started_at=now, ended_at=now)
    JobRun.objects.create(job="sweep_outbox", started_at=now - datetime.timedelta(hours=1), failed_at=now)
    found = figures()
    assert found[("asusu_coverage_ratio",)] == 0.99
    assert found[("asusu_ledger_proof_right",)] == 0
    for name in ("asusu_ledger_proof_timestamp_seconds", "asusu_backup_timestamp_seconds"):
        assert found[(name,)] == pytest.approx(now.timestamp())
    assert (found["asusu_job_failed", "sweep_outbox"], found["asusu_job_late", "sweep_outbox"]) == (1, 1)
    assert ("asusu_job_late", jobs.BACKUP) not in found


def test_a_backup_that_failed_does_not_count() -> None:
    now = timezone.now()
    JobRun.objects.create(job=jobs.BACKUP, started_at=now, ended_at=now, failed_at=now, failures=1)
    assert ("asusu_backup_timestamp_seconds",) not in figures()


def test_money_on_its_way_is_counted_by_state(payment: Any) -> None:
    backoffice.count_money_days(timezone.now())
    found = figures()
    assert found[("asusu_payments_pending",)] == 1
    assert found[("asusu_payment_oldest_seconds",)] >= 0
    assert found["asusu_payments_today", "failed"] == 0
    assert found["asusu_payouts_waiting", "sent"] == 0
    assert found["asusu_open_cases", "dispute"] == 0


def test_without_the_database_it_answers_what_it_knows(counted: None) -> None:
    def fail(*_: Any) -> None:
        raise DatabaseError("password=secret")

    # The scrape that the next one counts.
    figures()
    with connection.execute_wrapper(fail):
        found = figures()
    assert (found["asusu_part_up", "database"], found["asusu_part_up", "redis"]) == (0, 1)
    assert found[("asusu_tasks_waiting",)] == 0
    assert ("asusu_requests_total", "GET", "metrics", "2xx") in found


def test_without_redis_it_answers_what_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise RedisAway

    monkeypatch.setattr(leaderboards, "call_redis", refuse)
    found = figures()
    assert (found["asusu_part_up", "database"], found["asusu_part_up", "redis"]) == (1, 0)
    assert ("asusu_tasks_waiting",) not in found
    assert found[("asusu_outbox_dead_rows",)] == 0


def test_a_broken_file_of_counts_takes_only_the_counts_with_it(counted: None) -> None:
    broken = request_metrics.folder() / "counter_1.db"
    broken.write_bytes(b"\xff\xff\xff\x00" + b"\x07" * 100)
    try:
        found = figures()
    finally:
        broken.unlink()
    assert (found["asusu_part_up", "requests"], found["asusu_part_up", "database"]) == (0, 1)


def test_the_files_of_a_server_that_has_ended_are_removed(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    own = request_metrics.folder()
    host = own.name.rpartition("-")[0]
    kept = [own, tmp_path / "metrics/elsewhere-999999999"]
    for path in (*kept, tmp_path / f"metrics/{host}-999999999"):
        path.mkdir(parents=True)
    request_metrics._remove_old_folders()
    assert sorted((tmp_path / "metrics").iterdir()) == sorted(kept)


def test_the_counts_of_workers_that_were_killed_stay(counted: None) -> None:
    """Workers of one server share a folder, and so do a process and its forks."""
    before = figures()
    request = SimpleNamespace(resolver_match=SimpleNamespace(view_name="help:home"), method="GET")
    for times in (3, 4):
        with warnings.catch_warnings(action="ignore"):
            worker = os.fork()
        if not worker:
            for _ in range(times):
                response_measured.send(
                    None, request=request, response=HttpResponse(), counts=Counts(sql_count=2)
                )
            os.kill(os.getpid(), signal.SIGKILL)
        assert os.WIFSIGNALED(os.waitpid(worker, 0)[1])
    after = figures()
    for key, expected in {
        ("asusu_requests_total", "GET", "help:home", "2xx"): 7,
        ("asusu_request_queries_total", "help:home"): 14,
        ("asusu_request_seconds_count", "help:home"): 7,
    }.items():
        assert after[key] - before.get(key, 0) == expected
