"""Elastic APM end to end: the site and its worker run as processes and send to a server that records everything."""

from __future__ import annotations

import datetime
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import httpx
import pytest
from django.conf import settings as site
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import outbox, payments, references, tracing
from savings.models import OutboxRow, Payment, Transaction, User
from tests import apm_intake, factories
from tests.apm_intake import Event, Intake
from tests.processes import PATIENCE_SECONDS, database_url, free_port, is_free, wait_until
from tests.provider import Provider
from tests.smtp_sink import Sink
from tests.web.observability import test_apm_dashboard
from web.simulator.app import application as simulator

pytestmark = pytest.mark.django_db(transaction=True)

AMOUNT_KOBO = 7_654_321
PLAN_NAME = "Wedding of Ngozi"


class Site:
    """The site and its worker as processes, on the test's database and Redis."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.port = free_port()
        self.log = folder / "site.log"
        self._environment = os.environ | {"DATABASE_URL": database_url()} | environment
        self._processes: list[subprocess.Popen[bytes]] = []
        self._browsers: list[httpx.Client] = []

    def serve(self) -> None:
        granian = str(Path(sys.executable).with_name("granian"))
        options = ["--interface", "wsgi", "--workers", "1", "--blocking-threads", "1"]
        self._start(granian, *options, "--port", str(self.port), "tests.apm_site:application")
        wait_until(lambda: not is_free(self.port))

    def work(self) -> subprocess.Popen[bytes]:
        return self._start(sys.executable, "manage.py", "run_huey")

    def browser(self, user: User | None = None) -> httpx.Client:
        """Return a browser in which this user is signed in."""
        cookies = {}
        if user is not None:
            client = Client()
            client.force_login(user)
            cookies = {name: morsel.value for name, morsel in client.cookies.items()}
        self._browsers.append(
            httpx.Client(base_url=f"http://127.0.0.1:{self.port}", cookies=cookies, timeout=PATIENCE_SECONDS)
        )
        return self._browsers[-1]

    def stop(self) -> None:
        for browser in self._browsers:
            browser.close()
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            process.wait(PATIENCE_SECONDS)

    def _start(self, *command: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command, cwd=site.BASE_DIR, env=self._environment, stdout=log, stderr=log
            )
        self._processes.append(process)
        return process


@pytest.fixture
def intake() -> Iterator[Intake]:
    with apm_intake.running() as intake:
        yield intake


@pytest.fixture
def make_site(tmp_path: Path, sink: Sink) -> Iterator[Callable[..., Site]]:
    """Makes sites that send every transaction to an APM server at once, and mails to the sink."""
    made = []

    def make(server_url: str, **environment: str) -> Site:
        told = {
            "ELASTIC_APM_SERVER_URL": server_url,
            "ELASTIC_APM_DEBUG": "1",
            "ELASTIC_APM_TRANSACTION_SAMPLE_RATE": "1.0",
            "ELASTIC_APM_API_REQUEST_TIME": "200ms",
            "ELASTIC_APM_METRICS_INTERVAL": "1s",
            "EMAIL_URL": f"smtp://127.0.0.1:{sink.port}",
        }
        made.append(Site(tmp_path, **told | environment))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def provider_url(provider: Provider) -> Iterator[str]:
    """The provider's URL for other processes: the simulator on this test's file."""
    with make_server("127.0.0.1", 0, simulator, handler_class=_Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name is the base class's)
        return


@pytest.fixture
def paid(provider: Provider) -> Payment:
    """A payment that was paid and that the site does not know of yet."""
    plan = factories.make_plan(factories.make_user("ngozi@example.com", name="Ngozi Eze"), name=PLAN_NAME)
    reference = references.new(Transaction.Kind.TOP_UP)
    payment = payments.start_payment(plan.user, plan=plan, amount_kobo=AMOUNT_KOBO, reference=reference)
    provider.pay(payment)
    return payment


def named(events: list[Event], name: str) -> list[Event]:
    return [event for event in events if event["name"] == name]


def test_one_trace_leads_from_a_click_to_the_mail(
    make_site: Callable[..., Site], intake: Intake, sink: Sink, paid: Payment, provider_url: str
) -> None:
    one = make_site(intake.url, SIMULATOR_URL=provider_url)
    one.serve()
    movement = paid.transaction
    browser = one.browser(movement.user)
    # The sign-in above, in this process, has queued a mail outside of any trace.
    OutboxRow.objects.all().delete()
    assert browser.get(f"/payments/return/{movement.reference}/").status_code == 302
    assert browser.get(f"/transactions/{movement.reference}/?q=secret-word").status_code == 200
    one.work()
    wait_until(lambda: sink.mails and named(intake.events("transaction"), "deliver_outbox_row"))
    one.stop()

    (click,) = named(intake.events("transaction"), "GET payments/return/<str:reference>/")
    (mail,) = named(intake.events("transaction"), "deliver_outbox_row")
    assert (mail["trace_id"], mail["parent_id"]) == (click["trace_id"], click["id"])
    assert (click["type"], click["result"], click["outcome"]) == ("request", "HTTP 3xx", "success")
    assert (mail["type"], mail["result"], mail["outcome"]) == ("task", "success", "success")
    kinds = {(span["type"], span["subtype"]) for span in spans_of(intake, click, mail)}
    database = "sqlite" if connection.vendor == "sqlite" else "postgresql"
    assert {("db", database), ("db", "redis"), ("template", "django"), ("external", "http")} <= kinds
    # The last part of the trace is the mail itself.
    assert [span["name"] for span in spans_of(intake, mail) if span["subtype"] == "mail"] == ["Send mail"]

    assert set(test_apm_dashboard.OF_THE_AGENT.values()) <= set(click)

    labels = click["context"]["tags"]
    assert set(labels) == {"sql_count", "sql_ms", "cache_hits", "cache_misses", "cache_ms", "redis_calls"}
    assert labels["sql_count"] > 5
    assert labels["sql_ms"] > 0
    nothing_personal(intake, browser, movement.reference)


def spans_of(intake: Intake, *transactions: Event) -> list[Event]:
    ids = {event["id"] for event in transactions}
    return [span for span in intake.events("span") if span["transaction_id"] in ids]


def nothing_personal(intake: Intake, browser: httpx.Client, *secrets: str) -> None:
    """Assert that nothing sent contains personal data."""
    told = [*secrets, *browser.cookies.values(), "ngozi@example.com", "Ngozi", PLAN_NAME, "secret-word"]
    told += [str(AMOUNT_KOBO), "76,543", factories.PASSWORD, "127.0.0.1:54", "Cookie", "cookie"]
    assert len(intake.text) > 1000
    for secret in told:
        # Not inside a longer number: a share of 80/81 of the processor has 7654321 in it.
        assert not re.search(rf"(?<!\d){re.escape(secret)}(?!\d)", intake.text), secret
    assert not re.search(r"[\w.]+@[\w.]+\.\w+", intake.text)


@pytest.mark.any_database
def test_a_password_and_a_code_are_not_sent(
    make_site: Callable[..., Site], intake: Intake, settings: Settings
) -> None:
    # The site does not have the fast password hasher of the tests.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    factories.make_user("ngozi@example.com", name="Ngozi Eze")
    one = make_site(intake.url)
    one.serve()
    browser = one.browser()
    page = browser.get("/accounts/login/")
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[0]
    typed = {"login": "ngozi@example.com", "password": factories.PASSWORD, "csrfmiddlewaretoken": token}
    assert browser.post("/accounts/login/", data=typed).status_code == 302
    assert browser.get("/circles/join/s3cr3tcode/").status_code in {200, 404}
    wait_until(lambda: named(intake.events("transaction"), "GET circles/join/<str:code>/"))
    one.stop()
    nothing_personal(intake, browser, token, "s3cr3tcode")


@pytest.mark.any_database
def test_an_error_names_its_culprit_and_no_person(make_site: Callable[..., Site], intake: Intake) -> None:
    one = make_site(intake.url)
    one.serve()
    browser = one.browser(factories.make_user("ngozi@example.com", name="Ngozi Eze"))
    response = browser.get("/breaks/TOP0REFERENCE/?q=secret-word")
    assert response.status_code == 500
    wait_until(lambda: intake.events("error") and intake.events("transaction"))
    one.stop()
    (error,) = intake.events("error")
    assert error["culprit"] == "tests.apm_site.breaks"
    assert error["exception"]["type"] == "RuntimeError"
    assert error["exception"]["cause"][0]["type"] == "ValueError"
    assert error["context"]["request"]["headers"]["x-request-id"] == response.headers["X-Request-ID"]
    (broken,) = named(intake.events("transaction"), "GET breaks/<str:reference>/")
    assert (error["transaction_id"], broken["outcome"]) == (broken["id"], "failure")
    nothing_personal(intake, browser, "TOP0REFERENCE")


def test_a_row_found_by_the_sweep_is_in_the_trace_of_its_request(
    make_site: Callable[..., Site], intake: Intake, sink: Sink
) -> None:
    trace_id, span_id = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    row = factories.make_welcome()
    OutboxRow.objects.filter(pk=row.pk).update(traceparent=f"00-{trace_id}-{span_id}-01")
    sweep = (
        "import django; django.setup()\n"
        "from savings import tasks\n"
        "from huey.contrib.djhuey import HUEY\n"
        "HUEY.execute(tasks.sweep_outbox.task_class())\n"
        "HUEY.execute(tasks.sweep_outbox.task_class())\n"
    )
    one = make_site(intake.url)
    assert one._start(sys.executable, "-c", sweep).wait(PATIENCE_SECONDS) == 0
    assert len(sink.mails) == 1
    (task,) = intake.events("transaction")
    assert (task["name"], task["trace_id"], task["parent_id"]) == ("deliver_outbox_row", trace_id, span_id)
    # The second sweep found nothing and reported nothing, not even a span without a transaction.
    assert {span["transaction_id"] for span in intake.events("span")} == {task["id"]}


@pytest.mark.any_database
def test_a_mail_that_cannot_be_sent_is_a_failure_with_its_error(
    make_site: Callable[..., Site], intake: Intake
) -> None:
    row = factories.make_welcome(email="ngozi@example.com", name="Ngozi Eze")
    OutboxRow.objects.filter(pk=row.pk).update(kind="nobody_knows")
    one = make_site(intake.url)
    one.work()
    wait_until(lambda: intake.events("error") and named(intake.events("transaction"), "deliver_outbox_row"))
    one.stop()
    (task,) = named(intake.events("transaction"), "deliver_outbox_row")
    assert task["outcome"] == "failure"
    assert intake.events("error")[0]["culprit"] == "savings.outbox.delivery.deliver"
    assert intake.events("error")[0]["transaction_id"] == task["id"]


@pytest.mark.any_database
def test_the_worker_tells_how_long_work_has_waited(make_site: Callable[..., Site], intake: Intake) -> None:
    row = factories.make_welcome()
    written_at = timezone.now() - datetime.timedelta(hours=1)
    OutboxRow.objects.filter(pk=row.pk).update(
        created_at=written_at, due_at=timezone.now() + datetime.timedelta(hours=1)
    )
    make_site(intake.url).work()
    wait_until(lambda: "asusu.outbox.oldest_seconds" in intake.text)
    samples = [metrics["samples"] for metrics in intake.events("metricset")]
    (ours, *_) = [sample for sample in samples if "asusu.outbox.oldest_seconds" in sample]
    assert 3600 <= ours["asusu.outbox.oldest_seconds"]["value"] < 3700
    assert ours["asusu.tasks.waiting"]["value"] >= 0
    assert set(ours) == test_apm_dashboard.OF_OUR_METRICS


@pytest.mark.any_database
@pytest.mark.parametrize("trouble", ["refuses", "answers 503", "never answers"])
def test_a_server_in_trouble_breaks_no_page_and_no_mail(
    make_site: Callable[..., Site], intake: Intake, sink: Sink, trouble: str
) -> None:
    intake.status = 503
    intake.waits_seconds = 60 if trouble == "never answers" else 0
    url = "http://127.0.0.1:1" if trouble == "refuses" else intake.url
    # Nothing waits for more than a second, not even the end of the process.
    one = make_site(url, ELASTIC_APM_SERVER_TIMEOUT="1s")
    one.serve()
    factories.make_welcome()
    one.work()
    browser = one.browser()
    began = time.monotonic()
    for _ in range(20):
        assert browser.get("/accounts/login/").status_code == 200
    assert time.monotonic() - began < 10
    wait_until(lambda: sink.mails)
    one.stop()
    said = one.log.read_text()
    assert "Internal Server Error" not in said
    assert "Unhandled exception" not in said


@pytest.mark.any_database
def test_a_visitor_cannot_choose_the_trace(make_site: Callable[..., Site], intake: Intake) -> None:
    one = make_site(intake.url)
    one.serve()
    theirs = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    one.browser().get("/accounts/login/", headers={"traceparent": theirs, "tracestate": "es=s:1"})
    wait_until(lambda: intake.events("transaction"))
    one.stop()
    assert "0af7651916cd43dd8448eb211c80319c" not in intake.text


@pytest.mark.any_database
def test_an_idle_agent_writes_nothing_to_the_log(make_site: Callable[..., Site], intake: Intake) -> None:
    one = make_site(intake.url)
    program = "import django, gc, time; django.setup(); time.sleep(2); gc.collect()"
    assert one._start(sys.executable, "-c", program).wait(30) == 0
    assert "Exception ignored" not in one.log.read_text()


@pytest.mark.any_database
def test_the_agent_leaves_statements_and_templates_to_us(
    make_site: Callable[..., Site], intake: Intake
) -> None:
    """With an agent that no longer reads SKIP_INSTRUMENT_…, each statement would be reported twice."""
    program = (
        "import django, sqlite3, psycopg; django.setup()\n"
        "from django.template import Template\n"
        "from elasticapm.instrumentation.packages.base import ElasticAPMFunctionWrapper as Wrapper\n"
        "print('drivers wrapped:', isinstance(sqlite3.connect, Wrapper), isinstance(psycopg.connect, Wrapper))\n"
        "print('templates wrapped by', Template.render._self_wrapper.func.__self__.name)\n"
    )
    one = make_site(intake.url)
    assert one._start(sys.executable, "-c", program).wait(30) == 0
    assert "drivers wrapped: False False\ntemplates wrapped by page_templates\n" in one.log.read_text()


@pytest.mark.any_database
@pytest.mark.parametrize(
    "environment",
    [
        {"ELASTIC_APM_SERVER_URL": ""},
        {"ELASTIC_APM_ENABLED": "0"},
        {"ELASTIC_APM_DEBUG": "0"},
    ],
    ids=["no server", "switched off", "development"],
)
def test_the_agent_is_not_even_loaded(tmp_path: Path, environment: dict[str, str]) -> None:
    program = (
        "import sys, django\n"
        "django.setup()\n"
        "import savings.tasks, web.urls, web.wsgi\n"
        "print([name for name in sys.modules if name.startswith('elasticapm')])\n"
    )
    told = {"ELASTIC_APM_SERVER_URL": "http://127.0.0.1:1", "ELASTIC_APM_DEBUG": "1"} | environment
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | told,
        cwd=site.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == "[]"


def test_without_a_follower_rows_belong_to_no_trace() -> None:
    assert factories.make_welcome().traceparent == ""
    assert type(tracing.follower) is tracing.Follower
    assert outbox.waiting_seconds(timezone.now()) is not None
