"""A real worker killed by SIGKILL: the mail is sent once if it had not been, else twice with one Message-ID."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import pytest
from django.conf import settings as project
from django.core import mail
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from huey.contrib.djhuey import HUEY
from pytest_django.fixtures import Settings

from savings import mails as every_mail
from savings import outbox
from savings.models import OutboxRow, User
from tests.factories import make_user
from tests.processes import database_url, wait_until
from tests.smtp_sink import Sink
from web.lab import killing, mail_kinds, mails, workers


@pytest.mark.django_db(transaction=True)
def test_the_outbox_has_another_worker_send_the_mail(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url())
    monkeypatch.setenv("EMAIL_URL", f"smtp://127.0.0.1:{sink.port}")
    monkeypatch.setattr(killing, "LEASE_SECONDS", 1)
    savers = {"before": make_user(), "after": make_user()}
    for moment, saver in savers.items():
        pressed_by(saver).post("/lab/kill-worker/", {"moment": moment})
        # A second press while it runs starts nothing.
        assert not killing.start(saver, moment)
    for copies, (moment, saver) in enumerate(savers.items(), start=1):
        wait_until(partial(is_over, saver))
        row = OutboxRow.objects.get(user=saver)
        assert (row.tries, row.due_at, row.to) == (2, None, saver.email)
        assert row.done_at is not None
        assert (row.done_at - row.created_at).total_seconds() >= killing.LEASE_SECONDS
        sent = [one["Message-ID"] for one in sink.mails if one["To"] == saver.email]
        assert (len(sent), len(set(sent))) == (copies, 1), moment
        page = pressed_by(saver).get("/lab/kill-worker/").text
        for said in ("try 1", "gets SIGKILL", "try 2", "done after 2 tries"):
            assert said in page


def is_over(saver: User) -> bool:
    return not killing.is_running(saver)


def pressed_by(saver: User) -> Client:
    client = Client()
    client.force_login(saver)
    return client


@pytest.mark.django_db
def test_the_page_shows_the_events_of_its_reader_alone(saver_client: Client, saver: User) -> None:
    cache.set(killing._events_key(make_user().pk), [{"what": "committed", "at": 0.0}])
    page = saver_client.get("/lab/kill-worker/")
    assert "No worker killed yet" in page.text
    assert page.context["lesson"] == "background"
    cache.set(killing._running_key(saver.pk), 1)
    assert 'hx-trigger="load delay:400ms"' in saver_client.get("/lab/kill-worker/").text


@pytest.mark.django_db
def test_an_unknown_moment_kills_nobody(saver_client: Client, saver: User) -> None:
    page = saver_client.post("/lab/kill-worker/", {"moment": "now"})
    assert page.status_code == 422
    assert not killing.is_running(saver)
    assert not OutboxRow.objects.exists()


@pytest.mark.django_db
def test_the_figures_of_mails_leave_no_user_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mails, "SMTP_SECONDS", 0.01)
    assert project.SHOWS_MAILBOX
    found = dict(mails.headlines())
    assert "mail, queued" in found
    assert not User.objects.exists()
    assert not OutboxRow.objects.exists()
    assert {one.to[0][:4] for one in mail.outbox} == {"lab-"}


@pytest.mark.django_db
def test_one_worker_and_two_do_every_task_once(saver_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "WAIT_MS", 1)
    monkeypatch.setattr(workers, "_NUMBERS", 10)
    found = workers.measured(rounds=0)
    assert found.agree
    assert [outcome.rows for outcome in found.outcomes] == [workers.TASKS] * 4
    assert len(list(workers.headlines())) == 4
    part = saver_client.get("/lab/mail/?do=workers", headers={"HX-Request": "true"}).text
    assert "Waiting, 1 worker took" in part
    assert "def all_done" in part
    assert mail.outbox == []


@pytest.mark.django_db
def test_the_tasks_go_through_redis_and_leave_nothing_there(saver_client: Client, settings: Settings) -> None:
    queue, site = workers.new_queue(), cast("Any", HUEY)
    queue.task()(workers.calculate)(1)
    assert isinstance(queue, type(site))
    assert site.storage.conn.llen(queue.storage.queue_key) == 1
    queue.flush()
    assert workers.all_done(lambda number: number, 3, workers=2) == [(0,), (1,), (2,)]
    assert site.storage.conn.keys("huey*lab*") == []
    settings.HUEY = settings.HUEY | {"connection": {"url": "redis://127.0.0.1:1/0"}}
    assert "Redis does not answer" in saver_client.get("/lab/mail/?do=workers").text


@pytest.mark.django_db
def test_every_kind_of_mail_is_listed_with_its_cause_those_of_the_article_first(
    saver_client: Client, saver: User
) -> None:
    with transaction.atomic():
        outbox.add("circle_joined", dedupe_key="joined", user=saver, nudge=False)
    kinds = mail_kinds.kinds_of(saver)
    assert {kind.kind for kind in kinds} == {*every_mail.KINDS}
    assert [kind.kind for kind in kinds if kind.said] == [kind.kind for kind in kinds[:4]]
    assert {kind.kind: kind.yours for kind in kinds if kind.yours} == {"circle_joined": 1}
    page = saver_client.get("/lab/mail/").text
    assert all(kind.why in page for kind in kinds)
