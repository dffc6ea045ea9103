"""The oldest browsers that the site serves, and what they lack, from MDN's browser-compat-data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

# The README says the same.
OLDEST = {"chrome": (109,), "firefox": (115,), "safari": (16, 4)}

TABLE_FILE = Path(__file__).with_name("table.json")

# Made by `python -m tests.browsers.make_table FOLDER`. For each kind of feature, what all of them have ("has") and, for
# what one of them lacks, the first versions of Chrome, Firefox and Safari that have it ("lacks").
TABLE: dict[str, Any] = json.loads(TABLE_FILE.read_text())


def without(kind: str, name: str) -> set[str]:
    """Return which of the oldest browsers lack that feature."""
    firsts = TABLE[kind]["lacks"].get(name)
    if not firsts:
        return set()
    pairs = zip(OLDEST.items(), firsts.split(), strict=True)
    return {browser for (browser, oldest), first in pairs if first == "-" or _numbers(first) > oldest}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
