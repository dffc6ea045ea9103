"""What Prometheus reads, with a token: docs/monitoring.md."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from web.middleware.database import waiting_at_most
from web.observability import metrics as collected

# Prometheus gives up after ten seconds, and then learns nothing.
_MOST_SECONDS = 3


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures of this server, for whoever has METRICS_TOKEN. Without that setting there is no such page."""
    if not settings.METRICS_TOKEN:
        return HttpResponse(status=404)
    if not constant_time_compare(
        request.headers.get("Authorization", ""), f"Bearer {settings.METRICS_TOKEN}"
    ):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    with waiting_at_most(_MOST_SECONDS):
        body, content_type = collected.exposition()
    return HttpResponse(body, content_type=content_type)
