"""A real worker killed by SIGKILL: the mail is sent once if it had not been, else twice with one Message-ID."""

from __future__ import annotations

from functools import partial

import pytest
from django.conf import settings as project
from django.core import mail
from django.core.cache import cache
from django.test import Client

from savings.models import OutboxRow, User
from tests.factories import make_user
from tests.processes import database_url, wait_until
from tests.smtp_sink import Sink
from web.lab import killing, mails


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
