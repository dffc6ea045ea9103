"""Circles: the list and the directory, one circle, starting, joining and leaving."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from savings import circles, leaderboards, plans
from savings.models import Account, Circle, CircleEvent, Membership, Plan, Product, Transaction
from savings.models.circles import shares_rank
from web import access, keyset
from web.caching import pages as page_cache
from web.forms.circles import JoinForm, StartForm
from web.http import SaverRequest, redirect, render_part, search_text, wants_part
from web.messages import circles as messages
from web.notices import notify
from web.pages import circles as circle_pages
from web.pages import leaderboards as board_pages
from web.refusals import refusals_lead_to

DIRECTORY_SIZE = 12


def index(request: SaverRequest) -> HttpResponse:
    """The user's circles, and the directory of circles that anybody may join."""
    memberships = request.user.memberships.current().select_related("circle").order_by("-id")
    memberships = memberships.annotate(shares_rank=shares_rank())
    mine = {membership.circle_id: membership for membership in memberships}
    search = search_text(request)
    directory = circles.directory(search)
    # Only a search finds the reader's own circles, which are beside the directory.
    page = keyset.page(
        directory if search else directory.exclude(pk__in=mine), request.GET, size=DIRECTORY_SIZE
    )
    in_all = {m.circle_id: m.circle for m in mine.values()} | {circle.pk: circle for circle in page.rows}
    cards = {card.circle.pk: card for card in circle_pages.cards(in_all.values(), mine)}
    context = {
        "running": [cards[pk] for pk in mine if not cards[pk].has_ended],
        "ended": [cards[pk] for pk in mine if cards[pk].has_ended],
        "listed": [cards[circle.pk] for circle in page.rows],
        "page": page,
        "search": search,
    }
    return render_part(request, "circles/index.html", "directory", context)


@page_cache.page(
    "before", "after", shows=(Account, Circle, CircleEvent, Membership, Plan, Product, Transaction)
)
def detail(request: SaverRequest, slug: str) -> HttpResponse:
    """One circle: its progress, the reader's part, its events, and the owner's links."""
    circle_id, membership_id = access.visible_circle_ids(request, slug)
    # Only a member's page is cached: the version of any other user does not change with the circle.
    page_cache.shows_circle(request, circle_id, leaderboards.version(circle_id) if membership_id else None)
    circle, mine = access.visible_circle(request, slug)
    is_owner = circle.owner_id == request.user.pk
    context = circle_pages.detail(circle, mine, request.GET, is_owner=is_owner)
    if mine is not None and mine.on_board and not context["has_ended"] and not wants_part(request):
        context |= board_pages.standing_in(circle.pk, mine.pk)
    if not context["card"].progress.is_fresh:
        # No version tells when this sum matches the board again.
        page_cache.shows_circle(request, circle_id, None)
    return render_part(request, "circles/detail.html", "feed", context)


def start(request: SaverRequest) -> HttpResponse:
    """Start a circle with the user as its first member."""
    products = list(Product.objects.offered().prefetch_related("rates"))
    data = request.POST if request.method == "POST" else None
    proposed = plans.suggest_product(products, has_end=True)
    initial = {"nickname": request.user.first_name, "product": proposed and proposed.pk}
    form = StartForm(data, user=request.user, products=products, initial=initial)
    if form.is_valid():
        with form.refusals():
            mine = circles.start_circle(request.user, **_values(form))
            notify(request, messages.started(mine.circle.name))
            return redirect(request, reverse("circles:detail", args=[mine.circle.slug]))
    status = 422 if form.errors else 200
    return render_part(
        request, "circles/start.html", "form", circle_pages.start(form, request.user), status=status
    )


def preview_start(request: SaverRequest) -> HttpResponse:
    """Say what each member would save in the circle of the form. Uses POST, so that no amount is in a URL."""
    if request.method != "POST" or not wants_part(request):
        return redirect(request, reverse("circles:start"))
    form = StartForm(request.POST, user=request.user, products=[])
    context = circle_pages.preview(form) | {"is_beside": True}
    return render_part(request, "circles/start.html", "preview", context)


def join(request: SaverRequest, slug: str) -> HttpResponse:
    """Join a circle that is open to everybody."""
    return _join(request, access.open_circle(slug), reverse("circles:join", args=[slug]))


def join_by_code(request: SaverRequest, code: str) -> HttpResponse:
    """Join the circle of an invite link. An expired link answers 404 without naming a circle.

    A visitor sees the circle's summary, and comes back here after signing up or in.
    """
    code = circles.cleaned_code(code)
    circle = Circle.objects.filter(invite_code=code).first()
    is_visitor = isinstance(request.user, AnonymousUser)
    if circle is None:
        frame = "base_door.html" if is_visitor else "base.html"
        return render(request, "circles/invite_gone.html", {"frame": frame}, status=404)
    url = reverse("circles:join_by_code", args=[code])
    if is_visitor:
        response = render(request, "circles/invitation.html", circle_pages.invitation(circle, url))
        # The code is a secret, so no shared cache may store what it shows.
        response["Cache-Control"] = "private, no-store"
        return response
    return _join(request, circle, url, code=code)


@require_POST
@refusals_lead_to("circles:detail")
def leave(request: SaverRequest, slug: str) -> HttpResponse:
    """Leave a circle; the plan must be empty."""
    mine = access.own_membership(request, slug)
    circles.leave(mine)
    notify(request, messages.left(mine.circle.name))
    return redirect(request, reverse("circles:index"))


def _join(request: SaverRequest, circle: Circle, action: str, *, code: str | None = None) -> HttpResponse:
    data = request.POST if request.method == "POST" else None
    if data is None and request.user.memberships.current().filter(circle=circle).exists():
        return redirect(request, reverse("circles:detail", args=[circle.slug]))
    initial = {"nickname": request.user.first_name}
    form = JoinForm(data, user=request.user, circle=circle, initial=initial)
    if form.is_valid():
        values = form.cleaned_data
        with form.refusals():
            mine = circles.join(
                request.user,
                circle,
                reference=values["reference"],
                nickname=values["nickname"],
                code=code,
                target_kobo=values["target"],
            )
            notify(request, messages.joined(circle.name))
            return redirect(request, reverse("circles:detail", args=[mine.circle.slug]))
    context = circle_pages.join(circle, form, action, request.user)
    return render_part(request, "circles/join.html", "form", context, status=422 if form.errors else 200)


def _values(form: StartForm) -> dict[str, Any]:
    values = form.cleaned_data
    return {
        "product": values["product"],
        "reference": values["reference"],
        "name": values["name"],
        "goal_kobo": values["goal"],
        "ends_on": values["matures_on"],
        "nickname": values["nickname"],
        "joining": values["joining"],
        "description": values["description"],
        "target_kobo": values["target"],
    }
