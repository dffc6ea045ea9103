"""Answers a refusal of the rules that no form shows. A form shows its own (web/forms/refusals.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from savings.exceptions import Refused
from web import notices
from web.http import SaverRequest, redirect

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
    """Return the answer to a refusal: the page that the view names, else a notice for htmx or a page of its own."""
    text, page = str(refused), _named_page(request)
    if not page and not request.htmx:  # type: ignore[attr-defined]
        return render(request, "422.html", {"message": text}, status=422)
    notices.notify(request, text, is_bad=True)
    if page:
        return redirect(cast("SaverRequest", request), page)
    return notices.waiting_notices_alone(request, status=422)


def _named_page(request: HttpRequest) -> str:
    """Return the URL of the page that the view of this request names; empty if it names none."""
    match = request.resolver_match
    page = getattr(match and match.func, _MARK, None)
    return reverse(page, args=match.args, kwargs=match.kwargs) if match and page else ""
