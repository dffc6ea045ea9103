"""The parts of the tables on staff's page about a saver: cells, sections, and links to lists and pages."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from savings import backoffice, money
from web.messages import backoffice_savers as messages


@dataclasses.dataclass(frozen=True)
class Cell:
    """One value of a table, and where it leads."""

    text: str
    url: str = ""
    # "num" for an amount, "when" for a moment or day: neither is broken into lines.
    kind: str = ""


@dataclasses.dataclass(frozen=True)
class Section:
    """One table: its columns, its rows with one more than are shown if there are more, and the list that has all."""

    name: str
    title: str
    head: list[str]
    rows: list[list[Cell]]
    all_url: str = ""
    # What the saver sees of it, rendered for staff.
    seen_url: str = ""
    # What the head says besides the number of rows: their sum, or when the newest is of.
    about: str = ""

    @property
    def line(self) -> str:
        """What is inside, for the head of the table, which is folded on a phone."""
        return ", ".join(filter(None, [messages.rows(len(self.rows)), self.about]))

    @property
    def shown(self) -> list[list[Cell]]:
        return self.rows[: backoffice.MOST_ROWS]

    def without_empty_columns(self) -> Section:
        """Return the table without the columns that have no value in any row that is shown."""
        shown = [place for place in range(len(self.head)) if any(row[place].text for row in self.shown)]
        return dataclasses.replace(
            self,
            head=[self.head[place] for place in shown],
            rows=[[row[place] for place in shown] for row in self.rows],
        )

    @property
    def columns(self) -> list[tuple[str, str]]:
        """The heading of each column, and the kind of its values."""
        first = self.rows[0] if self.rows else []
        return [(text, first[place].kind if first else "") for place, text in enumerate(self.head)]


@dataclasses.dataclass(frozen=True)
class Group:
    """The tables about one subject, those without rows left out."""

    name: str
    title: str
    sections: list[Section]


class Lists:
    """The lists of one saver's rows that the reader may open, and the pages as the saver sees them."""

    def __init__(self, user_id: int, may: Callable[[str], bool]) -> None:
        self.user_id, self.may = user_id, may

    def all_of(self, model: str) -> str:
        if not self.may(f"savings.view_{model}"):
            return ""
        return f"{reverse(f'admin:savings_{model}_changelist')}?user={self.user_id}"

    def row(self, model: str, row_id: int) -> str:
        return (
            reverse(f"admin:savings_{model}_change", args=[row_id])
            if self.may(f"savings.view_{model}")
            else ""
        )

    def seen(self, page: str, key: object = "") -> str:
        if key:
            return reverse("admin:as_seen_row", args=[self.user_id, page, key])
        return reverse("admin:as_seen", args=[self.user_id, page])


def moment(at: datetime.datetime | None) -> str:
    return date_format(timezone.localtime(at), "j M Y, H:i") if at else ""


def day(on: datetime.date | None) -> str:
    return date_format(on, "j M Y") if on else messages.NO_END


def when(at: datetime.datetime | None) -> Cell:
    return Cell(moment(at), kind="when")


def number(amount_kobo: int) -> Cell:
    return Cell(money.naira(amount_kobo), kind="num")
