"""The calendar of coming dates, and the private feed of it for calendar programs."""

from __future__ import annotations

import datetime

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from savings import calendar
from savings.models import CalendarFeed
from web.http import SaverRequest, redirect
from web.messages import calendar as messages
from web.notices import notify
from web.pages import calendar as calendar_pages


def home(request: SaverRequest) -> HttpResponse:
    """The coming dates of a month (`?month=2026-12`), or of the next weeks as a list (`?view=list`).

    Not cached: the names of circles have no version of their reader.
    """
    context = calendar_pages.page(
        request.user, month=request.GET.get("month", ""), view=request.GET.get("view", "")
    )
    return render(request, "calendar/home.html", context)


def feed(request: SaverRequest) -> HttpResponse:
    """The URL for a calendar program, and what can be done with it."""
    found = CalendarFeed.objects.filter(user=request.user).first()
    return render(request, "calendar/feed.html", calendar_pages.feed(request.user, found))


@require_POST
def start_feed(request: SaverRequest) -> HttpResponse:
    """Create the feed."""
    calendar.start_feed(request.user)
    notify(request, messages.FEED_STARTED)
    return _to_feed(request)


@require_POST
def renew_feed(request: SaverRequest) -> HttpResponse:
    """Give the feed another URL. The form names the present one, so that it takes effect once."""
    calendar.renew_feed(request.user, request.POST.get("token", ""))
    notify(request, messages.FEED_RENEWED)
    return _to_feed(request)


@require_POST
def end_feed(request: SaverRequest) -> HttpResponse:
    """Turn the feed off."""
    calendar.end_feed(request.user)
    notify(request, messages.FEED_ENDED)
    return _to_feed(request)


@require_POST
def show_amounts(request: SaverRequest) -> HttpResponse:
    """Let the feed contain amounts, or not."""
    shown = request.POST.get("shown") == "1"
    calendar.show_amounts(request.user, shown=shown)
    notify(request, messages.AMOUNTS_SHOWN if shown else messages.AMOUNTS_HIDDEN)
    return _to_feed(request)


@require_safe
def read_feed(request: HttpRequest, token: str) -> HttpResponse:
    """The feed, for a calendar program: the token in the URL is all that it has."""
    found = calendar.feed_of_token(token)
    if found is None:
        raise Http404
    today = timezone.localdate()
    body = calendar.write_feed(
        calendar.coming_events(found.user, today, today + datetime.timedelta(days=calendar.FEED_DAYS)),
        now=timezone.now(),
        shows_amounts=found.shows_amounts,
        url_of=lambda event: settings.SITE_URL + calendar_pages.url_of(event),
    )
    response = HttpResponse(body, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = 'inline; filename="asusu.ics"'
    response["Cache-Control"] = "private"
    return response


def _to_feed(request: SaverRequest) -> HttpResponse:
    return redirect(request, reverse("calendar:feed"))
