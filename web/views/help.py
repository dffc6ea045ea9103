"""The help page: what savers ask, answered for this installation."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from web.http import frame
from web.pages import help as help_page


def home(request: HttpRequest) -> HttpResponse:
    """The questions of savers, for visitors too. The operator's own come first."""
    return render(request, "help/home.html", help_page.answers() | {"frame": frame(request)})
