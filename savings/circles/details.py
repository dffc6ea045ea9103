"""The rules for a circle's own values: its name, description, goal, invite code and member limit."""

from __future__ import annotations

import datetime
import secrets
from functools import partial
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.text import slugify

from savings import money, typed_text
from savings.circles import messages
from savings.exceptions import Refused
from savings.models import Circle

LONGEST_NAME = 60
LONGEST_DESCRIPTION = 300


def cleaned_values(*, name: str, description: str, goal_kobo: int, ends_on: datetime.date) -> dict[str, Any]:
    """Return the values of a new circle as they are stored. Raises Refused, with the field, for an invalid one."""
    values = {"name": cleaned_name(name), "description": cleaned_description(description)}
    check_goal(goal_kobo)
    check_end(ends_on)
    return values | {"goal_kobo": goal_kobo, "ends_on": ends_on}


def cleaned_changes(
    *, name: str | None, description: str | None, joining: str | None, goal_kobo: int | None
) -> dict[str, Any]:
    """Return the given values of a circle as they are stored, without those that are None.

    Raises Refused, with the field, for an invalid one.
    """
    changes: dict[str, Any] = {}
    if name is not None:
        changes["name"] = cleaned_name(name)
    if description is not None:
        changes["description"] = cleaned_description(description)
    if joining is not None:
        changes["joining"] = joining
    if goal_kobo is not None:
        check_goal(goal_kobo)
        changes["goal_kobo"] = goal_kobo
    return changes


def cleaned_name(name: str) -> str:
    """Return a circle's name without surrounding space and hidden characters, at most 60 characters long.

    Raises Refused on the field `name` for an empty or longer name.
    """
    return typed_text.name(
        name, longest=LONGEST_NAME, error=partial(Refused, field="name"), missing=messages.NAME_MISSING
    )


def cleaned_description(text: str) -> str:
    """Return a circle's description as it is stored. Raises Refused for more than 300 characters.

    Normalisation can make a text longer than the one that the form accepted.
    """
    text = typed_text.paragraph(text)
    if len(text) > LONGEST_DESCRIPTION:
        raise Refused(messages.description_too_long(LONGEST_DESCRIPTION), field="description")
    return text


def check_goal(goal_kobo: int) -> None:
    """Raise Refused for a goal (kobo) that is not positive or is above `money.MOST_KOBO`."""
    if not 0 < goal_kobo <= money.MOST_KOBO:
        raise Refused(messages.goal_out_of_range(money.MOST_KOBO), field="goal_kobo")


def check_end(ends_on: datetime.date) -> None:
    """Raise Refused on the field `ends_on` for an end that is not after today."""
    if ends_on <= timezone.localdate():
        raise Refused(messages.END_NOT_IN_FUTURE, field="ends_on")


def new_slug(name: str) -> str:
    """Return the part of a new circle's URL: its name in ASCII, and 32 random bits."""
    return f"{slugify(name)[:60].strip('-') or 'circle'}-{secrets.token_hex(4)}"


def new_code() -> str:
    """Return the secret part of a new invite link: 96 random bits."""
    return secrets.token_urlsafe(12)


def cleaned_code(code: str) -> str:
    """Return the secret of an invite link without characters pasted along with it, such as spaces or a full stop."""
    return "".join(char for char in code if char.isascii() and (char.isalnum() or char in "-_"))


def member_limit(joining: str) -> int | None:
    """Return how many members a circle may have: None (no limit) for an open one, else CIRCLE_MEMBER_LIMIT."""
    return None if joining == Circle.Joining.OPEN else settings.CIRCLE_MEMBER_LIMIT
