"""The dates of rules: every rhythm over month ends, leap days and year ends."""

from __future__ import annotations

import calendar
import datetime
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from savings.autosave.rhythms import Every, Rhythm

Day = datetime.date
A_DAY = datetime.timedelta(days=1)


@pytest.mark.parametrize(
    ("rhythm", "after", "dates"),
    [
        (Rhythm(Every.DAY), Day(2026, 12, 30), ["2026-12-31", "2027-01-01", "2027-01-02"]),
        (Rhythm(Every.DAY), Day(2028, 2, 27), ["2028-02-28", "2028-02-29", "2028-03-01"]),
        (Rhythm(Every.WEEK, weekday=4), Day(2026, 12, 24), ["2026-12-25", "2027-01-01", "2027-01-08"]),
        (Rhythm(Every.WEEK, weekday=4), Day(2026, 12, 25), ["2027-01-01", "2027-01-08", "2027-01-15"]),
        (Rhythm(Every.WEEK, weekday=0), Day(2028, 2, 28), ["2028-03-06", "2028-03-13", "2028-03-20"]),
        (Rhythm(Every.MONTH, month_day=31), Day(2026, 10, 31), ["2026-11-30", "2026-12-31", "2027-01-31"]),
        (Rhythm(Every.MONTH, month_day=31), Day(2027, 1, 31), ["2027-02-28", "2027-03-31", "2027-04-30"]),
        (Rhythm(Every.MONTH, month_day=30), Day(2028, 1, 30), ["2028-02-29", "2028-03-30", "2028-04-30"]),
        (Rhythm(Every.MONTH, month_day=29), Day(2027, 1, 29), ["2027-02-28", "2027-03-29", "2027-04-29"]),
        (Rhythm(Every.MONTH, month_day=29), Day(2028, 2, 28), ["2028-02-29", "2028-03-29", "2028-04-29"]),
        (Rhythm(Every.MONTH, month_day=25), Day(2026, 11, 24), ["2026-11-25", "2026-12-25", "2027-01-25"]),
        (Rhythm(Every.MONTH, month_day=25), Day(2026, 11, 25), ["2026-12-25", "2027-01-25", "2027-02-25"]),
        (Rhythm(Every.ONCE, until_on=Day(2026, 12, 1)), Day(2026, 11, 30), ["2026-12-01"]),
        (Rhythm(Every.ONCE, until_on=Day(2026, 12, 1)), Day(2026, 12, 1), []),
        (Rhythm(Every.DAY, until_on=Day(2026, 12, 2)), Day(2026, 11, 30), ["2026-12-01", "2026-12-02"]),
        (Rhythm(Every.MONTH, month_day=31, until_on=Day(2026, 12, 30)), Day(2026, 11, 29), ["2026-11-30"]),
    ],
)
def test_dates(rhythm: Rhythm, after: Day, dates: list[str]) -> None:
    assert [day.isoformat() for day in islice(rhythm.dates(after), 3)] == dates


_days = st.dates(min_value=Day(2020, 1, 1), max_value=Day(2040, 12, 31))


@given(day=_days, weekday=st.integers(0, 6))
def test_a_week_has_one_date(day: Day, weekday: int) -> None:
    date = Rhythm(Every.WEEK, weekday=weekday).after(day)
    assert date is not None
    assert 1 <= (date - day).days <= 7
    assert date.weekday() == weekday


@given(day=_days, month_day=st.integers(1, 31))
def test_a_month_has_one_date_and_none_is_left_out(day: Day, month_day: int) -> None:
    dates = list(islice(Rhythm(Every.MONTH, month_day=month_day).dates(day), 30))
    months = [date.year * 12 + date.month for date in dates]
    assert months == list(range(months[0], months[0] + 30))
    assert months[0] - (day.year * 12 + day.month) in {0, 1}
    for date in dates:
        last = calendar.monthrange(date.year, date.month)[1]
        assert date.day == min(month_day, last)
    assert dates[0] > day


@given(since=_days, days=st.integers(0, 400), month_day=st.integers(1, 31))
def test_the_latest_date_is_the_last_one_up_to_a_day(since: Day, days: int, month_day: int) -> None:
    rhythm = Rhythm(Every.MONTH, month_day=month_day)
    first = rhythm.after(since)
    assert first is not None
    until = first + days * A_DAY
    latest = rhythm.latest(first, until)
    assert latest <= until
    following = rhythm.after(latest)
    assert following is not None
    assert following > until


def test_the_end_of_the_calendar_has_no_further_date() -> None:
    for rhythm in (Rhythm(Every.DAY), Rhythm(Every.WEEK, weekday=1), Rhythm(Every.MONTH, month_day=31)):
        assert rhythm.after(Day.max) is None
