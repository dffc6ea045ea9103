"""Dates and moments as HTML's `<time datetime>` takes them."""

from __future__ import annotations

import datetime

from django import template

register = template.Library()


@register.filter(expects_localtime=True)
def iso(value: datetime.date | datetime.datetime | None) -> str:
    """Return a date or a moment for `<time datetime>`. HTML takes at most three digits of a second; ours are whole."""
    if isinstance(value, datetime.datetime):
        return value.isoformat(timespec="seconds")
    return value.isoformat() if value else ""
