"""The links from outbox rows to statements: filled by every release, and cleared with the statement."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.utils import timezone

from savings import outbox, statements, tasks
from savings.models import OutboxRow, Statement, User
from tests.statements import ask, row_of, written

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("statements_folder")]

migration = import_module("savings.migrations.0040_outbox_statement_links")


def links() -> list[tuple[str, int | None]]:
    return list(OutboxRow.objects.order_by("pk").values_list("kind", "statement"))


def unlink() -> None:
    """Leave the rows as the release before the foreign key wrote them."""
    OutboxRow.objects.update(statement=None)


def fill() -> None:
    migration.link(apps, SimpleNamespace(connection=connection))


def test_each_row_about_a_statement_is_linked_as_it_is_written(saver: User) -> None:
    statement = written(saver)
    assert links() == [("statement", statement.pk), ("statement_ready", statement.pk)]


def test_a_deleted_statement_leaves_its_mails(saver: User) -> None:
    statements.delete(written(saver))
    assert links() == [("statement", None), ("statement_ready", None)]


def test_the_previous_release_can_delete_a_linked_statement(saver: User) -> None:
    """It does not know the foreign key: its DELETE leaves the link to the database."""
    statement = written(saver)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM savings_statement WHERE id = %s", [statement.pk])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE" if connection.vendor == "postgresql" else "SELECT 1")
    connection.check_constraints()
    assert links() == [("statement", None), ("statement_ready", None)]


@pytest.mark.parametrize("link", [statements.link_outbox_rows, fill])
def test_rows_of_the_previous_release_are_linked(
    saver: User, monkeypatch: pytest.MonkeyPatch, link: Any
) -> None:
    monkeypatch.setattr(migration, "BATCH", 2)
    made = [written(saver, format=file_format) for file_format in ("csv", "xlsx")]
    before = links()
    with transaction.atomic():
        outbox.add("statement_ready", dedupe_key="odd", user=saver, payload={})
        outbox.add("welcome", dedupe_key="other", user=saver, payload={"statement": made[0].pk})
    unlink()
    link()
    assert links() == [*before, ("statement_ready", None), ("welcome", None)]


@pytest.mark.parametrize("link", [statements.link_outbox_rows, fill])
def test_rows_of_a_deleted_statement_stay_unlinked(saver: User, link: Any) -> None:
    statements.delete(written(saver))
    link()
    assert {statement for _, statement in links()} == {None}


def test_a_statement_of_the_previous_release_is_written_and_linked(saver: User) -> None:
    statement = ask(saver)
    row = row_of(statement)
    unlink()
    assert outbox.deliver(row.pk, tasks.HANDLERS)
    tasks.tidy_statements.call_local()
    assert links() == [("statement", statement.pk), ("statement_ready", statement.pk)]


def test_a_statement_that_the_previous_release_abandoned_fails_with_a_mail(saver: User) -> None:
    statement = ask(saver)
    OutboxRow.objects.update(dead_at=timezone.now(), due_at=None, statement=None)
    tasks.tidy_statements.call_local()
    statement.refresh_from_db()
    assert statement.state == Statement.State.FAILED
    assert links() == [("statement", statement.pk), ("statement_failed", statement.pk)]


def test_a_dead_mail_fails_no_statement(saver: User) -> None:
    written(saver)
    second = ask(saver, format="xlsx")
    OutboxRow.objects.filter(kind="statement_ready").update(
        statement=second, dead_at=timezone.now(), due_at=None
    )
    assert statements.fail_abandoned() == 0
