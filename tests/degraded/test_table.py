"""docs/degraded.md: each fault has a row for each area, and each row names a test that exists."""

from __future__ import annotations

import re

from django.conf import settings

AREAS = ["A saver’s page", "Signing in", "Paying in", "Withdrawing", "Statements", "Staff", "Worker"]
ROW = re.compile(
    r"^\| (?P<area>[^|]+) \| (?P<what>[^|]+) \| \[`(?P<test>\w+)`\]\(\.\./(?P<file>[\w/.]+)\) \|$",
    re.MULTILINE,
)
FAULTS = 9


def test_each_row_names_a_test_that_exists() -> None:
    sections = (settings.BASE_DIR / "docs/degraded.md").read_text().split("\n## ")[1 : 1 + FAULTS]
    assert len(sections) == FAULTS
    for section in sections:
        rows = list(ROW.finditer(section))
        assert [row["area"] for row in rows] == AREAS, section.splitlines()[0]
        for row in rows:
            assert f"def {row['test']}(" in (settings.BASE_DIR / row["file"]).read_text(), row[0]
