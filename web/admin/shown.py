"""Formats money and rates for the admin: naira and percent, as on the other pages, and a dash for a missing value."""

from __future__ import annotations

import calendar
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import ngettext

from savings import money
from web.messages import lists
from web.pages import badges

NONE = "-"
_STATES = ("state", "status")
# Columns with a code, and choices in the words of savers.
_CODES = (
    "provider",
    "provider_status",
    "channel",
    "review_reason",
    "failure_code",
    "source",
    "at_maturity",
    "interest_to",
)
_MONTHS = ("next_month", "month_on", "period_on")


def naira(amount_kobo: int | None) -> str:
    return NONE if amount_kobo is None else money.naira(amount_kobo)


def percent(rate_bps: int | None) -> str:
    return NONE if rate_bps is None else money.percent(rate_bps)


def percent_in_column(rate_bps: int | None) -> str:
    """Return a rate with two decimals, so that the rates of a column stand one below the other."""
    return NONE if rate_bps is None else f"{rate_bps // 100:,}.{rate_bps % 100:02}%"


def steps(rates: list[list[int]] | None) -> str:
    """Return the rates of a circle or product, each with the number of days from which it applies."""
    return (
        "\n".join(f"{percent(rate_bps)} from {_days(from_days)}" for from_days, rate_bps in rates or [])
        or NONE
    )


def _days(number: int) -> str:
    return ngettext("%(days)d day", "%(days)d days", number) % {"days": number}


def size(number: int | None) -> str:
    """Return a size in bytes as KB or MB."""
    if number is None:
        return NONE
    return f"{number / 1_000_000:,.1f} MB" if number >= 1_000_000 else f"{-(-number // 1_000):,} KB"


# By the last part of a field's name, which is its unit.
_WRITERS: dict[str, Callable[[Any], str]] = {"kobo": naira, "bps": percent, "rates": steps, "bytes": size}


def column(model: type[Model], name: Any, *, in_list: bool = False) -> Any:
    """Return the column of a field: its name, or a function that formats money, rates, sizes and states."""
    if name in _STATES and any(field.name == name and field.choices for field in model._meta.fields):
        return _state(name)
    fields = {field.name: field for field in model._meta.fields}
    if name in fields and name in _PLAIN:
        return _plain(name, str(fields[name].verbose_name))
    rest, _, unit = name.rpartition("_") if isinstance(name, str) else ("", "", "")
    if unit not in _WRITERS or name not in fields:
        return name

    write = percent_in_column if in_list and unit == "bps" else _WRITERS[unit]

    @admin.display(description=(rest or unit).replace("_", " ").capitalize())
    def shown(row: Model) -> str:
        return write(getattr(row, name))

    # Django derives a CSS class from it.
    shown.__name__ = name
    return shown


def _code(row: Model, name: str) -> str:
    display = getattr(row, f"get_{name}_display", None)
    return lists.plain(str(display() if display else getattr(row, name))) or NONE


def _month(row: Model, name: str) -> str:
    day = getattr(row, name)
    return date_format(day, "F Y") if day else NONE


def _weekday(row: Model, name: str) -> str:
    day = getattr(row, name)
    return NONE if day is None else calendar.day_name[day]


# By the name of a field.
_PLAIN: dict[str, Callable[[Model, str], str]] = {
    **dict.fromkeys(_CODES, _code),
    **dict.fromkeys(_MONTHS, _month),
    "weekday": _weekday,
}


def _plain(name: str, label: str) -> Any:
    @admin.display(description=label)
    def shown(row: Model) -> str:
        return _PLAIN[name](row, name)

    shown.__name__ = name
    return shown


def _state(name: str) -> Any:
    @admin.display(description="State")
    def shown(row: Model) -> SafeString:
        return badges.state_of(row, name)

    shown.__name__ = name
    return shown
