"""A member's settings in a circle, and its owner's: edit it, change the invite link, remove a member, hand over."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from savings import circles, leaderboards
from savings.models import Account, Circle, Membership, Plan, Product
from web import access
from web.caching import pages as page_cache
from web.forms.circles import AppearanceForm, EditForm
from web.http import SaverRequest, redirect, render_part, search_text
from web.messages import circles as messages
from web.notices import notify
from web.pages import circle_members
from web.pages import circles as circle_pages
from web.refusals import refusals_lead_to


def appearance(request: SaverRequest, slug: str) -> HttpResponse:
    """How others see the member: nickname, whether the amount is shown, whether they are on the leaderboard."""
    mine = access.own_membership(request, slug)
    form = AppearanceForm(request.POST if request.method == "POST" else None, membership=mine)
    if form.is_valid():
        changes = form.changes
        if "shows_amount" in changes:
            changes["hides_amount"] = not changes.pop("shows_amount")
        with form.refusals():
            circles.change_appearance(mine, **changes)
            notify(request, messages.SAVED)
            return redirect(request, reverse("circles:detail", args=[slug]))
    context = {"circle": mine.circle, "form": form}
    return render_part(
        request, "circles/appearance.html", "form", context, status=422 if form.errors else 200
    )


@page_cache.page("before", "after", shows=(Account, Circle, Membership, Plan, Product))
def members(request: SaverRequest, slug: str) -> HttpResponse:
    """The members in keyset pages; the owner sees a link to the settings beside each name."""
    circle_id, _ = access.visible_circle_ids(request, slug)
    page_cache.shows_circle(request, circle_id, leaderboards.version(circle_id))
    mine = access.own_membership(request, slug)
    context = circle_members.members(mine.circle, mine, request.GET, search=search_text(request))
    context["is_owner"] = mine.circle.owner_id == request.user.pk
    return render_part(request, "circles/members.html", "listing", context)


def member(request: SaverRequest, slug: str, membership_id: int) -> HttpResponse:
    """The owner's page about one member: hand the circle over to them, or remove them."""
    circle = access.owned_circle(request, slug)
    context = {
        "circle": circle,
        "member": access.member_of(circle, membership_id),
        "has_ended": circle.has_ended(timezone.localdate()),
    }
    return render(request, "circles/member.html", context)


def edit(request: SaverRequest, slug: str) -> HttpResponse:
    """Change the name, description, goal and who may join."""
    circle = access.owned_circle(request, slug)
    form = EditForm(request.POST if request.method == "POST" else None, circle=circle)
    if form.is_valid():
        changes = form.changes
        if "goal" in changes:
            changes["goal_kobo"] = changes.pop("goal")
        with form.refusals():
            circles.edit_circle(circle, **changes)
            notify(request, messages.SAVED)
            return redirect(request, reverse("circles:detail", args=[slug]))
    context = {"circle": circle, "form": form, "invite_url": circle_pages.invite_url(circle)}
    return render_part(request, "circles/edit.html", "form", context, status=422 if form.errors else 200)


@require_POST
def rotate_code(request: SaverRequest, slug: str) -> HttpResponse:
    """Replace the invite link."""
    circles.rotate_code(access.owned_circle(request, slug))
    notify(request, messages.NEW_INVITE_LINK)
    return redirect(request, reverse("circles:edit", args=[slug]))


@require_POST
@refusals_lead_to("circles:member")
def remove(request: SaverRequest, slug: str, membership_id: int) -> HttpResponse:
    """Remove a member with an empty plan from the circle."""
    circle = access.owned_circle(request, slug)
    other = access.member_of(circle, membership_id)
    circles.remove_member(circle, other)
    notify(request, messages.removed(other.nickname))
    return redirect(request, reverse("circles:members", args=[slug]))


@require_POST
def hand_over(request: SaverRequest, slug: str, membership_id: int) -> HttpResponse:
    """Make another member the owner."""
    circle = access.owned_circle(request, slug)
    other = access.member_of(circle, membership_id)
    circles.hand_over(circle, request.user, other)
    notify(request, messages.handed_over(other.nickname, circle.name))
    return redirect(request, reverse("circles:detail", args=[slug]))
