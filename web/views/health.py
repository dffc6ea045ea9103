"""Health checks: whether this process is alive, and whether it can serve."""

from __future__ import annotations

from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from web.doctor import parts as part
from web.doctor import proxies


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the process answers; checks nothing else."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Report whether this server should get traffic, and what is wrong.

    Without its database or its migrations it cannot serve: 503. Without Redis, or without a worker that sends the
    mails, every page still works: 200 and `degraded`, because a balancer that took all servers out would turn a small
    failure into a complete one. A monitor that looks only at the status can use `?strict`, which answers 503 for these
    too.
    """
    parts = {"database": part.database()}
    if parts["database"] == "ok":
        parts["migrations"] = part.migrations()
    parts["redis"] = part.redis()
    oldest_seconds = None
    if parts.get("migrations") == "ok":
        parts["outbox"], oldest_seconds = part.outbox()
    serves = parts["database"] == parts.get("migrations") == "ok"
    well = serves and set(parts.values()) == {"ok"}
    return JsonResponse(
        {
            "status": "ready" if well else "degraded" if serves else "unready",
            "parts": parts,
            "oldest_unsent_seconds": oldest_seconds,
        },
        status=200 if well or (serves and "strict" not in request.GET) else 503,
    )


@require_safe
@never_cache
def echo(request: HttpRequest) -> JsonResponse:
    """Tell `manage.py doctor` how its request arrived, which shows whether the proxy sends the right headers.

    404 for everyone else: the doctor signs its request.
    """
    if not proxies.is_from_doctor(request):
        raise Http404
    return JsonResponse(proxies.seen(request)._asdict())
