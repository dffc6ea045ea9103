"""Requests of statements: checked, stored once with the work of writing, and correct when written."""

from __future__ import annotations

import datetime
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
from tests.factories import fill, join_circle, make_plan, make_user, pay_in, start_circle
from tests.statements import ask, content, files_in, read, row_of, try_to_write, written

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("statements_folder")]

State = Statement.State
FORMATS = ["csv", "xlsx", "pdf"]


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
    with pytest.raises(Refused, match="10 statements"):
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
    user, joined_on = make_user(), timezone.localdate()
    clock.shift(datetime.timedelta(days=3))
    assert ask(user).since == joined_on
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


def test_an_expired_statement_can_be_requested_again(
    saver: User, clock: time_machine.Traveller, statements_folder: Path
) -> None:
    plan = make_plan(saver, holding_kobo=100)
    statement = written(saver, "plan", plan=plan, format="pdf", password="quiet river ladder")
    clock.shift(datetime.timedelta(days=8))
    assert statements.expire_files(timezone.now()) == 1
    statement.refresh_from_db()
    assert (statement.state, statement.file_name, files_in(statements_folder)) == (State.EXPIRED, "", [])
    again = statements.ask_again(statement)
    same = ["scope", "plan_id", "circle_id", "since", "until", "format"]
    assert [getattr(again, name) for name in same] == [getattr(statement, name) for name in same]
    assert (again.pk != statement.pk, again.has_password) == (True, False)
    assert try_to_write(again).state == State.READY


def test_a_former_member_can_request_their_own_rows(saver: User) -> None:
    circle = start_circle()
    join_circle(circle, saver, saved_kobo=0)
    assert ask(saver, "circle", circle=circle).state == State.QUEUED
