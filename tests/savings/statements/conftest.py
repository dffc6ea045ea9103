"""The clock of the tests of statements."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest
import time_machine

NOON = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller
