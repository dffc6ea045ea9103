"""Error pages in place of Django's handlers, which know too little or need too much."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from web import error_pages
from web.error_pages import plain_page
from web.messages import errors as messages
from web.middleware import database


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400. The request may be malformed, so none of it is read."""
    return plain_page(request, 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403, without reading the submitted form; see `not_found`."""
    return render(request, "403.html", status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404. Django's handler checks the CSRF token again, which turns a malformed body into a 500."""
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 if the database is down. Uses no database, session or context processor: any may have failed."""
    if database.is_away(sys.exception()):
        response = plain_page(request, 503)
        response["Retry-After"] = str(database.RETRY_AFTER_SECONDS)
        response["Cache-Control"] = "no-store"
        return response
    return plain_page(request, 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form without a valid CSRF token, most often from a page left open during a sign-in."""
    return render(request, "403_csrf.html", {"reason": reason}, status=403)


def too_many_requests(request: HttpRequest, rule: str = "", *, wait_seconds: int = 60) -> HttpResponse:
    """429 with a sentence about the limit. Also allauth's handler, whose only limit is 20 sign-ups a minute."""
    return error_pages.too_many_requests(request, wait_seconds, rule=rule or messages.SLOW_DOWN)
