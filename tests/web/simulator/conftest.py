"""The API of the simulator, called without a network."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.provider import Provider
from web.simulator import money

KEY = {"Authorization": "Bearer sk_test_simulator"}


@pytest.fixture
def http(provider: Provider) -> Iterator[httpx.Client]:
    with httpx.Client(transport=provider.simulator, base_url="http://simulator", headers=KEY) as client:
        yield client


def fund(amount: int) -> None:
    """Put kobo on the balance from which transfers are made, as if somebody had paid them in."""
    money.post(money.BALANCE, amount, reason="Funding", model="Test", row=amount, currency="NGN")
