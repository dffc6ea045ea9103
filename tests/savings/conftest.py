"""Fixtures of the business rules: a ledger check after a test, and a folder for its statements."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine
from django.db.models import Max
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings.ledger import checks
from savings.models import Entry


@pytest.fixture
def books_balance(db: None) -> Iterator[None]:
    """Run the ledger checks after the test, at the moment of the newest entry if the test was in the future."""
    yield
    newest = Entry.objects.aggregate(at=Max("posted_at"))["at"]
    with time_machine.travel(max(timezone.now(), newest or timezone.now())):
        assert list(checks.wrong_rows()) == []


@pytest.fixture
def statements_folder(settings: Settings, tmp_path: Path) -> Path:
    """The folder of this test's statements and drafts."""
    settings.STATEMENTS_DIR = tmp_path / "statements"
    options = {"location": settings.STATEMENTS_DIR / "files"}
    storage = settings.STORAGES["statements"] | {"OPTIONS": options}
    settings.STORAGES = settings.STORAGES | {"statements": storage}
    settings.STATEMENTS_DIR.mkdir()
    return Path(settings.STATEMENTS_DIR)
