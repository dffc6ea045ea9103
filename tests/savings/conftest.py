"""Fixtures of the business rules: a ledger check after a test, and a folder for its statements."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from savings.ledger import checks


@pytest.fixture
def books_balance(db: None) -> Iterator[None]:
    """Run the ledger checks after the test."""
    yield
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
