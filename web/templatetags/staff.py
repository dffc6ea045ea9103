"""Filters of the admin's templates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

register = template.Library()
_MONEY = SafeString(" data-money")
# The rest of a cell that has no tags in it.
_TEXT_ALONE = re.compile(r"[^>]*>([^<]*)</t[dh]>")


@register.filter
def labelled(cells: Iterable[SafeString], headers: Iterable[dict[str, Any]]) -> Iterator[SafeString]:
    """Return the cells of a row of Django's list, each with the name of its column, which phones show beside it."""
    for cell, header in zip(cells, headers, strict=False):
        # The header of the boxes to tick is a box itself.
        if "action-checkbox" in header.get("class_attrib", ""):
            yield cell
            continue
        tag, _, rest = cell.partition(" ")
        name = capfirst(str(header["text"]))
        yield format_html('{} data-label="{}"{} {}', SafeString(tag), name, _kind(rest), SafeString(rest))


@register.filter
def with_money(
    headers: Iterable[dict[str, Any]], rows: Iterable[Sequence[SafeString]]
) -> Iterator[tuple[dict[str, Any], bool]]:
    """Return each header of Django's list, and whether its column has amounts of money."""
    rows = list(rows)
    for number, header in enumerate(headers):
        yield header, any(_kind(row[number].partition(" ")[2]) == _MONEY for row in rows)


def _kind(cell: str) -> SafeString:
    """Return the attribute of a cell without a value, or with an amount of money, which must not break."""
    text = _TEXT_ALONE.fullmatch(cell)
    if text is None:
        return SafeString("")
    if text[1] in {"", "-"}:
        return SafeString(" data-none")
    # A loss begins with its sign.
    return _MONEY if text[1].lstrip("-−").startswith(settings.CURRENCY_SIGN) else SafeString("")


@register.filter
def titled(row: object) -> str:
    """Return the name of a row as a title: with a capital, unless it begins with an email address or a code."""
    name = str(row)
    return name if set(name.partition(" ")[0]) & set("@_.") else capfirst(name)


@register.filter
def beside[First, Second](first: Iterable[First], second: Iterable[Second]) -> Iterator[tuple[First, Second]]:
    """Return two lists as pairs."""
    return zip(first, second, strict=False)
