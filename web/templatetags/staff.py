"""Filters of the admin's templates."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from django import template
from django.conf import settings
from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.timesince import timesince

from web.messages import admin as words
from web.messages import lists
from web.pages import badges, row_titles

register = template.Library()
_MONEY, _NONE, _NUMBER = SafeString(" data-money"), SafeString(" data-none"), SafeString(" data-number")
_DASH = "\u2013"
# A count, a rate, a duration or a size.
_COUNT = re.compile(r"\d[\d,]*(\.\d+)?(%| s| KB| MB)?")
# No money and no rows.
_ZERO = re.compile(r"[^>]*>[^1-9<]*0[^1-9<]*</td>")
# The contents of a cell, and the rest of one that has no tags in it.
_CONTENTS = re.compile(r"([^>]*>)(.*)(</t[dh]>)", re.DOTALL)
_TEXT_ALONE = re.compile(r"[^>]*>([^<]*)</t[dh]>")
_COLUMN = re.compile(r"column-([\w-]+)")
# Columns whose values say what they are, beside people.
_PLAIN = (
    "reference",
    "rule",
    "plan",
    "circle",
    "recipient",
    "transaction",
    "kind",
    "summary",
    "text",
    "note",
    "what",
    "product",
    "term",
    "browser",
    "way",
    "about",
)
# Columns with a day or a moment.
_DAY = re.compile(r"(^|_)(at|on|day|login|joined|month)$")
# Columns with a person, of which the first stands beside the state on a phone.
_PEOPLE = ("user", "saver", "owner", "email", "asked_by", "to", "staff", "author")


# The amount and the moment of a row, whose heads say no more than that.
_OBVIOUS = ("Amount", "When")
# The longest name of an amount or a moment that has room before it on a phone.
_SHORT = 16


class _Cell(NamedTuple):
    tag: str
    rest: str
    kind: SafeString


class ListTable(NamedTuple):
    """The head and the rows of a list: columns without any value are left out."""

    head: list[tuple[str, SafeString]]
    rows: list[list[SafeString]]


@register.simple_tag
def list_table(
    results: Iterable[Sequence[SafeString]], headers: Sequence[dict[str, Any]], its: Any
) -> ListTable:
    """Return the table of Django's list, each cell with the name of its column, and its part on a phone.

    A column that its list folds is the second line of another one.

    A phone shows of a row: what it is, its sum, person and state, one more value, and when (`data-part`). Without a
    state and one more value, the moment stands beside the person, or what it is. A list may
    add a line of text ("text") and choose parts itself (`phone_parts`); a column with the part "" is not shown there.
    """
    columns = [_column(header) for header in headers]
    folds = {
        columns.index(name): columns.index(below)
        for name, below in getattr(its, "second_lines", {}).items()
        if name in columns
    }
    rows = [_fold([_cell(cell) for cell in row], folds) for row in results]
    shown = [
        place
        for place, name in enumerate(columns)
        if place not in folds
        and (place == 0 or name == "action_checkbox" or any(row[place].kind != _NONE for row in rows))
    ]
    parts = _parts([(columns[place], _example(row[place] for row in rows)) for place in shown], its)
    figures = {place: _figures(row[place].kind for row in rows) for place in shown}
    head = []
    for place in shown:
        attributes = format_html("{}{}", figures[place], SafeString(headers[place].get("class_attrib", "")))
        head.append((_label(columns[place], headers[place], its), attributes))
    labels = dict(zip((columns[place] for place in shown), (text for text, _ in head), strict=True))
    return ListTable(
        head,
        [
            [
                _html(row[place], columns[place], labels[columns[place]], parts, figures[place])
                for place in shown
            ]
            for row in rows
        ],
    )


def _example(cells: Iterable[_Cell]) -> _Cell:
    """Return the first cell of a column with a value, or one without if there is none."""
    found = list(cells)
    return next((cell for cell in found if cell.kind != _NONE), found[0] if found else _Cell("", "", _NONE))


def _fold(cells: list[_Cell], folds: dict[int, int]) -> list[_Cell]:
    """Return a row in which some cells are second lines of others, by their places, unless both say the same."""
    for place, below in folds.items():
        second, first = _CONTENTS.fullmatch(cells[place].rest), _CONTENTS.fullmatch(cells[below].rest)
        if second and first and cells[place].kind != _NONE and strip_tags(first[2]) != second[2]:
            lines = format_html(
                '{}<span class="named">{} <small>{}</small></span>{}',
                *map(SafeString, _lines(first, second[2])),
            )
            cells[below] = _Cell(cells[below].tag, lines, SafeString(""))
    return cells


def _lines(first: re.Match[str], second: str) -> tuple[str, str, str, str]:
    begin, contents, end = first.groups()
    return begin, contents, second, end


def _figures(kinds: Iterable[SafeString]) -> SafeString:
    """Return the attribute of a column of amounts or counts, whose cells without a value stand below the others."""
    found = set(kinds)
    return next(
        (kind for kind in (_MONEY, _NUMBER) if kind in found and found <= {kind, _NONE}), SafeString("")
    )


def _column(header: dict[str, Any]) -> str:
    """Return the name of a column; that of the boxes to tick is "action_checkbox"."""
    classes = str(header.get("class_attrib", ""))
    if "action-checkbox" in classes:
        return "action_checkbox"
    found = _COLUMN.search(classes)
    return found[1] if found else ""


def _label(name: str, header: dict[str, Any], its: Any) -> str:
    text = single(its.opts) if name == "__str__" else str(header["text"])
    # The header of the boxes is a box itself.
    return header["text"] if name == "action_checkbox" else capfirst(words.field(name, text))


def _cell(html: SafeString) -> _Cell:
    tag, _, rest = html.partition(" ")
    return _Cell(tag, rest, _kind(rest))


def _html(cell: _Cell, name: str, label: str, parts: dict[str, str], figures: SafeString) -> SafeString:
    if name == "action_checkbox":
        return SafeString(f"{cell.tag} {cell.rest}")
    part = format_html(' data-part="{}"', parts[name]) if parts.get(name) else ""
    neighbours = {"main": {"sum", "beside"}, "when": {"more"}}.get(parts.get(name, ""))
    if neighbours and not neighbours & set(parts.values()):
        part = SafeString(f"{part} data-wide")
    named = SafeString(" data-named") if _is_named(cell, name, label, parts.get(name, "")) else ""
    rest = cell.rest
    if cell.kind == _NONE:
        rest = rest.replace(">-<", "><" if name in lists.MOSTLY_EMPTY else f">{_DASH}<")
    zero = SafeString(" data-zero") if cell.kind in {_MONEY, _NUMBER} and _ZERO.fullmatch(rest) else ""
    return format_html(
        '{} data-label="{}"{}{}{}{} {}',
        SafeString(cell.tag),
        label,
        _mark(cell.kind, figures),
        zero,
        part,
        named,
        SafeString(rest),
    )


def _is_named(cell: _Cell, name: str, label: str, part: str) -> bool:
    """Return whether a value says only with the name of its column what it is, on a phone, which shows no head."""
    if part in {"sum", "when", "beside", "below"}:
        return cell.kind != _NONE and label not in _OBVIOUS and len(label) <= _SHORT
    return part in {"side", "more", "text"} and name not in (*_PEOPLE, *_PLAIN) and cell.tag != "<th"


def _mark(kind: SafeString, figures: SafeString) -> SafeString:
    """Return the attribute of a cell: one without a value, and a number among words, stands like the others."""
    if kind == _NONE:
        return SafeString(f"{kind}{figures}")
    return kind if kind in (_MONEY, figures) else SafeString("")


def _parts(columns: list[tuple[str, _Cell]], its: Any) -> dict[str, str]:
    """Return the part that each column has on a phone, by its name. A column without one is not shown there."""
    columns = [(name, cell) for name, cell in columns if name != "action_checkbox"]
    if not columns:
        return {}
    names = [name for name, _ in columns]
    main = getattr(its, "main_column", "")
    is_day = {name: bool(_DAY.search(name)) for name in names}
    chosen: dict[str, str] = getattr(its, "phone_parts", {})
    parts = {main if main in names else names[0]: "main"}
    parts |= {name: part for name, part in chosen.items() if name in names}
    # The first column has the link, so it is always shown.
    parts.setdefault(names[0], "when" if is_day[names[0]] else "more")

    def give(part: str, candidates: Iterable[str]) -> None:
        free = next((name for name in candidates if name not in parts), "")
        if free and part not in parts.values():
            parts[free] = part

    give("sum", (name for name, cell in columns if cell.kind == _MONEY))
    give("sum", (name for name, cell in columns if "%</td>" in cell.rest))
    give("state", (name for name, cell in columns if 'class="badge' in cell.rest))
    give("when", (name for name in names if is_day[name]))
    give("side", (name for name in _PEOPLE if name in names))
    others = [name for name in names if not is_day[name]]
    give("side", others)
    give("more", others)
    given = set(parts.values())
    if not {"more", "state"} & given:
        # The moment needs no line of its own.
        place = "below" if {"sum", "side"} & given else "beside"
        parts = {name: place if part == "when" else part for name, part in parts.items()}
    return parts


def _kind(cell: str) -> SafeString:
    """Return the attribute of a cell without a value, with an amount of money, which must not break, or a count."""
    text = _TEXT_ALONE.fullmatch(cell)
    if text is None:
        return SafeString("")
    if text[1] in {"", "-"}:
        return _NONE
    # A difference begins with its sign.
    if text[1].lstrip("+-−").lstrip().startswith(settings.CURRENCY_SIGN):
        return _MONEY
    return _NUMBER if _COUNT.fullmatch(text[1]) else SafeString("")


@register.filter
def single(opts: Any) -> str:
    """Return the name of one row of a model."""
    return words.names(opts.label_lower, str(opts.verbose_name), str(opts.verbose_name_plural))[0]


@register.filter
def plural(opts: Any) -> str:
    """Return the name of the list of a model."""
    return words.names(opts.label_lower, str(opts.verbose_name), str(opts.verbose_name_plural))[1]


@register.filter
def named(field: dict[str, Any]) -> str:
    """Return the name of a field that nobody can change."""
    return capfirst(words.field(field["name"], str(field["label"])))


@register.filter
def nothing(cl: Any) -> str:
    """Return the sentence of a list without rows."""
    if cl.query or cl.has_active_filters:
        return words.NOTHING_FITS
    return words.nothing_in(cl.opts.label_lower, plural(cl.opts))


@register.simple_tag
def nothing_leads(cl: Any) -> dict[str, str] | None:
    """Return the page to which the sentence of a list without rows leads, if the reader may see it."""
    url, permission, text = words.EMPTY_LEADS.get(cl.opts.label_lower, ("", "", ""))
    if not url or cl.query or cl.has_active_filters or not cl.reader.has_perm(permission):
        return None
    return {"url": reverse(url), "text": text}


@register.filter
def badge(row: Any, name: str = "state") -> SafeString:
    """Return the state of a row as a badge."""
    return badges.mail_state(row) if name == "mail" else badges.state_of(row, name)


@register.filter
def waited(since: datetime.datetime) -> str:
    """Return for how long something has waited, such as “for 2 hours”."""
    return lists.waited(timesince(since, depth=1))


@register.filter
def job_names(jobs: Iterable[str]) -> str:
    """Return the names of jobs in words, with commas."""
    return row_titles.jobs_in_words(jobs)


@register.filter
def titled(row: Model) -> str:
    """Return the title of a row in words."""
    return row_titles.title_of(row)


@register.filter
def beside[First, Second](first: Iterable[First], second: Iterable[Second]) -> Iterator[tuple[First, Second]]:
    """Return two lists as pairs."""
    return zip(first, second, strict=False)
