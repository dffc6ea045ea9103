"""Fixtures of the tests about payments, and the proof of the books that ends each of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from savings import ledger_checks, payments, references
from savings.models import Payment, Plan, Transaction
from tests import factories
from tests.provider import Provider


@pytest.fixture
def books_balance(db: None) -> Iterator[None]:
    """Whatever a test does, the ledger checks find nothing wrong after it."""
    yield
    assert list(ledger_checks.wrong_rows()) == []


@pytest.fixture
def statements_folder(settings: Settings, tmp_path: Path) -> Path:
    """Where this test's statements are kept, drafts and all."""
    settings.STATEMENTS_DIR = tmp_path / "statements"
    options = {"location": settings.STATEMENTS_DIR / "files"}
    storage = settings.STORAGES["statements"] | {"OPTIONS": options}
    settings.STORAGES = settings.STORAGES | {"statements": storage}
    settings.STATEMENTS_DIR.mkdir()
    return Path(settings.STATEMENTS_DIR)


@pytest.fixture
def plan(db: None) -> Plan:
    return factories.make_plan()


@pytest.fixture
def payment(provider: Provider, plan: Plan) -> Payment:
    """A card payment of 25,000 naira into the plan, announced and not yet paid."""
    reference = references.new(Transaction.Kind.TOP_UP)
    return payments.start(plan.user, plan=plan, amount_kobo=25_000_00, reference=reference)
