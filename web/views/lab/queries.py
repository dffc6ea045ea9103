"""The lesson of N+1 queries."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, QueryDict
from django.urls import reverse

from web.http import SaverRequest, redirect
from web.lab import names, related_rows, relations, shared_plans
from web.lab.measure import source
from web.lab.shared_plans import Asked
from web.views.lab.showing import ROUNDS, show

# The relation whose rows share plans.
_SHARED = "shared"


def plan_names(request: SaverRequest) -> HttpResponse:
    """Rows with what they are related to, each relation in several ways; POST loads or removes the lab's rows."""
    if request.method == "POST":
        if request.POST.get("do") == "remove":
            related_rows.clean()
        else:
            related_rows.load()
        return redirect(request, reverse("lab:plan_names"))
    key, rows = _asked(request.GET)
    asked, loaded = _asked_plans(request.GET, rows), related_rows.loaded_rows()
    context: dict[str, Any] = {
        "lesson": "queries",
        "figures": "shared_plans" if key == _SHARED else "relations",
        "relations": {key: relation.name for key, relation in relations.RELATIONS.items()}
        | {_SHARED: "Foreign key, shared plans"},
        "stored_of": "" if key == _SHARED else relations.RELATIONS[key].name,
        "sizes": related_rows.SIZES,
        "sharing": shared_plans.SHARING,
        "each": related_rows.EACH,
        "chosen": key,
        "rows": rows,
        "asked": asked,
        "refusal_source": source(names.with_fetch_raise),
    }
    if loaded:
        context |= _measured(asked) if key == _SHARED else _related(key, rows)
    return show(request, "lab/plan_names.html", context)


def _measured(asked: Asked) -> dict[str, Any]:
    comparison, fetched = shared_plans.measured(asked, rounds=ROUNDS)
    return {"prints": "transactions, each with its plan’s name", "comparison": comparison, "fetched": fetched}


def _related(key: str, rows: int) -> dict[str, Any]:
    relation = relations.RELATIONS[key]
    return {
        "prints": relation.prints,
        "comparison": relations.measured(relation, rows, rounds=ROUNDS),
        "refusal": names.with_fetch_raise(rows) if key == "plan" else "",
    }


def _asked(query: QueryDict) -> tuple[str, int]:
    """Return the relation and the number of rows that the URL names, or the first of each."""
    key = query.get("relation", "plan")
    rows = {str(size): size for size in related_rows.SIZES}.get(query.get("rows", ""), related_rows.SIZES[0])
    return key if key in {*relations.RELATIONS, _SHARED} else "plan", rows


def _asked_plans(query: QueryDict, rows: int) -> Asked:
    """Return how many plans the rows share as the URL says, or one plan."""
    choices = {str(number): number for number in shared_plans.SHARING}
    return Asked(rows, choices.get(query.get("plans", ""), shared_plans.SHARING[0]))
