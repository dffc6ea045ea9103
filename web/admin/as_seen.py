"""A saver's own pages as they see them, for staff: rendered from the saver's row, without a session, and read-only.

The page functions of the site run with a request that is made here: a GET, with the saver as its user and nothing of
the staff's browser in it. The functions are called without the page cache around them, and the saver was loaded without
a version (`User.shown_as`), so nothing of the page is read from a cache under anybody's key or stored there.
"""

from __future__ import annotations

import inspect
from typing import NamedTuple

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, resolve, reverse
from django.views.decorators.http import require_safe

from savings import backoffice
from savings.models import User
from web.http import SaverRequest
from web.pages.read_only import read_only
from web.staff_site import request_of_saver, staff, staff_page


class _Page(NamedTuple):
    """A page of a saver: its URL name, whether it shows one row, and what the audit log calls that row."""

    route: str
    row: str = ""


_PAGES = {
    "dashboard": _Page("dashboard:home"),
    "plan": _Page("plans:detail", "plan"),
    "stash": _Page("stash:home"),
    "transactions": _Page("transactions:index"),
    "receipt": _Page("transactions:receipt", "transaction"),
    "circle": _Page("circles:detail", "circle"),
}


@staff_page("savers/<int:user_id>/as-seen/<str:page>/", name="as_seen", permission="savings.see_saver")
@require_safe
def as_seen(request: HttpRequest, user_id: int, page: str) -> HttpResponse:
    """A page of a saver that is about all they have."""
    return _show(request, user_id, page, "")


@staff_page(
    "savers/<int:user_id>/as-seen/<str:page>/<str:key>/", name="as_seen_row", permission="savings.see_saver"
)
@require_safe
def as_seen_row(request: HttpRequest, user_id: int, page: str, key: str) -> HttpResponse:
    """A page of a saver about one row: a plan, a transaction or a circle."""
    return _show(request, user_id, page, key)


def _show(request: HttpRequest, user_id: int, name: str, key: str) -> HttpResponse:
    page = _PAGES.get(name)
    if page is None or bool(page.row) != bool(key):
        raise Http404
    saver = get_object_or_404(User, pk=user_id)
    seen = _request_of(request, saver, page, key)
    match = resolve(seen.path_info)
    view = inspect.unwrap(match.func)
    response = view(seen, *match.args, **match.kwargs)
    if response.status_code != 200:
        raise Http404
    subject = f"{page.row}:{key}" if key else f"page:{name}"
    backoffice.record(backoffice.Verb.PAGE_SEEN, by=staff(request), saver=saver, subject=subject)
    banner = render_to_string("admin/saver/_banner.html", {"saver": saver})
    return HttpResponse(read_only(response.text, banner=banner))


def _request_of(request: HttpRequest, saver: User, page: _Page, key: str) -> SaverRequest:
    """Return the request with which the saver would open a page, without a session or cookies."""
    try:
        path = reverse(page.route, args=[key] if key else [])
    except NoReverseMatch:
        raise Http404 from None
    return request_of_saver(saver, path, request.META)
