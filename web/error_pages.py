"""Error pages that middleware, sign-in and views share."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse

from web.messages import errors as messages
from web.notices import notice_alone

# Forms below these pages contain values that must not be written into a page.
_NEVER_SHOWN = ("users:security", "admin:index")


def plain_page(request: HttpRequest, status: int) -> HttpResponse:
    """Return an error page that uses no database, session or context processor: any may have failed."""
    context = {"request_id": getattr(request, "request_id", "")}
    return HttpResponse(render_to_string(f"{status}.html", context), status=status)


def too_many_requests(request: HttpRequest, seconds: int, rule: str = "") -> HttpResponse:
    """Answer 429: a notice for htmx, else a page that can send the same form again later."""
    note = rule or messages.try_again_in(seconds)
    if request.htmx:  # type: ignore[attr-defined]
        response = notice_alone(messages.TOO_MANY_TRIES, note, status=429)
    else:
        response = render(request, "429.html", {"rule": note, "again": _fields_again(request)}, status=429)
    response["Retry-After"] = str(seconds)
    return response


def _fields_again(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the form's fields for a page that can send them again; none if they must not be written into a page."""
    has_secrets = request.path.startswith(tuple(map(reverse, _NEVER_SHOWN)))
    is_kept = request.method == "POST" and not has_secrets and not request.FILES
    if not is_kept or request.POST.get("password"):
        return []
    names = [name for name in request.POST if name != "csrfmiddlewaretoken"]
    return [(name, value) for name in names for value in request.POST.getlist(name)]
