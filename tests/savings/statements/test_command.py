"""`manage.py statement`: a statement from the shell, the same as its owner could request."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from savings.models import OutboxRow, Plan, Statement
from tests.factories import make_plan
from tests.statements import content

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("statements_folder")]


@pytest.mark.parametrize("name", ["pk", "reference"])
def test_it_makes_a_file_of_the_plan(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    plan, out = make_plan(holding_kobo=100), tmp_path / "out.csv"
    call_command("statement", str(getattr(plan, name)), "--format", "csv", "--out", str(out))
    statement = Statement.objects.get()
    assert out.read_bytes() == content(statement)
    assert f"1 row, {out.stat().st_size} bytes, code {statement.code}" in capsys.readouterr().out
    assert OutboxRow.objects.filter(kind="statement_ready", user=plan.user).count() == 1


def test_a_refused_statement_ends_with_the_reason(plan: Plan) -> None:
    with pytest.raises(CommandError, match="No plan has the id or reference X"):
        call_command("statement", "X")
    with pytest.raises(CommandError, match="last day comes before"):
        call_command("statement", plan.reference, "--since", "2026-02-02", "--until", "2026-02-01")
    assert not Statement.objects.exists()


def test_a_failed_statement_ends_with_the_reason(plan: Plan, statements_folder: Path) -> None:
    statements_folder.rmdir()
    statements_folder.touch()
    with pytest.raises(CommandError, match="couldn’t store the file"):
        call_command("statement", plan.reference)
