"""Error pages that middleware, sign-in and views share."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse

from web.notices import notice_alone

_TITLE = "Too many tries"
# Forms below these pages contain values that must not be written into a page.
_NEVER_SHOWN = ("users:security", "admin:index")


def plain_page(request: HttpRequest, status: int) -> HttpResponse:
    """Return an error page that uses no database, session or context processor: any may have failed."""
    context = {"request_id": getattr(request, "request_id", "")}
    return HttpResponse(render_to_string(f"{status}.html", context), status=status)


def too_many_requests(request: HttpRequest, seconds: int, rule: str = "") -> HttpResponse:
    """Answer 429: a notice for htmx, else a page that can send the same form again later."""
    note = rule or f"Nothing was changed. Try again in {_in_words(seconds)}."
    if request.htmx:  # type: ignore[attr-defined]
        response = notice_alone(_TITLE, note, status=429)
    else:
        response = render(request, "429.html", {"rule": note, "again": _fields_again(request)}, status=429)
    response["Retry-After"] = str(seconds)
    return response


def _in_words(seconds: int) -> str:
    if seconds <= 90:
        return f"{seconds} seconds"
    return f"{-(-seconds // 60)} minutes" if seconds <= 90 * 60 else f"{-(-seconds // 3600)} hours"


def _fields_again(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the form's fields for a page that can send them again; none if they must not be written into a page."""
    has_secrets = request.path.startswith(tuple(map(reverse, _NEVER_SHOWN)))
    is_kept = request.method == "POST" and not has_secrets and not request.FILES
    if not is_kept or request.POST.get("password"):
        return []
    names = [name for name in request.POST if name != "csrfmiddlewaretoken"]
    return [(name, value) for name in names for value in request.POST.getlist(name)]
