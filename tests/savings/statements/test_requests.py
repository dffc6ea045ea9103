"""Statements: requested once, written once, and available to their owner until they expire."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import ledger, statements
from savings.exceptions import Refused
from savings.models import OutboxRow, Statement, User
from savings.statements import files as statement_files
from tests.factories import fill, join_circle, make_plan, make_user, pay_in, start_circle
from tests.statements import ask, content, read, row_of, try_to_write, written

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("statements_folder")]

State = Statement.State
FORMATS = ["csv", "xlsx", "pdf"]
NOON = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def files(folder: Path) -> list[Path]:
    """Return all stored files of statements, complete or not."""
    return [path for path in folder.rglob("*") if path.is_file()]


def mails(kind: str = "statement_ready") -> list[OutboxRow]:
    return list(OutboxRow.objects.filter(kind=kind))


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_statement_agrees_with_the_ledger(saver: User, file_format: str) -> None:
    pay_in(saver, 5_000_00)
    plan = make_plan(saver, holding_kobo=25_000_50)
    statement = written(saver, "plan", plan=plan, format=file_format)
    said = read(statement)
    assert [line[1:] for line in said.lines] == [(25_000_50, None, 25_000_50)]
    assert (said.opening_kobo, said.closing_kobo) == (0, ledger.balance_kobo(plan.account))
    assert (statement.rows_written, statement.rows_expected, statement.closing_kobo) == (1, 1, 25_000_50)
    assert statement.size_bytes == len(content(statement))


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_plan_without_rows_in_the_period_still_gives_a_statement(
    clock: time_machine.Traveller, file_format: str
) -> None:
    plan = make_plan(holding_kobo=700)
    clock.shift(datetime.timedelta(days=40))
    today = timezone.localdate()
    month = {"since": today - datetime.timedelta(days=20), "until": today}
    said = read(written(plan.user, "plan", plan=plan, format=file_format, **month))
    assert said == ([], 700, 700)


def test_a_request_returns_at_once_and_leaves_the_work_in_the_outbox(saver: User) -> None:
    statement = ask(saver)
    assert (statement.state, statement.file_name, statement.rows_expected) == (State.QUEUED, "", None)
    assert row_of(statement).payload == {"statement": statement.pk}
    assert row_of(statement).done_at is None
    assert not mails()


def test_a_rolled_back_request_leaves_nothing_to_write(saver: User) -> None:
    with transaction.atomic():
        ask(saver)
        transaction.set_rollback(True)
    assert not OutboxRow.objects.filter(kind=statements.OUTBOX_KIND).exists()


def test_the_same_request_twice_within_a_minute_is_the_same_statement(
    saver: User, clock: time_machine.Traveller
) -> None:
    first = ask(saver, format="pdf")
    assert ask(saver, format="pdf") == first
    assert ask(saver, format="csv") != first
    assert ask(saver, format="pdf", since=datetime.date(2026, 11, 1)) != first
    assert ask(saver, format="pdf", password="quiet river ladder") != first
    clock.shift(61)
    assert ask(saver, format="pdf") != first


def test_the_same_request_with_another_password_is_another_statement(saver: User) -> None:
    first = ask(saver, format="pdf", password="quiet river ladder")
    assert ask(saver, format="pdf", password="quiet river ladder") == first
    assert ask(saver, format="pdf", password="another quiet word") != first


def test_a_revoked_statement_is_not_returned_again(saver: User) -> None:
    first = ask(saver)
    statements.revoke(first)
    assert ask(saver) != first


def test_a_user_has_at_most_ten_unfinished_statements(saver: User) -> None:
    for day in range(1, 11):
        ask(saver, since=datetime.date(2026, 1, day))
    with pytest.raises(Refused, match="ten statements"):
        ask(saver, since=datetime.date(2026, 2, 1))


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"until": datetime.date(2999, 1, 1)}, "until"),
        ({"since": datetime.date(2026, 3, 1), "until": datetime.date(2026, 2, 1)}, "until"),
        ({"since": datetime.date(1, 1, 1), "until": datetime.date(1, 1, 1)}, "until"),
        ({"format": "csv", "password": "quiet river ladder"}, "password"),
        ({"format": "pdf", "password": "short"}, "password"),
        ({"format": "pdf", "password": "Password123!"}, "password"),
        ({"format": "pdf", "password": "0803 123 4567"}, "password"),
        ({"format": "pdf", "password": "Saver 2026 saver"}, "password"),
        ({"format": "pdf", "password": "ọ" * 60}, "password"),
        ({"format": "pdf", "password": "bell\a bell\a"}, "password"),
        ({"scope": "plan"}, "plan"),
        ({"scope": "circle"}, "circle"),
    ],
)
def test_invalid_requests_are_refused_on_their_field(saver: User, asked: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        ask(saver, **asked)
    assert refused.value.field == field
    assert not Statement.objects.exists()


def test_another_user_gets_no_statement_of_a_plan_or_circle(saver: User) -> None:
    with pytest.raises(Refused):
        ask(saver, "plan", plan=make_plan())
    with pytest.raises(Refused):
        ask(saver, "circle", circle=start_circle())


def test_a_period_since_the_beginning_starts_when_the_user_joined(clock: time_machine.Traveller) -> None:
    user = make_user()
    clock.shift(datetime.timedelta(days=3))
    assert ask(user).since == NOON.date()
    assert ask(user, since=datetime.date(2025, 5, 1)).since == datetime.date(2025, 5, 1)


def test_too_many_rows_for_a_format_are_refused_with_the_reason(saver: User) -> None:
    most = statements.most_rows("pdf")
    assert most is not None
    fill(saver, most + 1)
    with pytest.raises(Refused, match=r"1,500 rows.*Excel or CSV") as refused:
        ask(saver, format="pdf")
    assert refused.value.field == "format"
    assert ask(saver, format="xlsx").state == State.QUEUED
    asked: dict[str, Any] = {
        "scope": "stash",
        "since": statements.BEGINNING,
        "until": timezone.localdate(),
    }
    assert statements.expected_rows(saver, **asked, most=most) == most + 1
    assert statements.expected_rows(saver, **asked, most=2_000) == most + 1


def test_the_mail_is_sent_once_and_links_to_the_list_and_not_to_the_file(saver: User) -> None:
    statement = written(saver)
    try_to_write(statement)
    (mail,) = mails()
    assert (mail.user, mail.payload["statement"]) == (saver, statement.pk)
    assert statement.file_name not in str(mail.payload)


def test_the_mail_can_be_sent_again_once_a_minute(saver: User, clock: time_machine.Traveller) -> None:
    statement = written(saver)
    statements.resend_mail(statement)
    statements.resend_mail(statement)
    assert len(mails()) == 2
    clock.shift(60)
    statements.resend_mail(statement)
    assert len(mails()) == 3
    statements.revoke(statement)
    with pytest.raises(Refused):
        statements.resend_mail(statement)


def test_a_password_is_stored_encrypted_and_only_until_the_file_is_written(saver: User) -> None:
    statement = ask(saver, format="pdf", password="ọmọ mi, 8 of them")
    stored = Statement.objects.values_list("sealed_password", flat=True).get()
    assert stored
    assert "8 of them" not in stored
    try_to_write(statement)
    assert (statement.state, statement.sealed_password, statement.has_password) == (State.READY, "", True)
    assert b"/Encrypt" in content(statement)


def test_a_password_that_cannot_be_decrypted_fails_the_statement(saver: User, settings: Settings) -> None:
    statement = ask(saver, format="pdf", password="quiet river ladder")
    settings.SECRET_KEY = "another"
    try_to_write(statement)
    assert statement.state == State.FAILED
    assert "password" in statement.reason
    assert row_of(statement).done_at is not None


def test_files_have_random_names_and_drafts_are_deleted(saver: User, statements_folder: Path) -> None:
    first, second = written(saver), written(saver, format="xlsx")
    assert {path.name for path in files(statements_folder)} == {first.file_name, second.file_name}
    assert len(first.file_name.split(".")[0]) == 32
    assert all(path.stat().st_mode & 0o077 == 0 for path in files(statements_folder))


def test_a_token_returns_its_statement(saver: User) -> None:
    statement = written(saver)
    assert statements.statement_of_token(statements.link_token(statement)) == statement


def test_a_changed_token_returns_nothing(saver: User) -> None:
    first, second = written(saver), written(saver, format="xlsx")
    token = statements.link_token(first)
    forged = token.replace(f"{first.pk}:", f"{second.pk}:", 1)
    for wrong in (forged, token[:-1], token.swapcase(), "", ":", f"{first.pk}", "\0" * 9):
        assert statements.statement_of_token(wrong) is None


def test_a_link_expires_after_a_day_and_the_file_after_a_week(
    saver: User, clock: time_machine.Traveller
) -> None:
    statement = written(saver)
    token = statements.link_token(statement)
    clock.shift(datetime.timedelta(hours=24, seconds=1))
    assert statements.statement_of_token(token) is None
    assert statements.count_download(statement)
    fresh = statements.link_token(statement)
    clock.shift(datetime.timedelta(days=6))
    assert statements.statement_of_token(fresh) is None
    assert not statements.count_download(statement)


def test_downloads_are_counted(saver: User) -> None:
    statement = written(saver)
    assert all(statements.count_download(statement) for _ in range(20))
    statement.refresh_from_db()
    assert statement.downloads == 20
    assert statement.downloaded_at is not None


def test_revoking_disables_the_link_and_deletes_the_file(saver: User, statements_folder: Path) -> None:
    statement = written(saver)
    token = statements.link_token(statement)
    assert statements.revoke(statement)
    assert not statements.revoke(statement)
    assert (statement.state, statement.file_name) == (State.REVOKED, "")
    assert not files(statements_folder)
    assert statements.statement_of_token(token) is None
    assert not statements.count_download(statement)
    with pytest.raises(FileNotFoundError):
        statements.open_file(statement)


def test_a_statement_revoked_before_writing_is_not_written(saver: User, statements_folder: Path) -> None:
    statement = ask(saver)
    assert statements.revoke(statement)
    try_to_write(statement)
    assert (statement.state, row_of(statement).due_at) == (State.REVOKED, None)
    assert not files(statements_folder)
    assert not mails()


def test_deleting_leaves_neither_row_nor_file(saver: User, statements_folder: Path) -> None:
    for statement in (written(saver), ask(saver, format="xlsx")):
        statements.delete(statement)
    assert not Statement.objects.exists()
    assert not files(statements_folder)


def test_a_file_that_cannot_be_deleted_is_deleted_later(saver: User, statements_folder: Path) -> None:
    statement = written(saver)
    store = statements_folder / "files"
    file = store / statement.file_name
    file.unlink()
    file.mkdir()
    (file / "in the way").touch()
    with pytest.raises(Refused, match="cannot be removed"):
        statements.delete(statement)
    assert Statement.objects.get().state == State.REVOKED
    (file / "in the way").unlink()
    statements.expire_files(timezone.now())
    assert Statement.objects.get().file_name == ""


def test_an_expired_statement_can_be_requested_again(
    saver: User, clock: time_machine.Traveller, statements_folder: Path
) -> None:
    plan = make_plan(saver, holding_kobo=100)
    statement = written(saver, "plan", plan=plan, format="pdf", password="quiet river ladder")
    clock.shift(datetime.timedelta(days=8))
    assert statements.expire_files(timezone.now()) == 1
    statement.refresh_from_db()
    assert (statement.state, statement.file_name, files(statements_folder)) == (State.EXPIRED, "", [])
    again = statements.ask_again(statement)
    same = ["scope", "plan_id", "circle_id", "since", "until", "format"]
    assert [getattr(again, name) for name in same] == [getattr(statement, name) for name in same]
    assert (again.pk != statement.pk, again.has_password) == (True, False)
    assert try_to_write(again).state == State.READY


def test_old_drafts_are_deleted(saver: User, clock: time_machine.Traveller) -> None:
    draft = statement_files.new_draft(ask(saver))
    draft.touch()
    statements.expire_files(timezone.now())
    assert draft.exists()
    statements.expire_files(timezone.now() + datetime.timedelta(days=400))
    assert not draft.exists()


def test_a_verifier_gets_only_facts_of_the_file(saver: User) -> None:
    pay_in(saver, 123_45)
    statement = written(saver)
    found = statements.verify(statement.code, 123_45)
    assert found is not None
    assert (found.since, found.until, found.closing_kobo) == (statement.since, statement.until, 123_45)
    assert found.is_the_file is None
    right = statements.verify(statement.code, 123_45, sha256=statement.sha256.upper())
    wrong = statements.verify(statement.code, 123_45, sha256="0" + statement.sha256[1:] + "")
    assert right is not None
    assert right.is_the_file
    assert wrong is not None
    assert wrong.is_the_file == (statement.sha256[0] == "0")


def test_a_code_can_be_typed_in_many_ways(saver: User) -> None:
    statement = written(saver)
    Statement.objects.update(code="01AB23CD45EF67GH")
    for typed in ("01ab-23cd-45ef-67gh", " O1AB 23CD 45EF 67GH ", "oiab23cd45ef67gh"):
        assert statements.verify(typed, statement.closing_kobo or 0) is not None


def test_a_wrong_code_and_a_wrong_balance_give_the_same_answer(saver: User) -> None:
    statement = written(saver)
    assert statements.verify(statement.code, 1) is None
    assert statements.verify("0" * 16, 0) is None
    assert statements.verify("", 0) is None
    assert statements.verify(ask(saver, format="xlsx").code, 0) is None


def test_an_expired_file_can_still_be_verified(saver: User) -> None:
    statement = written(saver)
    statements.revoke(statement)
    assert statements.verify(statement.code, 0, sha256=statement.sha256) is not None


def test_a_former_member_can_request_their_own_rows(saver: User) -> None:
    circle = start_circle()
    join_circle(circle, saver, saved_kobo=0)
    assert ask(saver, "circle", circle=circle).state == State.QUEUED
