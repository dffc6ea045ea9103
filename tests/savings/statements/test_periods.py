"""The preset periods of statements."""

from __future__ import annotations

import datetime

from savings import statements


def test_presets_are_whole_months_and_years_up_to_today() -> None:
    found = {
        key: (since, until) for key, _, since, until in statements.period_presets(datetime.date(2026, 2, 28))
    }
    day = datetime.date
    assert found == {
        "this-month": (day(2026, 2, 1), day(2026, 2, 28)),
        "last-month": (day(2026, 1, 1), day(2026, 1, 31)),
        "last-3-months": (day(2025, 11, 1), day(2026, 1, 31)),
        "this-year": (day(2026, 1, 1), day(2026, 2, 28)),
        "last-year": (day(2025, 1, 1), day(2025, 12, 31)),
        "beginning": (statements.BEGINNING, day(2026, 2, 28)),
    }
