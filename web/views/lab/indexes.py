"""The lesson of indexes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.db import connection
from django.http import HttpResponse
from django.urls import reverse

from web import keyset
from web.http import SaverRequest, redirect
from web.lab import (
    index_building,
    index_costs,
    lookups,
    pagination,
    project_indexes,
    query_plans,
    table_loads,
    unused_indexes,
    updates,
)
from web.lab.measure import compare, size_text, source
from web.views.lab.showing import ROUNDS, show

# The parts of the lesson, each with a measurement of its own.
PARTS = {
    "find": "Find",
    "create": "Create the index",
    "update": "Update",
    "pages": "Pages of a list",
    "cost": "What it costs",
    "unused": "When it is not used",
    "ours": "This site’s indexes",
}
# The names of the figures that measure them.
_FIGURES = {
    "find": "lookups",
    "create": "building",
    "update": "updates",
    "pages": "pagination",
    "cost": "index_costs",
    "unused": "unused_indexes",
    "ours": "project_indexes",
}
# The parts of which a POST measures something.
_PART_OF = {"measure": "cost", "create": "create"}
# More than for reads, because the disk makes writes vary.
_WRITE_ROUNDS = 5


class LoadForm(forms.Form):
    """The number of rows of the lab's copies."""

    rows = forms.TypedChoiceField(
        label="Rows in the table",
        choices=[(size, f"{size:,}") for size in table_loads.SIZES],
        coerce=int,
        widget=forms.Select(attrs={"data-slider": True}),
    )


def lookup(request: SaverRequest) -> HttpResponse:
    """The parts of the lesson; POST makes or removes the copies of the table, or measures what writing costs."""
    do, rows = request.POST.get("do", "load"), table_loads.loaded_rows()
    form = LoadForm(request.POST or None, initial={"rows": rows or table_loads.DEFAULT_ROWS})
    if request.method == "POST" and do == "remove":
        table_loads.clean()
        return redirect(request, reverse("lab:lookup"))
    if request.method == "POST" and do == "load" and form.is_valid():
        table_loads.start(form.cleaned_data["rows"])
        return redirect(request, reverse("lab:lookup"))
    part = _PART_OF.get(do if request.method == "POST" else "", request.GET.get("part", "find"))
    part, load = part if part in PARTS else "find", table_loads.current()
    context = {"lesson": "indexes", "form": form, "parts": PARTS, "part": part, "load": load, "rows": rows}
    context |= {"figures": _FIGURES[part], "enough_rows": table_loads.DEFAULT_ROWS}
    if load is None or not load.is_running:
        context |= _measured(request, part, rows)
    is_bad = request.method == "POST" and do == "load"
    return show(request, "lab/lookup.html", context, status=422 if is_bad else 200)


def _measured(request: SaverRequest, part: str, rows: int) -> dict[str, Any]:
    """Return what a part shows. Most parts read the copies, which must have been made."""
    if part == "ours":
        return {"indexes": project_indexes.indexes(request.user)}
    if part == "cost":
        costs = index_costs.measured(rounds=_WRITE_ROUNDS) if request.method == "POST" else []
        written = {"base_rows": index_costs.BASE_ROWS, "written_rows": index_costs.WRITTEN_ROWS}
        return {"costs": costs, "sizes": _sizes() if rows else []} | written
    return _OF_COPIES[part](request) if rows else {}


def _built(statement: str) -> dict[str, Any]:
    """Create the index by one of the statements, if it is one, and return what the page shows."""
    create = index_building.statements().get(statement)
    found: dict[str, Any] = {
        "statements": list(index_building.statements()),
        "is_postgresql": connection.vendor == "postgresql",
        "written_rows": index_building.WRITTEN_ROWS,
        "rounds": ROUNDS,
    }
    if create:
        where, code = source(create)
        found |= {"build": index_building.built(statement, rounds=ROUNDS), "where": where, "code": code}
    return found


def _paged() -> dict[str, Any]:
    """Return the pages in both ways, and the product's code."""
    found = pagination.measured(table_loads.loaded_rows(), rounds=ROUNDS)
    where, code = source(keyset.page)
    return {
        "found": found,
        "comparison": found[-1][1],
        "size": keyset.PAGE_SIZE,
        "where": where,
        "code": code,
    }


def _sizes() -> list[tuple[str, str]]:
    """Return the names of the large copy and of its indexes, each with its size on disk."""
    names = [table_loads.INDEXED, *query_plans.indexes_of(table_loads.INDEXED)]
    sizes = [(name, query_plans.size_bytes(name)) for name in names]
    return [(name, size_text(size)) for name, size in sizes if size is not None]


# What the parts show that read the copies.
_OF_COPIES: dict[str, Callable[[SaverRequest], dict[str, Any]]] = {
    "find": lambda _: {
        "comparison": compare(lookups.WAYS, lookups.sample(), rounds=ROUNDS, pair=lookups.PAIR)
    },
    "create": lambda request: _built(request.POST.get("statement", "")),
    "update": lambda _: {"comparison": updates.measured(rounds=ROUNDS)},
    "pages": lambda _: _paged(),
    "unused": lambda _: {"cases": unused_indexes.cases(), "rounds": unused_indexes.ROUNDS},
}
