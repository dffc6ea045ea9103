"""Answers a refusal of the rules that no form shows. A form shows its own (web/forms/refusals.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse

from savings.exceptions import Refused
from web import notices
from web.http import SaverRequest, redirect, referring_path

# The attribute of a view with the URL name of the page that shows its refusals.
_MARK = "page_after_refusal"


def refusals_lead_to[View: Callable[..., HttpResponse]](page: str) -> Callable[[View], View]:
    """Mark a view without a form: after a refusal the browser goes to this page, which shows it as a notice.

    The page takes the same arguments as the view.
    """

    def mark(view: View) -> View:
        setattr(view, _MARK, page)
        return view

    return mark


def answer(request: HttpRequest, refused: Refused) -> HttpResponse:
    """Return the answer to a refusal.

    A notice on the page that the view names, or on the page whose button was pressed; for htmx a notice alone. A form
    whose fields would be lost, and a browser that does not say where it comes from, get a page of its own.
    """
    text, page, before = str(refused), _named_page(request), _page_before(request)
    if not page and not request.htmx:  # type: ignore[attr-defined]
        if not before or request.POST.keys() - {"csrfmiddlewaretoken"}:
            return render(request, "422.html", {"message": text, "before": before}, status=422)
        page = before
    notices.notify(request, text, is_bad=True)
    if page:
        return redirect(cast("SaverRequest", request), page)
    return notices.waiting_notices_alone(request, status=422)


def _named_page(request: HttpRequest) -> str:
    """Return the URL of the page that the view of this request names; empty if it names none."""
    match = request.resolver_match
    page = getattr(match and match.func, _MARK, None)
    return reverse(page, args=match.args, kwargs=match.kwargs) if match and page else ""


def _page_before(request: HttpRequest) -> str:
    """Return the path of the page of this site from which the browser came; empty if it says none, or this one."""
    path = referring_path(request)
    try:
        resolve(path)
    except Resolver404:
        return ""
    return "" if path == request.path else path
