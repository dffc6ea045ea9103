"""The front page of the lab."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from web.http import SaverRequest


def home(request: SaverRequest) -> HttpResponse:
    """The list of experiments."""
    return render(request, "lab/home.html")
