"""Files: random names, readable by our user only, and no drafts left behind."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from django.utils import timezone

from savings import statements
from savings.models import User
from savings.statements import files
from tests.statements import ask, files_in, written

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("statements_folder")]


def test_files_have_random_names_and_drafts_are_deleted(saver: User, statements_folder: Path) -> None:
    first, second = written(saver), written(saver, format="xlsx")
    assert {path.name for path in files_in(statements_folder)} == {first.file_name, second.file_name}
    assert len(first.file_name.split(".")[0]) == 32
    assert all(path.stat().st_mode & 0o077 == 0 for path in files_in(statements_folder))


@pytest.mark.usefixtures("clock")
def test_old_drafts_are_deleted(saver: User) -> None:
    draft = files.new_draft(ask(saver))
    draft.touch()
    statements.expire_files(timezone.now())
    assert draft.exists()
    statements.expire_files(timezone.now() + datetime.timedelta(days=400))
    assert not draft.exists()
