"""Nicknames: what a member of a circle may be called before everybody in it, and finding one by theirs."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Iterator

from django.db import IntegrityError, transaction
from django.db.models import Value
from django.db.models.functions import Lower

from savings import constraints
from savings.exceptions import Refused
from savings.models import Circle, Membership

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


def find(circle: Circle, nickname: str, *, among_few: bool) -> Membership | None:
    """Return the member of that nickname; `among_few` (a limited circle) its beginning is enough.

    In a circle of a million only the whole name has an index.
    """
    members = Membership.objects.current().filter(circle=circle)
    whole = members.annotate(lower=Lower("nickname")).filter(lower=Lower(Value(nickname)))
    found = whole.first()
    if found is None and among_few:
        found = members.filter(nickname__istartswith=nickname).order_by("nickname").first()
    return found


def check_free(circle_id: int, nickname: str, *, but: Membership | None = None) -> None:
    """Raise Refused, on the field `nickname`, when somebody else in the circle has that name in any case of letters."""
    members = Membership.objects.current().filter(circle_id=circle_id)
    # As the index has it: `iexact` would go through all members.
    same = members.annotate(lower=Lower("nickname")).filter(lower=Lower(Value(nickname)))
    if (same.exclude(pk=but.pk) if but else same).exists():
        raise Refused(f"Somebody in this circle is called {nickname} already.", field="nickname")


@contextlib.contextmanager
def taken_meanwhile() -> Iterator[None]:
    """Say it kindly when two take one nickname at the same moment: the constraint has the last word."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if not constraints.is_violation_of(error, "nickname_once_per_circle"):
            raise
        raise Refused("Somebody in this circle has just taken that name.", field="nickname") from None
