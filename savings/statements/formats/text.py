"""Text and column names that all formats share."""

from __future__ import annotations

import re

from django.conf import settings

from savings.statements import messages

# All characters that end a line in some program, and tabs: a cell is one line.
_BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
# Characters that XML, a PDF or UTF-8 cannot hold: control characters, surrogates and noncharacters.
_BROKEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_REPLACEMENT = "\ufffd"
_AMOUNTS = (messages.MONEY_IN, messages.MONEY_OUT, "Balance", "Interest", "Tax")


def plain(text: str) -> str:
    """Return text as one line that every format can hold: line breaks become a space, invalid characters U+FFFD.

    Nothing else changes. Each format makes sure itself that formulas, markup and commands in a name stay text.
    """
    if text.isprintable():
        return text
    return _BROKEN.sub(_REPLACEMENT, _BREAKS.sub(" ", text))


def columns(*, named: bool) -> list[str]:
    """Return the names of the columns after the moment, in the order of `Row`."""
    names = ["Name"] if named else []
    return ["Reference", "Kind", *names, "Description", *map(amount_name, _AMOUNTS)]


def amount_name(name: str) -> str:
    """Return the name of a column of amounts."""
    return f"{name} ({settings.CURRENCY})"
