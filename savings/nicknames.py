"""Nicknames: what a member of a circle may be called before everybody in it."""

from __future__ import annotations

import re
import unicodedata

from savings.exceptions import Refused

LONGEST = 30
# Letters and symbols that show nothing, although Unicode does not count them as invisible.
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
# How an emoji asks to be shown in colour. Nobody types it, and two names must not differ by it alone.
_EMOJI_STYLE = re.compile("[\ufe0e\ufe0f]")


def cleaned(text: str) -> str:
    """Return a nickname in one spelling (NFKC, single spaces), at most 30 characters long.

    Raises Refused on the field `nickname` for an empty one, an e-mail address and characters that cannot be seen.
    HTML is text like any other.
    """
    name = " ".join(unicodedata.normalize("NFKC", _EMOJI_STYLE.sub("", text)).split())
    if not name:
        raise Refused("Enter the name that the circle sees.", field="nickname")
    if len(name) > LONGEST:
        raise Refused(f"Use at most {LONGEST} characters.", field="nickname")
    if any(char in _BLANK or unicodedata.category(char)[0] == "C" for char in name):
        raise Refused("This has characters that cannot be seen. Type the name anew.", field="nickname")
    if re.search(r"\S@\S", name):
        raise Refused("The whole circle sees this: take a name, not an e-mail address.", field="nickname")
    return name
