"""The front page of the lab."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from web import notices
from web.http import SaverRequest, redirect
from web.lab import lessons
from web.messages import lab as messages


def home(request: SaverRequest) -> HttpResponse:
    """The lessons of the article: their experiments, claims and code."""
    context = {"lessons": lessons.LESSONS, "has_leftovers": lessons.has_leftovers()}
    return render(request, "lab/home.html", context)


@require_POST
def clean(request: SaverRequest) -> HttpResponse:
    """Remove what the experiments have loaded."""
    lessons.clean()
    notices.notify(request, messages.ALL_CLEANED)
    return redirect(request, reverse("lab:home"))
