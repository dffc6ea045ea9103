"""Formats money and rates for the admin: naira and percent, as on the other pages, and a dash for a missing value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.utils.safestring import SafeString
from django.utils.translation import ngettext

from savings import money
from web.pages import badges

NONE = "-"
_STATES = ("state", "status")


def naira(amount_kobo: int | None) -> str:
    return NONE if amount_kobo is None else money.naira(amount_kobo)


def percent(rate_bps: int | None) -> str:
    return NONE if rate_bps is None else money.percent(rate_bps)


def steps(rates: list[list[int]] | None) -> str:
    """Return the rates of a circle or product, each with the number of days from which it applies."""
    return (
        "\n".join(f"{percent(rate_bps)} from {_days(from_days)}" for from_days, rate_bps in rates or [])
        or NONE
    )


def _days(number: int) -> str:
    return ngettext("%(days)d day", "%(days)d days", number) % {"days": number}


# By the last part of a field's name, which is its unit.
_WRITERS: dict[str, Callable[[Any], str]] = {"kobo": naira, "bps": percent, "rates": steps}


def column(model: type[Model], name: Any) -> Any:
    """Return the column of a field: its name, or a function that formats money, rates and states."""
    if name in _STATES and any(field.name == name and field.choices for field in model._meta.fields):
        return _state(name)
    rest, _, unit = name.rpartition("_") if isinstance(name, str) else ("", "", "")
    if unit not in _WRITERS or name not in {field.name for field in model._meta.fields}:
        return name

    @admin.display(description=(rest or unit).replace("_", " ").capitalize())
    def shown(row: Model) -> str:
        return _WRITERS[unit](getattr(row, name))

    # Django derives a CSS class from it.
    shown.__name__ = name
    return shown


def _state(name: str) -> Any:
    @admin.display(description="State")
    def shown(row: Model) -> SafeString:
        return badges.state_of(row, name)

    shown.__name__ = name
    return shown
