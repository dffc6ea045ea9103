"""Nicknames: the names that the members of a circle see of each other. Clean them, check them, find a member by one."""

from __future__ import annotations

import re
import unicodedata
from contextlib import AbstractContextManager
from functools import partial

from savings import typed_text
from savings.circles import messages
from savings.exceptions import Refused
from savings.models import Membership, keys

LONGEST_NICKNAME = 30
# Selects the coloured or the plain form of an emoji. Nobody types it, and two names must not differ by it alone.
_EMOJI_STYLE = re.compile("[\ufe0e\ufe0f]")


def cleaned_nickname(text: str) -> str:
    """Return a nickname in its stored spelling (NFKC, single spaces), at most 30 characters long.

    Raises Refused on the field `nickname` for an empty or longer nickname, an email address and hidden characters.
    HTML is allowed: templates escape it.
    """
    name = typed_text.name(
        unicodedata.normalize("NFKC", _EMOJI_STYLE.sub("", text)),
        longest=LONGEST_NICKNAME,
        error=partial(Refused, field="nickname"),
        missing=messages.NICKNAME_MISSING,
        unseen=messages.NICKNAME_HAS_HIDDEN_CHARACTERS,
    )
    if re.search(r"\S@\S", name):
        raise Refused(messages.NICKNAME_IS_EMAIL, field="nickname")
    return name


def find_member(circle_id: int, nickname: str, *, among_few: bool) -> Membership | None:
    """Return the member of a circle with this nickname, else a member whose nickname differs in tone marks alone.

    With `among_few` (a limited circle) the beginning of a nickname is enough. In a circle of a million members only
    whole nicknames can be found, because only these have an index.
    """
    members = Membership.objects.current().filter(circle_id=circle_id)
    key, search = typed_text.key(nickname), typed_text.search_key(nickname)
    if not search:
        return None
    member = members.filter(nickname_key=key).first() or members.filter(nickname_search=search).first()
    if member is None and among_few:
        # Compared in Python, to include nicknames that the previous release wrote without keys during a deploy.
        names = sorted((name, pk) for pk, name in members.values_list("pk", "nickname"))
        pk = next((pk for name, pk in names if typed_text.search_key(name).startswith(search)), None)
        member = members.filter(pk=pk).first() if pk else None
    return member


def check_nickname_free(circle_id: int, nickname: str, *, excluding: Membership | None = None) -> None:
    """Raise Refused on the field `nickname` if another member of the circle has this nickname in any letter case.

    `excluding` is the membership that may have it already.
    """
    members = Membership.objects.current().filter(circle_id=circle_id)
    if excluding is not None:
        members = members.exclude(pk=excluding.pk)
    if keys.is_name_taken(members, "nickname", nickname):
        raise Refused(messages.nickname_taken(nickname), field="nickname")


def refusing_taken_nickname() -> AbstractContextManager[None]:
    """Turn a violation of the nickname constraint into Refused: two members may take one name at the same moment."""
    return keys.raising_if_taken("nickname", Refused(messages.NICKNAME_JUST_TAKEN, field="nickname"))
