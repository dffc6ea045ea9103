"""Request ids, final slashes, cache headers that keep money out of caches, and redirects that htmx can follow."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.middleware.common import CommonMiddleware
from django.shortcuts import render, resolve_url
from django.utils.cache import patch_vary_headers
from django_htmx.middleware import HtmxDetails

from savings.exceptions import Refused
from web import refusals
from web.observability import log_lines

GetResponse = Callable[[HttpRequest], HttpResponseBase]

_WITHOUT_BODY = {"GET", "HEAD", "OPTIONS"}


class RequestIdMiddleware:
    """Gives each request an id for its response, error page and log lines. Must be the outermost middleware."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Never the client's id: nobody outside may choose what is in our logs.
        request_id = secrets.token_hex(4).upper()
        request.request_id = request_id  # type: ignore[attr-defined]
        token = log_lines.request_id.set(request_id)
        try:
            response = self.get_response(request)
        finally:
            log_lines.request_id.reset(token)
        response["X-Request-ID"] = request_id
        return response


class SlashMiddleware(CommonMiddleware):
    """Adds a missing final slash by a redirect, or without one if the redirect would lose the body.

    The payment provider counts a redirected event as failed, and mail programs that unsubscribe somebody do not follow
    redirects. Only the URL map decides which paths exist.
    """

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        if request.method not in _WITHOUT_BODY and self.should_redirect_with_slash(request):
            request.path += "/"
            request.path_info += "/"
        return super().process_request(request)


class ResponseHeadersMiddleware:
    """Finishes the headers of each response. Comes after HtmxMiddleware and before sessions, so it sees every page."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code == 405 and not getattr(response, "content", b""):
            response = _render_405(request, response)
        if response.get("Content-Type", "").startswith("text/html"):
            # One URL has two responses: without this the Back button may show a bare fragment.
            patch_vary_headers(response, ["HX-Request"])
        if settings.SESSION_COOKIE_NAME in request.COOKIES and "Cache-Control" not in response:
            # For responses without the header; those of web/caching/pages.py have one. `no-cache` alone is not enough:
            # going Back shows the stored page without a request, so the next user of a shared computer would see the
            # balances of the one who signed out.
            response["Cache-Control"] = "private, no-store"
        htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
        if htmx and "Location" in response:
            _send_whole_page(response, htmx)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer a refusal that no form has caught; without this it would be a crash."""
        return refusals.answer(request, exception) if isinstance(exception, Refused) else None


def _render_405(request: HttpRequest, response: HttpResponseBase) -> HttpResponse:
    page = render(request, "405.html", status=405)
    page["Allow"] = response["Allow"]
    return page


def _send_whole_page(response: HttpResponseBase, htmx: HtmxDetails) -> None:
    """Turn a redirect into an HX-Redirect; htmx would swap the target page, such as sign-in, into this one."""
    location = urlsplit(response["Location"])
    page = _current_page(htmx)
    if page and location.path == resolve_url(settings.LOGIN_URL):
        # After signing in, return to the page instead of the fragment it requested.
        query = QueryDict(location.query, mutable=True)
        query["next"] = page
        location = location._replace(query=query.urlencode(safe="/"))
    response.status_code = 200
    response["HX-Redirect"] = location.geturl()
    del response["Location"]


def _current_page(htmx: HtmxDetails) -> str | None:
    """Return the path of the page that sent the htmx request; None if it is not ours or not a valid URL."""
    try:
        return htmx.current_url_abs_path
    except ValueError:
        return None
