"""Nicknames: what a member of a circle may be called before everybody in it, and finding one by theirs."""

from __future__ import annotations

import re
import unicodedata
from contextlib import AbstractContextManager

from savings import typed_text
from savings.exceptions import Refused
from savings.models import Circle, Membership, keys

LONGEST_NICKNAME = 30
# How an emoji asks to be shown in colour. Nobody types it, and two names must not differ by it alone.
_EMOJI_STYLE = re.compile("[\ufe0e\ufe0f]")


def cleaned_nickname(text: str) -> str:
    """Return a nickname in one spelling (NFKC, single spaces), at most 30 characters long.

    Raises Refused on the field `nickname` for an empty one, an e-mail address and characters that cannot be seen.
    HTML is text like any other.
    """
    name = typed_text.name(
        unicodedata.normalize("NFKC", _EMOJI_STYLE.sub("", text)),
        longest=LONGEST_NICKNAME,
        field="nickname",
        missing="Enter the name that the circle sees.",
        unseen="This has characters that cannot be seen. Type the name anew.",
    )
    if re.search(r"\S@\S", name):
        raise Refused("The whole circle sees this: take a name, not an e-mail address.", field="nickname")
    return name


def find_member(circle: Circle, nickname: str, *, among_few: bool) -> Membership | None:
    """Return the member of that nickname, else one whose nickname differs in tone marks alone.

    `among_few` (a limited circle) its beginning is enough: in a circle of a million only the whole name has an index.
    """
    members = Membership.objects.current().filter(circle=circle)
    key, search = typed_text.key(nickname), typed_text.search_key(nickname)
    if not search:
        return None
    found = members.filter(nickname_key=key).first() or members.filter(nickname_search=search).first()
    if found is None and among_few:
        # Compared here, so that those count whose nickname the previous release wrote without its keys.
        names = sorted((name, pk) for pk, name in members.values_list("pk", "nickname"))
        pk = next((pk for name, pk in names if typed_text.search_key(name).startswith(search)), None)
        found = members.filter(pk=pk).first() if pk else None
    return found


def check_nickname_free(circle_id: int, nickname: str, *, but: Membership | None = None) -> None:
    """Raise Refused, on the field `nickname`, when somebody else in the circle has that name in any case of letters."""
    members = Membership.objects.current().filter(circle_id=circle_id)
    if keys.is_name_taken(members.exclude(pk=but.pk) if but else members, "nickname", nickname):
        raise Refused(f"Somebody in this circle is called {nickname} already.", field="nickname")


def refusing_taken_nickname() -> AbstractContextManager[None]:
    """Say it kindly when two take one nickname at the same moment: the constraint has the last word."""
    return keys.raising_if_taken(
        "nickname", Refused("Somebody in this circle has just taken that name.", field="nickname")
    )
