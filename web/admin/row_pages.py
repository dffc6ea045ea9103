"""The page of one row that nobody edits: figures at its head, buttons for what can be done, and the details."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db.models import Model
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from savings.models import User
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
# The names of columns with a person, which lead to the one of `user_path`.
_PERSON = ("user", "saver", "owner")
# Django's picture of a yes or no.
_PICTURE = re.compile(r'<img [^>]*alt="(True|False|None)"[^>]*>')
_ANSWERS = {"True": words.YES, "False": words.NO, "None": NONE}
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class Shown(NamedTuple):
    """One field: its name in words, and its value as HTML."""

    label: str
    contents: str


class Deed(NamedTuple):
    """One action as a button, and what follows from it."""

    name: str
    label: str
    consequence: str


def page_of(
    row: Model,
    adminform: Any,
    head: tuple[str, ...],
    *,
    folded: tuple[str, ...] = (),
    cards: tuple[str, ...] = (),
    user_path: str = "",
) -> dict[str, Any]:
    """Return the context of a row's page from the fields of Django's form, which nobody can edit.

    `head` are the figures, in their order; `folded` the fields that few need, beside `TECHNICAL`; `cards` those with a
    card of their own; and `user_path` leads to the person whose row it is.
    """
    title = title_of(row)
    single, plural = str(row._meta.verbose_name), str(row._meta.verbose_name_plural)
    kind = capfirst(words.names(row._meta.label_lower, single, plural)[0])
    fields = [field for fieldset in adminform for line in fieldset for field in line]
    all_named = [(field.field["name"], _shown(field)) for field in fields]
    # Only a page that names a person has loaded them.
    names_person = any(name in _PERSON for name, _ in all_named)
    person = person_of(row, user_path) if names_person else None
    if person is not None:
        all_named = [
            (name, shown._replace(contents=linked_person(person)) if name in _PERSON else shown)
            for name, shown in all_named
        ]
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


def person_of(row: Model, user_path: str) -> User | None:
    """Return the person whose row it is, by the path of lookups to them."""
    found: Any = row
    for name in user_path.split("__") if user_path else ():
        found = getattr(found, name, None)
    return found if isinstance(found, User) and found is not row else None


def linked_person(person: User) -> SafeString:
    """Return the name of a person as a link to their row, with the email address below."""
    url = reverse("admin:savings_user_change", args=[person.pk])
    return format_html(
        '<a href="{}">{}</a> <small>{}</small>', url, person.name or person.email, person.email
    )


def linked(row: Model | None, text: str = "") -> SafeString | str:
    """Return a link to the page of another row, with its name or another text."""
    if row is None:
        return NONE
    url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', url, text or row)


def _shown(field: Any) -> Shown:
    contents = field.contents() or NONE
    if picture := _PICTURE.fullmatch(contents):
        contents = _ANSWERS[picture[1]]
    if _ISO_DAY.fullmatch(contents):
        # Django writes a day that a method has calculated as a program does.
        contents = date_format(datetime.date.fromisoformat(contents), "j M Y")
    return Shown(capfirst(words.field(field.field["name"], str(field.field["label"]))), contents)


def deeds(choices: Iterable[tuple[str, str]]) -> list[Deed]:
    """Return the actions of a row's page with their consequences."""
    return [Deed(name, str(label), words.CONSEQUENCES.get(name, "")) for name, label in choices]
