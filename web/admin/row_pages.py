"""The page of one row that nobody edits: figures at its head, buttons for what can be done, and the details."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db.models import Model
from django.utils.html import conditional_escape
from django.utils.text import capfirst

from web.admin.shown import NONE
from web.messages import admin as words
from web.pages.row_titles import title_of

# What most pages have at their head: how much, in which state, and whose.
HEAD = (
    "amount",
    "amount_kobo",
    "asked_for",
    "paid",
    "goal_kobo",
    "saved_kobo",
    "gross",
    "gross_kobo",
    "balance",
    "total",
    "owed_kobo",
    "held_kobo",
    "covered",
    "in_kobo",
    "out_kobo",
    "saved",
    "goal",
    "state",
    "status",
    "user",
    "saver",
    "owner",
)
# What only a programmer or the provider needs stands folded at the end.
TECHNICAL = (
    "provider",
    "provider_id",
    "key",
    "dedupe_key",
    "foreign_reference",
    "numerator",
    "remainder",
    "tax_remainder",
    "polls",
    "next_poll_at",
    "digest",
    "last_entry_id",
    "mandate_device",
    "times_received",
    "version",
    "slug",
    "sha256",
)
_DANGERS = ("refuse", "remove")
# What repeats something that went well is a choice, and nothing that waits for somebody.
_REPEATS = ("send_again", "make_again", "rebuild")
# Django's picture of a yes or no.
_PICTURE = re.compile(r'<img [^>]*alt="(True|False|None)"[^>]*>')
_ANSWERS = {"True": words.YES, "False": words.NO, "None": NONE}


class Shown(NamedTuple):
    """One field: its name in words, and its value as HTML."""

    label: str
    contents: str


class Deed(NamedTuple):
    """One action as a button, and what follows from it."""

    name: str
    label: str
    consequence: str
    # It stops or takes back something, so its button is red.
    is_danger: bool
    # It is what the row waits for, so its button stands out if it is the first.
    is_due: bool


def page_of(
    row: Model,
    adminform: Any,
    head: tuple[str, ...],
    *,
    folded: tuple[str, ...] = (),
    cards: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return the context of a row's page from the fields of Django's form, which nobody can edit.

    `head` are the figures, in their order; `folded` the fields that few need, beside `TECHNICAL`; and `cards` those
    with a card of their own.
    """
    title = title_of(row)
    single, plural = str(row._meta.verbose_name), str(row._meta.verbose_name_plural)
    kind = capfirst(words.names(row._meta.label_lower, single, plural)[0])
    fields = [field for fieldset in adminform for line in fieldset for field in line]
    all_named = [(field.field["name"], _shown(field)) for field in fields]
    aside = (*TECHNICAL, *folded)
    named = [(name, shown) for name, shown in all_named if shown.contents != NONE]
    return {
        "title": title,
        # What the row is, unless its title begins with that.
        "kind": "" if title.startswith(kind) else kind,
        # Django would name the row a second time.
        "subtitle": "",
        "head": [shown for first in head for name, shown in named if name == first],
        # A name that is the title stands there already.
        "details": [
            shown
            for name, shown in named
            if name not in (*head, *cards, *aside) and shown.contents != conditional_escape(title)
        ],
        "cards": [shown for name, shown in named if name in cards],
        "technical": [shown for name, shown in named if name in aside and name not in head],
        "missing": [shown.label for _, shown in all_named if shown.contents == NONE],
    }


def _shown(field: Any) -> Shown:
    contents = field.contents() or NONE
    if picture := _PICTURE.fullmatch(contents):
        contents = _ANSWERS[picture[1]]
    return Shown(capfirst(words.field(field.field["name"], str(field.field["label"]))), contents)


def deeds(choices: Iterable[tuple[str, str]]) -> list[Deed]:
    """Return the actions of a row's page with their consequences."""
    return [
        Deed(name, str(label), words.CONSEQUENCES.get(name, ""), name in _DANGERS, name not in _REPEATS)
        for name, label in choices
    ]
