"""What every experiment's page shares."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse

from web.http import SaverRequest, render_part
from web.lab import document, lessons
from web.lab.claims.claim import Claim

# The runs of each way after the warm-up.
ROUNDS = 3


def show(
    request: SaverRequest, template: str, context: dict[str, Any], *, part: str = "result", status: int = 200
) -> HttpResponse:
    """Return an experiment's page, or its part for htmx.

    `lesson` in the context is the name of its lesson. Without it, the lesson is the one that lists the page. `figures`
    is the name of the figures that measure what the page shows, where it shows one of several experiments, and
    `stored_of` how those begin that it shows before it has run.
    """
    match = request.resolver_match
    page = match.view_name if match else ""
    about = lessons.BY_NAME.get(context.get("lesson", "")) or lessons.of_page(page)
    claims = lessons.claims_of(page, context.get("figures", ""))
    shared = {
        "is_watched": settings.DEBUG_TOOLBAR,
        "about": about,
        "claims": claims,
        "files": list(dict.fromkeys(file for claim in claims for file in claim.files)),
    } | _stored(claims, context.get("figures", ""), context.get("stored_of", ""))
    return render_part(request, template, part, context | shared, status=status)


def _stored(claims: list[Claim], figures: str, begins: str) -> dict[str, Any]:
    """Return the figures of docs/lessons.md for what a page shows, and the machine that measured them."""
    stored = document.stored()
    names = [figures] if figures else list(dict.fromkeys(claim.figures for claim in claims))
    return {
        "stored": [
            headline
            for name in names
            for headline in stored.figures.get(name, ())
            if headline.what.startswith(begins)
        ],
        "stored_on": stored.machine,
    }
