"""How names, moments and columns read in every file, whatever its format."""

from __future__ import annotations

import re

from django.conf import settings

# Everything that ends a line somewhere, and tabs: cells are one line each.
_BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
# What XML, a PDF or UTF-8 cannot carry: controls, halves of characters, and what is no character at all.
_BROKEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_REPLACEMENT = "\ufffd"


def plain(text: str) -> str:
    """Return text as one line that every format can carry: breaks become a space, broken characters U+FFFD.

    Nothing else is changed: what looks like a formula, markup or a command is text, and each format keeps it so.
    """
    if text.isprintable():
        return text
    return _BROKEN.sub(_REPLACEMENT, _BREAKS.sub(" ", text))


def columns(*, named: bool) -> list[str]:
    """Return what stands above the columns of rows, in the order of `Row`; its moment is one column."""
    names = ["Name"] if named else []
    sums = [f"{what} ({settings.CURRENCY})" for what in ("Money in", "Money out", "Balance")]
    return ["Reference", "Kind", *names, "Description", *sums]
