"""Downloads: signed links of a day, a count, and the mail with the link."""

from __future__ import annotations

import datetime

import pytest
import time_machine

from savings import statements
from savings.exceptions import Refused
from savings.models import OutboxRow, User
from tests.statements import written

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("statements_folder")]


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


def test_the_mail_can_be_sent_again_once_a_minute(saver: User, clock: time_machine.Traveller) -> None:
    statement, sent = written(saver), OutboxRow.objects.filter(kind="statement_ready")
    statements.resend_mail(statement)
    statements.resend_mail(statement)
    assert sent.count() == 2
    clock.shift(60)
    statements.resend_mail(statement)
    assert sent.count() == 3
    statements.revoke(statement)
    with pytest.raises(Refused):
        statements.resend_mail(statement)
