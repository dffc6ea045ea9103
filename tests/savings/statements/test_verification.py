"""Verification: a code and a closing balance answer only facts of the file."""

from __future__ import annotations

import pytest

from savings import statements
from savings.models import Statement, User
from tests.factories import pay_in
from tests.statements import ask, written

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("statements_folder")]


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
