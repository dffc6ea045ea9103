"""The lesson of indexes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse
from django.urls import reverse

from web.http import SaverRequest, redirect
from web.lab import index_costs, lookups, project_indexes, query_plans, table_loads, unused_indexes, updates
from web.lab.measure import compare, size_text
from web.views.lab.showing import ROUNDS, show

# The parts of the lesson, each with a measurement of its own.
PARTS = {
    "find": "Find by reference",
    "update": "Update by reference",
    "cost": "What an index costs",
    "unused": "When it is not used",
    "ours": "Indexes of this site",
}
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
    part = "cost" if do == "measure" else request.GET.get("part", "find")
    part, load = part if part in PARTS else "find", table_loads.current()
    context = {"lesson": "indexes", "form": form, "parts": PARTS, "part": part, "load": load, "rows": rows}
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
    if not rows:
        return {}
    if part == "unused":
        return {"cases": unused_indexes.cases()}
    if part == "update":
        return {"comparison": updates.measured(rounds=ROUNDS)}
    return {"comparison": compare(lookups.WAYS, lookups.sample(), rounds=ROUNDS, pair=lookups.PAIR)}


def _sizes() -> list[tuple[str, str]]:
    """Return the names of the large copy and of its indexes, each with its size on disk."""
    names = [table_loads.INDEXED, *query_plans.indexes_of(table_loads.INDEXED)]
    sizes = [(name, query_plans.size_bytes(name)) for name in names]
    return [(name, size_text(size)) for name, size in sizes if size is not None]
