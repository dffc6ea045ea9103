"""One thing that is wrong with the installation."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """What is wrong, and what to do. The check's name does not change, so that a monitor can compare it."""

    check: str
    problem: str
    advice: str
