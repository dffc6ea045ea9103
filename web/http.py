"""HTTP helpers of the views: the signed-in request, full page or fragment, redirects."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from savings import typed_text
from savings.models import User
from web import notices

_LONGEST_SEARCH = 60
# Pasted text may contain many invisible characters; only this many are read.
_LONGEST_TYPED = 1_000


class SaverRequest(HttpRequest):
    """The type of a signed-in request. Used for type annotations only; never instantiated."""

    user: User
    htmx: HtmxDetails
    request_id: str
    # Whether staff look at the page as its saver sees it: then nothing is cached; see web/admin/as_seen.py.
    is_seen_by_staff: bool
    # The circle whose board the page shows, and the board's version; see web/caching/pages.py.
    shown_circle: tuple[int, int]
    # The reads of the page that no version covers; see web/caching/reads.py.
    uncovered: list[str]


def render_part(
    request: SaverRequest,
    template: str,
    part: str,
    context: dict[str, Any] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    """Return the page, or for an htmx request only the named partial and any pending notices."""
    if not wants_part(request):
        return render(request, template, context, status=status)
    response = render(request, f"{template}#{part}", context, status=status)
    response.write(notices.beside_fragment(request))
    return response


def wants_part(request: SaverRequest) -> bool:
    """Return whether htmx requests a fragment. Restoring a page from the history needs the whole page."""
    return bool(request.htmx) and not request.htmx.history_restore_request


def frame(request: HttpRequest) -> str:
    """Return the template that a page for everybody extends: with the menu for a user who is signed in."""
    return "base.html" if request.user.is_authenticated else "base_signed_out.html"


def redirect(request: SaverRequest, url: str) -> HttpResponse:
    """Redirect the browser. htmx would follow a plain redirect and swap the target page into this one."""
    return HttpResponseClientRedirect(url) if request.htmx else HttpResponseRedirect(url)


def search_text(request: HttpRequest) -> str:
    """Return the normalised text of a search in `?q=`."""
    return typed_text.line(request.GET.get("q", "")[:_LONGEST_TYPED])[:_LONGEST_SEARCH]


def referring_path(request: HttpRequest) -> str:
    """Return the path of the page that the browser came from; empty if it names none or an invalid URL."""
    try:
        return urlsplit(request.headers.get("Referer", "")).path
    except ValueError:
        return ""
