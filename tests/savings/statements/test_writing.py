"""Writing statements: interrupted, on a full disk, after a lost lease, waiting for a slot, and finished once."""

from __future__ import annotations

import datetime
import errno
import itertools
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage
from django.test import override_settings
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import outbox, statements, tasks
from savings.models import OutboxRow, Statement, User
from savings.statements import failures
from tests.factories import fill, make_user, pay_in
from tests.statements import ask, before_each_page, content, read, row_of, try_to_write, written

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("statements_folder")]

State = Statement.State
FORMATS = ["csv", "xlsx", "pdf"]


class Elsewhere(Storage):
    """A storage that is not a file system, such as a bucket."""

    def __init__(self, location: Path) -> None:
        self.there = FileSystemStorage(location)

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        return self.there.open(name, mode)

    def _save(self, name: str, content: File[Any]) -> str:
        return self.there.save(name, content)

    def exists(self, name: str) -> bool:
        return self.there.exists(name)

    def delete(self, name: str) -> None:
        self.there.delete(name)


class Full(Elsewhere):
    """A full storage."""

    def _save(self, name: str, content: File[Any]) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")


class Revoking(Elsewhere):
    """A storage that deletes no file, and gets each file just after its statement was revoked."""

    def _save(self, name: str, content: File[Any]) -> str:
        statements.revoke(Statement.objects.get(file_name=name))
        return super()._save(name, content)

    def delete(self, name: str) -> None:
        if self.exists(name):
            raise ConnectionResetError("away")


def keep_in(settings: Settings, storage: type[Storage]) -> None:
    backend = f"{storage.__module__}.{storage.__qualname__}"
    options = {"location": Path(settings.STATEMENTS_DIR) / "files"}
    settings.STORAGES = settings.STORAGES | {"statements": {"BACKEND": backend, "OPTIONS": options}}


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def mails(kind: str) -> int:
    return OutboxRow.objects.filter(kind=kind).count()


def entries(statement: Statement) -> list[bytes]:
    """Return the rows of a CSV as bytes."""
    return [line for line in content(statement).splitlines() if line.startswith(b"entry")]


class Killed(BaseException):
    """The death of a process."""


@contextmanager
def killed_at(page: int) -> Iterator[None]:
    """Kill the writer as it reads a page, with a checkpoint after each page before; nothing is cleaned up."""
    pages = itertools.count(1)

    def die() -> None:
        if next(pages) == page:
            raise Killed

    with override_settings(STATEMENT_PROGRESS_SECONDS=0), before_each_page(die):
        try:
            yield
        except Killed:
            return
    raise AssertionError("the writer finished before that page")


@pytest.mark.parametrize("file_format", FORMATS)
def test_an_unwritable_folder_is_reported_and_tried_again(
    saver: User, settings: Settings, statements_folder: Path, file_format: str
) -> None:
    pay_in(saver, 100)
    settings.STATEMENTS_DIR = statements_folder / "file"
    settings.STATEMENTS_DIR.touch()
    statement = try_to_write(ask(saver, format=file_format))
    assert (statement.state, statement.file_name) == (State.FAILED, "")
    assert statement.reason == "We couldn’t store the file. We’ll try again automatically."
    row = row_of(statement)
    assert row.due_at is not None
    assert row.due_at > timezone.now() + datetime.timedelta(seconds=25)
    settings.STATEMENTS_DIR = statements_folder
    assert try_to_write(statement).state == State.READY
    assert statement.reason == ""
    assert read(statement).closing_kobo == 100


def test_a_full_storage_has_nothing_under_a_final_name(
    saver: User, settings: Settings, statements_folder: Path
) -> None:
    keep_in(settings, Full)
    statement = try_to_write(ask(saver))
    assert statement.state == State.FAILED
    assert statement.reason.startswith("There was no room for the file.")
    assert files(statements_folder) == []
    keep_in(settings, Elsewhere)
    try_to_write(statement)
    assert (statement.state, files(statements_folder)) == (State.READY, [statement.file_name])
    assert mails("statement_ready") == 1


def test_an_unpublished_file_that_cannot_be_deleted_is_deleted_later(
    saver: User, settings: Settings, statements_folder: Path
) -> None:
    keep_in(settings, Revoking)
    statement = try_to_write(ask(saver))
    assert (statement.state, files(statements_folder)) == (State.REVOKED, [statement.file_name])
    keep_in(settings, Elsewhere)
    statements.expire_files(timezone.now())
    assert files(statements_folder) == []


@pytest.mark.parametrize("file_format", ["csv", "pdf"])
def test_a_full_disk_leaves_nothing_and_is_reported(
    saver: User,
    settings: Settings,
    statements_folder: Path,
    file_format: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill(saver, 300)
    statement = ask(saver, format=file_format)
    # The draft is a device that is always full.
    monkeypatch.setattr(secrets, "token_hex", lambda length: "0" * 2 * length)
    draft = Path(settings.STATEMENTS_DIR) / "drafts" / f"{statement.pk}-{'0' * 16}.{file_format}"
    draft.parent.mkdir()
    draft.symlink_to("/dev/full")
    try_to_write(statement)
    assert statement.state == State.FAILED
    assert statement.reason.startswith("There was no room for the file.")
    assert files(statements_folder) == []
    assert not draft.is_symlink()


def test_after_eight_tries_the_statement_fails_with_a_mail(
    saver: User, settings: Settings, statements_folder: Path
) -> None:
    settings.STATEMENTS_DIR = statements_folder / "file"
    settings.STATEMENTS_DIR.touch()
    statement = ask(saver)
    for _ in range(outbox.MOST_TRIES):
        assert not mails("statement_failed")
        try_to_write(statement)
    assert (statement.state, row_of(statement).due_at) == (State.FAILED, None)
    assert statement.reason == "We couldn’t store the file. Make it again later."
    assert mails("statement_failed") == 1
    outbox.retry_dead_row(row_of(statement))
    settings.STATEMENTS_DIR = statements_folder
    assert try_to_write(statement).state == State.READY


def test_a_statement_that_is_now_too_long_fails_at_once(saver: User) -> None:
    statement = ask(saver, format="pdf")
    fill(saver, (statements.most_rows("pdf") or 0) + 1)
    try_to_write(statement)
    assert (statement.state, row_of(statement).due_at) == (State.FAILED, None)
    assert "Choose Excel or CSV" in statement.reason
    assert mails("statement_failed") == 1


def test_a_statement_whose_writers_all_died_fails_with_a_mail(saver: User) -> None:
    statement = ask(saver)
    OutboxRow.objects.filter(pk=row_of(statement).pk).update(dead_at=timezone.now(), due_at=None)
    Statement.objects.update(state=State.WRITING)
    assert statements.fail_abandoned() == 1
    assert statements.fail_abandoned() == 0
    statement.refresh_from_db()
    assert statement.state == State.FAILED
    assert mails("statement_failed") == 1


@pytest.mark.parametrize("page", [1, 2, 3, 4])
def test_csv_resumes_after_a_killed_writer(saver: User, settings: Settings, page: int) -> None:
    fill(saver, 10)
    yesterday = timezone.localdate() - datetime.timedelta(days=1)
    whole = entries(written(saver, since=yesterday))
    settings.STATEMENT_PAGE_ROWS = 3
    statement = ask(saver)
    with killed_at(page):
        try_to_write(statement)
    statement.refresh_from_db()
    assert (statement.state, statement.rows_written) == (State.WRITING, 3 * (page - 1))
    pay_in(saver, 999)
    assert entries(try_to_write(statement)) == whole
    assert (statement.state, mails("statement_ready")) == (State.READY, 2)


@pytest.mark.parametrize("file_format", ["xlsx", "pdf"])
def test_other_formats_start_over(saver: User, settings: Settings, file_format: str) -> None:
    fill(saver, 10)
    settings.STATEMENT_PAGE_ROWS = 3
    statement = ask(saver, format=file_format)
    with killed_at(3):
        try_to_write(statement)
    pay_in(saver, 999)
    said = read(try_to_write(statement))
    assert [line.balance_kobo for line in said.lines] == [100 * number for number in range(1, 11)]
    assert said.closing_kobo == 1_000


def test_a_checkpoint_without_its_file_is_ignored(
    saver: User, settings: Settings, statements_folder: Path
) -> None:
    fill(saver, 10)
    settings.STATEMENT_PAGE_ROWS = 3
    statement = ask(saver)
    with killed_at(3):
        try_to_write(statement)
    for draft in (statements_folder / "drafts").iterdir():
        draft.write_bytes(b"")
    assert len(read(try_to_write(statement)).lines) == 10


def test_progress_resets_the_limit_of_eight_tries(saver: User, settings: Settings) -> None:
    fill(saver, 100)
    settings.STATEMENT_PAGE_ROWS = 4
    statement = ask(saver)
    for _ in range(20):
        with killed_at(2):
            try_to_write(statement)
    assert row_of(statement).tries == 1
    assert len(read(try_to_write(statement)).lines) == 100
    assert mails("statement_ready") == 1


def test_a_statement_that_kills_each_worker_at_the_same_row_is_dead_after_eight(
    saver: User, settings: Settings
) -> None:
    fill(saver, 10)
    settings.STATEMENT_PAGE_ROWS = 3
    statement = ask(saver, format="xlsx")
    for _ in range(outbox.MOST_TRIES):
        with killed_at(3):
            try_to_write(statement)
    OutboxRow.objects.update(due_at=timezone.now())
    outbox.sweep(timezone.now(), tasks.HANDLERS)
    assert row_of(statement).dead_at is not None


def test_a_writer_that_lost_its_lease_changes_nothing(
    saver: User, settings: Settings, statements_folder: Path
) -> None:
    fill(saver, 10)
    settings.STATEMENT_PAGE_ROWS = 3
    settings.STATEMENT_PROGRESS_SECONDS = 0
    statement, pages = ask(saver), itertools.count(1)

    def overtake() -> None:
        if next(pages) == 3:
            try_to_write(Statement.objects.get(pk=statement.pk))

    with before_each_page(overtake):
        try_to_write(statement)
    assert (statement.state, statement.rows_written) == (State.READY, 10)
    assert len(read(statement).lines) == 10
    assert mails("statement_ready") == 1
    assert statement.file_name in files(statements_folder / "files")
    assert len(files(statements_folder)) == 1


@pytest.mark.parametrize("ending", [statements.revoke, statements.delete])
def test_a_statement_revoked_while_it_is_written_is_not_finished(
    saver: User, statements_folder: Path, ending: Any
) -> None:
    fill(saver, 10)
    statement = ask(saver)
    row = row_of(statement)
    with before_each_page(lambda: ending(Statement.objects.get(pk=statement.pk))):
        outbox.deliver(row.pk, tasks.HANDLERS)
    row.refresh_from_db()
    assert row.done_at is not None
    assert not Statement.objects.filter(state=State.READY).exists()
    assert files(statements_folder) == []
    assert not mails("statement_ready")


def test_a_file_stored_by_a_try_that_died_is_deleted(saver: User, statements_folder: Path) -> None:
    statement = ask(saver)
    (statements_folder / "files").mkdir()
    (statements_folder / "files" / "left.csv").touch()
    Statement.objects.update(state=State.WRITING, file_name="left.csv", expires_at=timezone.now())
    try_to_write(statement)
    assert files(statements_folder) == [statement.file_name]


def test_the_third_statement_of_a_saver_waits_without_using_tries(saver: User) -> None:
    first, second, third = (ask(saver, since=datetime.date(2026, 1, day)) for day in (1, 2, 3))
    Statement.objects.filter(pk__in=[first.pk, second.pk]).update(state=State.WRITING)
    for _ in range(10):
        try_to_write(third)
    row = row_of(third)
    assert (third.state, row.tries, row.error) == (State.QUEUED, 0, "")
    assert row.due_at is not None
    assert row.due_at > timezone.now()
    other = make_user()
    assert written(other).state == State.READY


def test_the_third_starts_as_soon_as_one_is_finished(
    saver: User, django_capture_on_commit_callbacks: Any
) -> None:
    first, second, third = (ask(saver, since=datetime.date(2026, 1, day)) for day in (1, 2, 3))
    Statement.objects.filter(pk__in=[first.pk, second.pk]).update(state=State.WRITING)
    try_to_write(third)
    try_to_write(first)
    assert OutboxRow.objects.filter(pk=row_of(third).pk, due_at__lte=timezone.now()).exists()
    outbox.sweep(timezone.now(), tasks.HANDLERS)
    third.refresh_from_db()
    assert third.state == State.READY


def test_half_of_a_consumers_threads_stay_free_for_mails(settings: Settings) -> None:
    assert settings.HUEY["consumer"]["workers"] == settings.STATEMENT_WRITERS * 2
    users = [make_user() for _ in range(settings.STATEMENT_WRITERS + 1)]
    for user in users:
        pay_in(user, 100)
    *begun, last = [ask(user) for user in users]
    waiting = [*begun, last]

    def write_next() -> None:
        if waiting:
            try_to_write(waiting.pop(0))

    # Each writer is in the middle of its statement while the next one begins.
    with before_each_page(write_next):
        write_next()
    assert {statement.state for statement in begun} == {State.READY}
    assert (last.state, row_of(last).tries) == (State.QUEUED, 0)
    assert try_to_write(last).state == State.READY


def test_progress_is_saved_while_writing(saver: User, settings: Settings) -> None:
    fill(saver, 10)
    settings.STATEMENT_PAGE_ROWS = 3
    settings.STATEMENT_PROGRESS_SECONDS = 0
    statement, told = ask(saver), []

    def look() -> None:
        now = Statement.objects.get(pk=statement.pk)
        told.append((now.state, now.rows_written, now.rows_expected))

    with before_each_page(look):
        try_to_write(statement)
    assert told == [(State.WRITING, rows, 10) for rows in (0, 3, 6, 9)]


def test_a_writer_holds_its_row_by_a_short_lease(saver: User, settings: Settings) -> None:
    fill(saver, 10)
    statement = ask(saver)
    with killed_at(1):
        try_to_write(statement)
    row = row_of(statement)
    assert row.due_at is not None
    assert row.due_at <= timezone.now() + datetime.timedelta(seconds=settings.STATEMENT_LEASE_SECONDS)


def test_a_mail_names_its_statement(saver: User, mailoutbox: list[Any]) -> None:
    written(saver)
    for row in OutboxRow.objects.filter(kind="statement_ready"):
        outbox.deliver(row.pk, tasks.HANDLERS)
    (mail,) = mailoutbox
    statement = Statement.objects.get()
    assert mail.subject == "Your statement is ready: Stash"
    assert f"/statements/{statement.pk}/" in mail.body
    assert statement.file_name not in mail.body + str(mail.alternatives)


def test_a_mail_about_a_failure_has_the_reason(saver: User, mailoutbox: list[Any]) -> None:
    failures.fail_statement(ask(saver), "There was no room for the file. Make it again later.")
    for row in OutboxRow.objects.filter(kind="statement_failed"):
        outbox.deliver(row.pk, tasks.HANDLERS)
    assert "There was no room" in mailoutbox[0].body
