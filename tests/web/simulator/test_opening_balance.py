"""The simulator begins with the balance for transfers that the books have."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection

from tests.factories import fund_balance
from tests.provider import Provider
from web.management.commands.simulator import take_over_balance
from web.simulator import money

pytestmark = pytest.mark.django_db


def test_a_new_storage_begins_with_the_balance_of_the_books(provider: Provider) -> None:
    fund_balance(500_000_00)
    for _ in range(2):
        take_over_balance()
    assert money.balance(money.BALANCE) == 500_000_00
    assert [row.reason for row in money.movements(money.BALANCE)] == ["Opening balance"]


def test_a_storage_in_use_keeps_its_balance(provider: Provider) -> None:
    fund_balance(500_000_00)
    money.post(money.BALANCE, 7, reason="Top-up", model="Test", row=1, currency="NGN")
    take_over_balance()
    assert money.balance(money.BALANCE) == 7


def test_without_a_database_it_begins_with_nothing(provider: Provider) -> None:
    def fail(*args: object) -> None:
        raise DatabaseError("no such table")

    with connection.execute_wrapper(fail):
        take_over_balance()
    assert money.balance(money.BALANCE) == 0
