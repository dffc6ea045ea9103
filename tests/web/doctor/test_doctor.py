"""The doctor finds each fault that a test puts into a healthy installation, and nothing else."""

from __future__ import annotations

import datetime
import json
import smtplib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import redis
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from django_redis import get_redis_connection
from pytest_django.fixtures import Settings

from savings import backoffice, jobs, releases, tasks
from savings.models import CoverageDay, JobRun, LedgerProof, OutboxRow, Payment, WebhookEvent
from tests.factories import make_plan, make_transaction
from tests.provider import Provider
from tests.redis_server import Server
from tests.smtp_sink import Sink
from tests.web.doctor import front
from tests.web.doctor.conftest import GIGABYTE
from tests.web.doctor.front import Front
from web import doctor
from web.doctor import Finding, books, proxies

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("healthy")]

HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)


def found() -> dict[str, Finding]:
    findings = doctor.examine()
    assert len({row.check for row in findings}) == len(findings), findings
    return {row.check: row for row in findings}


def only(check: str) -> str:
    """Return what the only finding says."""
    findings = found()
    assert set(findings) == {check}
    return f"{findings[check].problem} {findings[check].advice}"


def test_nothing_is_wrong_with_a_healthy_installation(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("doctor")
    assert capsys.readouterr().out == "Nothing is wrong.\n"
    call_command("doctor", "--json")
    assert json.loads(capsys.readouterr().out) == {"healthy": True, "findings": []}


def test_the_command_ends_with_an_error_and_one_line_for_each_finding(
    capsys: pytest.CaptureFixture[str], settings: Settings
) -> None:
    LedgerProof.objects.all().delete()
    settings.DEFAULT_FROM_EMAIL = "hello@example.org"
    with pytest.raises(CommandError, match="2 things are wrong"):
        call_command("doctor")
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["sender", "proof"]
    with pytest.raises(CommandError):
        call_command("doctor", "--json")
    report = json.loads(capsys.readouterr().out)
    assert report["healthy"] is False
    assert report["findings"][1]["check"] == "proof"


# What the database knows


def set_run(name: str, **changes: Any) -> None:
    JobRun.objects.filter(job=name).update(**changes)


def test_mails_that_wait() -> None:
    for number in range(2):
        OutboxRow.objects.create(kind="welcome", dedupe_key=str(number), due_at=timezone.now() - HOUR)
    assert "2 mails and other rows of the outbox should have been sent, the first 60 minutes ago" in only(
        "outbox-waiting"
    )


def test_mails_that_were_given_up() -> None:
    OutboxRow.objects.create(kind="welcome", dedupe_key="1", due_at=None, dead_at=timezone.now() - 3 * DAY)
    assert "1 mail or other row of the outbox was given up" in only("outbox-dead")


def test_a_worker_that_is_away() -> None:
    JobRun.objects.exclude(job=jobs.BACKUP).update(started_at=timezone.now() - 2 * HOUR)
    assert "no job has started for 2 hours" in only("worker")


def test_a_worker_that_never_ran() -> None:
    JobRun.objects.exclude(job=jobs.BACKUP).delete()
    assert "No worker has ever run" in only("worker")


def test_a_job_that_missed_its_runs() -> None:
    set_run("fetch_settlements", started_at=timezone.now() - DAY)
    assert "1 job has missed three runs: fetch_settlements." in only("jobs-late")


def test_a_job_that_failed() -> None:
    set_run("clear_sessions", failed_at=timezone.now(), error="OperationalError: no")
    assert "OperationalError: no" in only("job-failed")


def test_a_backup_that_was_never_made() -> None:
    JobRun.objects.filter(job=jobs.BACKUP).delete()
    assert "No backup was ever made" in only("backup")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"started_at": -3 * DAY}, "3 days old"),
        ({"started_at": -3 * DAY, "ended_at": None}, "has not ended"),
        ({"failed_at": DAY, "error": "disk full"}, "disk full"),
    ],
)
def test_a_backup_that_is_old_or_failed(changes: dict[str, Any], text: str) -> None:
    now = timezone.now()
    moments = {
        name: now + value if isinstance(value, datetime.timedelta) else value
        for name, value in changes.items()
    }
    set_run(jobs.BACKUP, **moments)
    assert text in only("backup")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"ended_at": timezone.now() - 5 * DAY}, "5 days old"),
        ({"wrong": 3}, "found 3 wrong rows"),
        ({"error": "killed"}, "killed"),
    ],
)
def test_a_proof_of_the_books_that_is_old_or_wrong(changes: dict[str, Any], text: str) -> None:
    LedgerProof.objects.update(**changes)
    assert text in only("proof")


def test_coverage_below_100_percent() -> None:
    CoverageDay.objects.update(owed_kobo=1_000_000_00, held_kobo=999_999_00)
    assert "covered 99.9%" in only("coverage")


def test_migrations_that_are_missing() -> None:
    (newest,) = MigrationLoader(connection).graph.leaf_nodes("savings")
    MigrationRecorder(connection).record_unapplied(*newest)
    assert "1 not applied" in only("migrations")


def test_a_database_that_does_not_answer() -> None:
    def fail(*_: Any) -> None:
        raise DatabaseError("password=secret")

    with connection.execute_wrapper(fail):
        text = only("database")
    assert "secret" not in text


def make_payments(count: int, *, paid: datetime.timedelta) -> None:
    for _ in range(count):
        plan = make_plan()
        movement = make_transaction("top_up", 100_00, user=plan.user, plan=plan)
        Payment.objects.create(transaction=movement, paid_at=timezone.now() - paid)


def test_payments_without_any_event_of_the_provider(settings: Settings) -> None:
    make_payments(1, paid=HOUR)
    text = only("webhook")
    assert "no event yet, and 1 payment was paid meanwhile" in text
    assert f"{settings.SITE_URL}/payments/webhook/paystack/" in text


def test_events_that_no_longer_come() -> None:
    WebhookEvent.objects.create(key="x", event="charge.success", body="{}", received_at=timezone.now() - DAY)
    make_payments(2, paid=HOUR)
    assert found() == {}
    make_payments(1, paid=HOUR)
    assert "3 payments were paid" in only("webhook")


# Services


@pytest.fixture
def own_redis(tmp_path: Path, settings: Settings) -> Iterator[Server]:
    server = Server(tmp_path)
    settings.CACHES = {
        name: cache | {"LOCATION": f"redis://127.0.0.1:{server.port}/0"}
        for name, cache in settings.CACHES.items()
    }
    releases.note_worker(timezone.now())
    yield server
    server.kill()


def test_a_redis_that_does_not_answer(own_redis: Server) -> None:
    own_redis.kill()
    # The job that notes the release does not fail with it.
    tasks.note_release.call_local()
    assert "Redis does not answer" in only("redis")


def test_a_redis_that_evicts_or_is_full(own_redis: Server) -> None:
    with redis.Redis(port=own_redis.port) as client:
        used = client.info("memory")["used_memory"]
        client.config_set("maxmemory", used * 20)
        assert found() == {}
        client.config_set("maxmemory-policy", "allkeys-lru")
        assert "maxmemory-policy is allkeys-lru" in only("redis-evicts")
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", used)
        assert "% of its" in only("redis-full")


def test_a_mail_server_that_is_away(settings: Settings) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.MAILERS["default"]["OPTIONS"]["port"] = closed.getsockname()[1]
        assert "does not answer (ConnectionRefusedError)" in only("mail-server")


def test_a_mail_server_that_never_answers(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.services, "_MAIL_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.MAILERS["default"]["OPTIONS"]["port"] = silent.getsockname()[1]
        assert "does not answer" in only("mail-server")


def test_a_mail_server_that_refuses_the_password(
    settings: Settings, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise smtplib.SMTPAuthenticationError(535, b"secret")

    monkeypatch.setattr(smtplib.SMTP, "login", refuse)
    settings.MAILERS["default"]["OPTIONS"] |= {"username": "asusu", "password": "secret"}
    text = only("mail-server")
    assert "code 535" in text
    assert "secret" not in text
    assert sink.mails == []


def test_no_mail_server_at_all(settings: Settings) -> None:
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.dummy.EmailBackend", "OPTIONS": {}}}
    # Django's own check warns of such a mailer too.
    assert set(found()) == {"deploy", "mail-server"}


def answering(status: int, **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(status, json={"status": False, "message": "x"}, headers=headers)


def test_a_provider_that_is_away(provider: Provider) -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("no")

    provider.instead = refuse
    assert "does not answer" in only("provider")
    provider.instead = answering(502)
    assert "does not answer" in only("provider")


def test_a_key_that_the_provider_refuses(provider: Provider) -> None:
    provider.instead = answering(401)
    assert "refuses our key" in only("provider-key")


@pytest.mark.parametrize(("seconds", "word"), [(120, "behind"), (-120, "ahead of")])
def test_a_clock_that_differs_from_the_provider_s(provider: Provider, seconds: int, word: str) -> None:
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    provider.instead = answering(404, Date=f"{moment:%a, %d %b %Y %H:%M:%S} GMT")
    text = only("clock")
    assert f"s {word} that of the payment provider" in text


@pytest.mark.postgres
def test_a_clock_that_differs_from_the_database_s() -> None:
    moment = timezone.now() + datetime.timedelta(seconds=60)
    assert list(books.clock(backoffice.monitored(timezone.now()))) == []
    (finding,) = books.compare_clocks("the database", moment)
    assert "60 s behind" in finding.problem


def test_workers_of_another_release() -> None:
    note = json.dumps({"release": "older", "at": timezone.now().isoformat()})
    get_redis_connection("default").hset(releases._KEY, "elsewhere:1", note)
    assert f"the workers run {', '.join(sorted(['older', releases.release_name()]))}" in only("releases")


def test_a_worker_that_has_ended_is_forgotten() -> None:
    releases.note_worker(timezone.now() - HOUR)
    assert releases.releases_of_workers(timezone.now()) == set()


# Settings and the machine


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("sk_test_x", "begins with sk_test_"),
        ("pk_live_x", "no secret key"),
        ("", "payment simulator"),
    ],
)
def test_a_provider_key_of_the_wrong_kind(settings: Settings, key: str, text: str) -> None:
    settings.PAYSTACK_SECRET_KEY, settings.USES_SIMULATOR = key, not key
    settings.ALLOW_SIMULATOR = True
    assert text in only("provider-key")


def test_a_live_key_in_development(settings: Settings) -> None:
    settings.DEBUG = True
    findings = found()
    assert "real money" in findings.pop("provider-key").problem
    # A site at an IP address of this machine may be in development.
    assert findings == {}
    settings.SITE_URL = "https://savings.example.invalid"
    assert {"debug", "site"} <= set(found())


def test_a_sender_elsewhere(settings: Settings) -> None:
    settings.DEFAULT_FROM_EMAIL = "Asusu <hello@example.org>"
    assert "sends from example.org" in only("sender")


@pytest.mark.parametrize(
    ("sender", "site", "is_ours"),
    [
        ("hello@example.com", "https://www.example.com", True),
        ("hello@example.com", "https://savings.example.com", True),
        ("hello@mail.savings.example.com", "https://savings.example.com", True),
        ("hello@notexample.com", "https://example.com", False),
        ("hello@ample.com", "https://example.com", False),
    ],
)
def test_a_sender_of_the_same_domain_is_ours(
    settings: Settings, sender: str, site: str, *, is_ours: bool
) -> None:
    settings.DEFAULT_FROM_EMAIL, settings.SITE_URL = sender, site
    assert (list(doctor.machine.sender()) == []) == is_ours


def test_what_check_deploy_warns_of(settings: Settings) -> None:
    settings.SESSION_COOKIE_SECURE = False
    assert "(security.W012)" in only("deploy")


def test_a_disk_that_is_nearly_full(disk: SimpleNamespace) -> None:
    disk.free = 5 * GIGABYTE
    assert "5.0 GB free, 5% of it" in only("disk")


def test_a_large_disk_with_enough_space(disk: SimpleNamespace) -> None:
    disk.total, disk.free = 1000 * GIGABYTE, 40 * GIGABYTE
    assert found() == {}


# The site


def test_a_site_that_does_not_answer(settings: Settings) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.SITE_URL = f"https://127.0.0.1:{closed.getsockname()[1]}"
        assert "ConnectionRefusedError" in only("site")


def test_a_proxy_that_answers_itself(proxy: Front) -> None:
    proxy.status = "502 Bad Gateway"
    assert "status 502" in only("site")


def test_a_site_with_another_secret_key(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxies, "signature", lambda: "echo:forged:x")
    assert "status 404" in only("site")


def test_a_certificate_that_ends_soon(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "soon.pem"
    front.write_certificate(path, days=5)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with front.running(path) as (_, port):
        settings.SITE_URL = f"https://127.0.0.1:{port}"
        assert "only 5 days more" in only("certificate")


def test_a_certificate_that_browsers_refuse(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "other.pem"
    front.write_certificate(path, days=5, host="127.0.0.2")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with front.running(path) as (_, port):
        settings.SITE_URL = f"https://127.0.0.1:{port}"
        assert "Browsers refuse the certificate" in only("certificate")


def appending(environ: dict[str, Any]) -> None:
    front.as_nginx(environ | {})
    environ["HTTP_X_FORWARDED_PROTO"] = "https"
    environ["HTTP_X_FORWARDED_FOR"] += f", {environ['REMOTE_ADDR']}"


def without(name: str, value: str | None = None) -> Callable[[dict[str, Any]], None]:
    def change(environ: dict[str, Any]) -> None:
        front.as_nginx(environ)
        environ.pop(name, None)
        if value is not None:
            environ[name] = value

    return change


def passing_on(environ: dict[str, Any]) -> None:
    """Leave the address that the client claims, as a proxy does that only passes headers on."""
    environ["HTTP_X_FORWARDED_PROTO"] = "https"


def test_a_proxy_that_appends_the_address_is_right(proxy: Front) -> None:
    proxy.change = appending
    assert found() == {}


@pytest.mark.parametrize(
    ("change", "check", "text"),
    [
        (without("HTTP_X_FORWARDED_PROTO"), "proxy-scheme", "X-Forwarded-Proto"),
        (without("HTTP_X_FORWARDED_PROTO", "http"), "proxy-scheme", "X-Forwarded-Proto"),
        (without("HTTP_HOST", "127.0.0.1:8000"), "proxy-host", "proxy_set_header Host"),
        (without("HTTP_HOST", "asusu"), "proxy-host", "proxy_set_header Host"),
        (without("HTTP_X_FORWARDED_FOR"), "proxy-address", "has 0 IP addresses"),
        (passing_on, "proxy-address", "Any client can choose"),
    ],
)
def test_a_proxy_with_wrong_headers(
    proxy: Front, change: Callable[[dict[str, Any]], None], check: str, text: str
) -> None:
    proxy.change = change
    assert text in only(check)


def test_a_proxy_that_is_not_counted(settings: Settings) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 0
    assert "TRUSTED_PROXIES is 0" in only("proxy-address")


def test_too_few_proxies(settings: Settings) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
    assert "TRUSTED_PROXIES is 2, and X-Forwarded-For has 1 IP addresses" in only("proxy-address")


def test_too_many_proxies_believe_the_client(settings: Settings, proxy: Front) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
    proxy.change = appending
    assert "Any client can choose" in only("proxy-address")


def test_the_echo_answers_only_the_doctor() -> None:
    client = Client(headers={"X-Forwarded-Proto": "https"})
    assert client.get("/echo/").status_code == 404
    assert client.get("/echo/", headers={proxies.HEADER: "echo:x:y"}).status_code == 404
    response = client.get("/echo/", headers={proxies.HEADER: proxies.signature()})
    assert response.json()["scheme"] == "https"
    assert "no-store" in response["Cache-Control"]


# The doctor itself


def test_a_check_that_never_ends_keeps_no_other_from_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_OTHERS_SECONDS", 1)
    released = threading.Event()

    def hang() -> list[Finding]:
        released.wait()
        return []

    monkeypatch.setitem(doctor._OUTSIDE, "mail-server", hang)
    LedgerProof.objects.all().delete()
    try:
        assert set(found()) == {"mail-server", "proof"}
    finally:
        released.set()


def test_a_check_that_fails_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> list[Finding]:
        raise ZeroDivisionError("secret")

    monkeypatch.setitem(doctor._HERE, "sender", fail)
    text = only("sender")
    assert "ZeroDivisionError" in text
    assert "secret" not in text
