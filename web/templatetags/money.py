"""Money in templates: the texts of `savings.money`, and the figure with small kobo."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from savings import money

register = template.Library()

register.filter("naira", money.naira)
register.filter("short", money.short)
register.filter("signed", money.signed)
register.filter("percent", money.percent)


@register.filter
def minus(amount_kobo: int) -> str:
    """Return what is taken away, with the minus sign of every other sum."""
    return money.naira(-amount_kobo)


# So many characters of a sum in naira fit in the narrowest card at the usual size, and at the next smaller one.
_LONG, _LONGER = 12, 15


@register.filter
def figure(amount_kobo: int) -> SafeString:
    """Return a large sum with its kobo set small: `₦1,250,400<small>.00</small>`. A long one may break before them."""
    naira, _, kobo = money.naira(amount_kobo).rpartition(".")
    if len(naira) < _LONG:
        return format_html("{}<small>.{}</small>", naira, kobo)
    size = "long" if len(naira) < _LONGER else "longer"
    return format_html('<span class="{}">{}<wbr><small>.{}</small></span>', size, naira, kobo)


@register.filter
def fitted(text: str) -> SafeString:
    """Return a sum in words with its kobo set small. It may break before them, and is smaller where it is long."""
    naira, _, kobo = text.rpartition(".")
    broken = format_html("{}<wbr><small>.{}</small>", naira, kobo)
    size = "long" if len(naira) < _LONGER else "longer"
    return broken if len(naira) < _LONG else format_html('<span class="{}">{}</span>', size, broken)


@register.filter
def whole(amount_kobo: int) -> str:
    """Return a sum in whole naira, for where kobo say nothing: goals, boards. What is left over is cut off."""
    kobo = abs(amount_kobo) % money.KOBO_PER_NAIRA
    return money.short(amount_kobo - kobo if amount_kobo > 0 else amount_kobo + kobo)
