"""The day on which tests of auto-save begin."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import time_machine


@pytest.fixture
def clock() -> Any:
    """A clock that stands at ten in the morning of Monday, 30 November 2026, in Lagos."""
    with time_machine.travel(
        datetime.datetime(2026, 11, 30, 9, tzinfo=datetime.UTC), tick=False
    ) as traveller:
        yield traveller
