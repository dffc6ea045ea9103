"""What every experiment's page shares."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse

from web.http import SaverRequest, render_part
from web.lab import lessons

# The runs of each way after the warm-up.
ROUNDS = 3


def show(
    request: SaverRequest, template: str, context: dict[str, Any], *, part: str = "result", status: int = 200
) -> HttpResponse:
    """Return an experiment's page, or its part for htmx.

    `lesson` in the context is the name of its lesson. Without it, the lesson is the one that lists the page.
    """
    match = request.resolver_match
    about = lessons.BY_NAME.get(context.get("lesson", "")) or lessons.of_page(
        match.view_name if match else ""
    )
    shared = {"is_watched": settings.DEBUG_TOOLBAR, "about": about}
    return render_part(request, template, part, context | shared, status=status)
