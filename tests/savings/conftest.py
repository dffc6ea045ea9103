"""The proof of the books that ends each test about payments, and the folder in which a test's statements lie."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from savings.ledger import checks


@pytest.fixture
def books_balance(db: None) -> Iterator[None]:
    """Whatever a test does, the ledger checks find nothing wrong after it."""
    yield
    assert list(checks.wrong_rows()) == []


@pytest.fixture
def statements_folder(settings: Settings, tmp_path: Path) -> Path:
    """Where this test's statements are kept, drafts and all."""
    settings.STATEMENTS_DIR = tmp_path / "statements"
    options = {"location": settings.STATEMENTS_DIR / "files"}
    storage = settings.STORAGES["statements"] | {"OPTIONS": options}
    settings.STORAGES = settings.STORAGES | {"statements": storage}
    settings.STATEMENTS_DIR.mkdir()
    return Path(settings.STATEMENTS_DIR)
