"""The lesson of N+1 queries."""

from __future__ import annotations

from django.http import HttpResponse, QueryDict
from django.urls import reverse

from web.http import SaverRequest, redirect
from web.lab import names, related_rows, relations
from web.lab.measure import source
from web.views.lab.showing import ROUNDS, show


def plan_names(request: SaverRequest) -> HttpResponse:
    """Rows with what they are related to, each relation in several ways; POST loads or removes the lab's rows."""
    if request.method == "POST":
        if request.POST.get("do") == "remove":
            related_rows.clean()
        else:
            related_rows.load()
        return redirect(request, reverse("lab:plan_names"))
    key, rows = _asked(request.GET)
    relation, loaded = relations.RELATIONS[key], related_rows.loaded_rows()
    context = {
        "lesson": "queries",
        "relations": relations.RELATIONS,
        "sizes": related_rows.SIZES,
        "each": related_rows.EACH,
        "chosen": key,
        "rows": rows,
        "relation": relation,
        "comparison": relations.measured(relation, rows, rounds=ROUNDS) if loaded else None,
        "refusal": names.with_fetch_raise(rows) if loaded and key == "plan" else "",
        "refusal_source": source(names.with_fetch_raise),
    }
    return show(request, "lab/plan_names.html", context)


def _asked(query: QueryDict) -> tuple[str, int]:
    """Return the relation and the number of rows that the URL names, or the first of each."""
    key = query.get("relation", "plan")
    rows = {str(size): size for size in related_rows.SIZES}.get(query.get("rows", ""), related_rows.SIZES[0])
    return key if key in relations.RELATIONS else "plan", rows
