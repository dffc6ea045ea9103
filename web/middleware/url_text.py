"""Refuses URLs that are not valid text before anything reads them, above all a database."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from web.error_pages import plain_page


class AddressMiddleware:
    """Refuses a URL with a NUL byte, which databases refuse, or with bytes that are not UTF-8.

    Nothing exists under such a path (404), and no view can read such a query (400).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Django leaves percent-encoded bytes in a path if they are not UTF-8.
        if "\0" in request.path_info or not _is_text(request.path_info):
            raise Http404
        if not _is_text(request.META.get("QUERY_STRING", "")):
            return plain_page(request, 400)
        return self.get_response(request)


def _is_text(quoted: str) -> bool:
    """Return whether percent-encoded text decodes to UTF-8 without a NUL."""
    if "%" not in quoted:
        return True
    try:
        return "\0" not in unquote_to_bytes(quoted).decode()
    except UnicodeDecodeError:
        return False
