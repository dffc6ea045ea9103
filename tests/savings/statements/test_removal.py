"""Removal: a revoked or deleted statement has no link and no file."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone

from savings import statements
from savings.exceptions import Refused
from savings.models import OutboxRow, Statement, User
from tests.statements import ask, files_in, row_of, try_to_write, written

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("statements_folder")]


def test_revoking_disables_the_link_and_deletes_the_file(saver: User, statements_folder: Path) -> None:
    statement = written(saver)
    token = statements.link_token(statement)
    assert statements.revoke(statement)
    assert not statements.revoke(statement)
    assert (statement.state, statement.file_name) == (Statement.State.REVOKED, "")
    assert not files_in(statements_folder)
    assert statements.statement_of_token(token) is None
    assert not statements.count_download(statement)
    with pytest.raises(FileNotFoundError):
        statements.open_file(statement)


def test_a_statement_revoked_before_writing_is_not_written(saver: User, statements_folder: Path) -> None:
    statement = ask(saver)
    assert statements.revoke(statement)
    try_to_write(statement)
    assert (statement.state, row_of(statement).due_at) == (Statement.State.REVOKED, None)
    assert not files_in(statements_folder)
    assert not OutboxRow.objects.filter(kind="statement_ready").exists()


def test_deleting_leaves_neither_row_nor_file(saver: User, statements_folder: Path) -> None:
    for statement in (written(saver), ask(saver, format="xlsx")):
        statements.delete(statement)
    assert not Statement.objects.exists()
    assert not files_in(statements_folder)


def test_a_file_that_cannot_be_deleted_is_deleted_later(saver: User, statements_folder: Path) -> None:
    statement = written(saver)
    store = statements_folder / "files"
    file = store / statement.file_name
    file.unlink()
    file.mkdir()
    (file / "in the way").touch()
    with pytest.raises(Refused, match="can’t delete its file"):
        statements.delete(statement)
    assert Statement.objects.get().state == Statement.State.REVOKED
    (file / "in the way").unlink()
    statements.expire_files(timezone.now())
    assert Statement.objects.get().file_name == ""
