"""Formats of moments and periods."""

from __future__ import annotations

import datetime

import pytest

from web import date_formats


@pytest.mark.parametrize(
    ("since", "until", "name"),
    [
        ((2026, 10, 1), (2026, 10, 31), "October 2026"),
        ((2026, 7, 1), (2026, 9, 30), "July to September 2026"),
        ((2025, 1, 1), (2025, 12, 31), "2025"),
        ((2025, 12, 1), (2026, 1, 31), "December 2025 to January 2026"),
        ((2026, 10, 3), (2026, 10, 3), "3 October 2026"),
        ((2026, 10, 3), (2026, 10, 9), "3 to 9 October 2026"),
        ((2026, 9, 3), (2026, 10, 9), "3 September to 9 October 2026"),
        ((2025, 9, 3), (2026, 10, 9), "3 September 2025 to 9 October 2026"),
        ((2024, 2, 1), (2024, 2, 29), "February 2024"),
        ((2026, 2, 1), (2026, 2, 27), "1 to 27 February 2026"),
    ],
)
def test_periods_have_names(since: tuple[int, int, int], until: tuple[int, int, int], name: str) -> None:
    assert date_formats.period(datetime.date(*since), datetime.date(*until)) == name
