"""What views share to speak HTTP: the signed-in request, full page or part, redirects, notices."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from savings.models import User


class SaverRequest(HttpRequest):
    """The request of somebody who is signed in, as our middleware hands it to a view. Never made, only named."""

    user: User
    htmx: HtmxDetails
    request_id: str
    # Of which circle the page shows something, and as of which version of its board; see web/caching/pages.py.
    shown_circle: tuple[int, int]
    # What the page has read that no version of it covers; see web/caching/reads.py.
    uncovered: list[str]


def render_part(
    request: SaverRequest,
    template: str,
    part: str,
    context: dict[str, Any] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    """Return the page, or for an htmx request only its part of that name, with waiting notices beside it."""
    if not wants_part(request):
        return render(request, template, context, status=status)
    response = render(request, f"{template}#{part}", context, status=status)
    response.write(render_to_string("_toasts.html", {"is_beside": True}, request))
    return response


def wants_part(request: SaverRequest) -> bool:
    """Say whether htmx asks for a part. Restoring a page from the history needs the whole page."""
    return bool(request.htmx) and not request.htmx.history_restore_request


def redirect(request: SaverRequest, url: str) -> HttpResponse:
    """Send the browser to another page: htmx would follow a plain redirect and swap that page into this one."""
    return HttpResponseClientRedirect(url) if request.htmx else HttpResponseRedirect(url)


def toast(request: HttpRequest, text: str, note: str = "", *, is_bad: bool = False) -> None:
    """Leave a notice for the answer of this request, or for the next page after a redirect."""
    level = messages.ERROR if is_bad else messages.SUCCESS
    messages.add_message(request, level, f"{text}\n{note}" if note else text)


def path_of(address: str) -> str:
    """Return the path of an address that a browser sent in a header; empty where it is no address."""
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


def notice_beside(text: str, note: str, *, status: int) -> HttpResponse:
    """Answer htmx with a notice alone: the form that was sent stays as it is. Needs neither session nor user."""
    waiting = [Message(messages.ERROR, f"{text}\n{note}")]
    html = render_to_string("_toasts.html", {"is_beside": True, "messages": waiting})
    return HttpResponse(html, status=status, headers={"HX-Reswap": "none"})
