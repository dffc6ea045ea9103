"""The dates of a rule: once, every day, every week on a day, or every month on a date."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator
from typing import Protocol

from savings import dates
from savings.models import AutosaveRule

Every = AutosaveRule.Every
_A_DAY = datetime.timedelta(days=1)


class Dated(Protocol):
    """What `rhythm_of` reads of a rule."""

    @property
    def every(self) -> str: ...
    @property
    def weekday(self) -> int | None: ...
    @property
    def month_day(self) -> int | None: ...
    @property
    def until_on(self) -> datetime.date | None: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Rhythm:
    """How often a rule runs, and until when.

    `weekday` (0 is Monday) belongs to a week, `month_day` (1 to 31, in shorter months the last day) to a month. For
    once, `until_on` is the only date, else the last possible one (None: no end).
    """

    every: str
    weekday: int | None = None
    month_day: int | None = None
    until_on: datetime.date | None = None

    def after(self, day: datetime.date) -> datetime.date | None:
        """Return the first date after a day, or None if there is none."""
        date = self._without_end(day)
        return None if date is None or (self.until_on is not None and date > self.until_on) else date

    def dates(self, after: datetime.date) -> Iterator[datetime.date]:
        """Yield all dates after a day, in order."""
        date = self.after(after)
        while date is not None:
            yield date
            date = self.after(date)

    def latest(self, since: datetime.date, until: datetime.date) -> datetime.date:
        """Return the last date up to a day, given one of its dates that is not after that day."""
        following = self.after(since)
        while following is not None and following <= until:
            since, following = following, self.after(following)
        return since

    def _without_end(self, day: datetime.date) -> datetime.date | None:
        if self.every == Every.ONCE:
            return self.until_on if self.until_on is not None and self.until_on > day else None
        if day >= datetime.date.max - datetime.timedelta(days=366):
            return None
        if self.every == Every.DAY:
            return day + _A_DAY
        if self.every == Every.WEEK:
            return day + datetime.timedelta(days=((self.weekday or 0) - day.weekday() - 1) % 7 + 1)
        month, wanted = day.year * 12 + day.month - 1, self.month_day or 1
        in_month = dates.day_in_month(month, wanted)
        return in_month if in_month > day else dates.day_in_month(month + 1, wanted)


def rhythm_of(rule: Dated) -> Rhythm:
    """Return the rhythm of a rule, or of what a saver asks of one."""
    return Rhythm(rule.every, rule.weekday, rule.month_day, rule.until_on)
