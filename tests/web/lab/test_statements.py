"""A statement of the lab: written inline or queued, the user's own, and done when a worker says so."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from django.conf import settings as project
from django.test import Client
from django.utils import timezone

from savings import outbox, tasks
from savings.models import OutboxRow, Statement, User
from tests.factories import fill, make_user
from tests.statements import ask, content, row_of
from web.lab import statements

pytestmark = pytest.mark.django_db


@pytest.fixture
def history(saver: User) -> User:
    fill(saver, 5)
    return saver


def entries(statement: Statement) -> list[bytes]:
    return [line for line in content(statement).splitlines() if line.startswith(b"entry")]


def files() -> set[Path]:
    """Return the files of statements that are stored."""
    return {path for path in project.STATEMENTS_DIR.rglob("*") if path.is_file()}


def test_one_is_written_and_the_other_waits_for_a_worker(saver_client: Client, history: User) -> None:
    page = saver_client.post("/lab/statement/", {"format": "csv"})
    inline, queued = Statement.objects.order_by("id")
    assert (inline.state, queued.state) == ("ready", "queued")
    assert inline.rows_written == 5
    assert "Same result" in page.text
    assert page.context["lesson"] == "background"
    path = f"/lab/statement/?row={queued.pk}"
    assert "The request has been answered" in saver_client.get(path).text
    outbox.deliver(row_of(queued).pk, tasks.HANDLERS)
    part = saver_client.get(path, headers={"HX-Request": "true"}).text
    assert "A worker was done" in part
    ready = OutboxRow.objects.get(kind="statement_ready", statement=queued)
    for link in (f"/statements/{queued.pk}/", f"/messages/{ready.pk}/", "/messages/mailbox/"):
        assert f'<a href="{link}">' in part
        assert saver_client.get(link).status_code == 200
    for statement in (inline, queued):
        assert f'<a href="/statements/{statement.pk}/">' in page.text
    assert part.strip().startswith('<section class="card" id="done"')
    queued.refresh_from_db()
    assert entries(queued) == entries(inline)


def test_a_second_press_makes_two_more(saver_client: Client, history: User) -> None:
    for _ in range(2):
        saver_client.post("/lab/statement/", {"format": "csv"})
    assert Statement.objects.filter(state="ready").count() == 2


def test_the_lab_s_statements_are_deleted_and_no_other(saver_client: Client, history: User) -> None:
    before, own = files(), ask(history)
    other = ask(make_user(), "everything")
    saver_client.post("/lab/statement/", {"format": "csv"})
    page = saver_client.post("/lab/statement/clean/", follow=True)
    assert "2 statements deleted." in page.text
    assert set(Statement.objects.all()) == {own, other}
    assert files() == before


def test_nothing_is_made_for_an_unknown_format(saver_client: Client) -> None:
    page = saver_client.post("/lab/statement/", {"format": "exe"})
    assert page.status_code == 422
    assert "Choose CSV or PDF." in page.text
    assert not Statement.objects.exists()


def test_another_users_statement_is_not_watched(saver_client: Client) -> None:
    other = ask(make_user())
    for row in (other.pk, "x", "9" * 18):
        assert saver_client.get(f"/lab/statement/?row={row}").status_code == 404


def test_a_mail_is_watched_until_a_worker_has_sent_it(saver_client: Client, saver: User) -> None:
    row = OutboxRow.objects.create(kind="account", dedupe_key="x", user=saver, to=saver.email, text="Hello")
    path = f"/lab/mail/?row={row.pk}"
    assert 'hx-trigger="load delay:500ms"' in saver_client.get(path).text
    OutboxRow.objects.update(created_at=timezone.now() - datetime.timedelta(minutes=2))
    assert "No worker has done it yet" in saver_client.get(path).text
    OutboxRow.objects.update(done_at=timezone.now(), due_at=None)
    page = saver_client.get(path)
    assert "A worker was done 120," in page.text
    assert f'<a href="/messages/{row.pk}/">Open the mail</a>' in page.text
    assert saver_client.get(f"/messages/{row.pk}/").status_code == 200
    assert page.context["lesson"] == "background"
    other = OutboxRow.objects.create(kind="welcome", dedupe_key="y", user=make_user())
    assert saver_client.get(f"/lab/mail/?row={other.pk}").status_code == 404


def test_its_figures_leave_nothing_behind(history: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "FORMATS", ("csv",))
    monkeypatch.setattr(statements, "_ROUNDS", 1)
    before = files()
    found = dict(statements.headlines())
    assert "CSV statement of 5 rows, inline" in found
    assert not Statement.objects.exists()
    assert not OutboxRow.objects.filter(kind="statement").exists()
    assert files() == before
