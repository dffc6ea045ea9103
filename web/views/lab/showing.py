"""What every experiment's page shares."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse

from web.http import SaverRequest, render_part

# The runs of each way after the warm-up.
ROUNDS = 3


def show(
    request: SaverRequest, template: str, context: dict[str, Any], *, part: str = "result", status: int = 200
) -> HttpResponse:
    context |= {"is_watched": settings.DEBUG_TOOLBAR}
    return render_part(request, template, part, context, status=status)
