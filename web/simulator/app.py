"""The simulator as a WSGI application, with Django's requests and templates and without the site's middleware."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.urls import Resolver404, resolve

logger = logging.getLogger(__name__)


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request."""
    response = _answer(WSGIRequest(environ))
    response["Content-Length"] = str(len(response.content))
    response["Content-Security-Policy"] = _policy()
    response["Cache-Control"] = "no-store"
    start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.content]


def _answer(request: WSGIRequest) -> HttpResponse:
    try:
        match = resolve(request.path_info, urlconf="web.simulator.urls")
    except Resolver404:
        return JsonResponse({"status": False, "message": "Not found"}, status=404)
    try:
        response: HttpResponse = match.func(request, *match.args, **match.kwargs)
    except (BadRequest, SuspiciousOperation, MultiPartParserError, UnreadablePostError):
        return JsonResponse({"status": False, "message": "Bad request"}, status=400)
    except Exception:
        logger.exception("the simulator failed at %s", request.path_info)
        return JsonResponse({"status": False, "message": "The simulator broke"}, status=500)
    return response


def _policy() -> str:
    """Allow our stylesheet and forms, and the site: browsers apply form-action to the redirect after a form."""
    return (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self' {settings.SITE_URL}"
    )
