"""A step of a receipt's timeline."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Literal

State = Literal["done", "now", "todo", "bad"]


@dataclasses.dataclass(frozen=True)
class Step:
    """One step of a timeline. `at` is None for a step that has not happened yet."""

    title: str
    state: State
    at: datetime.datetime | None = None
    note: str = ""
