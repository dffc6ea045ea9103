"""The API of the simulator, called without a network."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.provider import Provider

KEY = {"Authorization": "Bearer sk_test_simulator"}


@pytest.fixture
def http(provider: Provider) -> Iterator[httpx.Client]:
    with httpx.Client(transport=provider.simulator, base_url="http://simulator", headers=KEY) as client:
        yield client
