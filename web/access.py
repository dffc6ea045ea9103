"""Access rules of circles, leaderboards and statement files: what a signed-in user may see, and 404 for the rest."""

from __future__ import annotations

import datetime
import time
from typing import Protocol

from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404

from savings import statements
from savings.models import Circle, Membership, Statement
from savings.models.circles import shares_rank
from savings.models.statements import StatementQuerySet
from web.http import SaverRequest
from web.pages.statements import state_now

_A_DAY_SECONDS = 86_400


class _Member(Protocol):
    @property
    def left_at(self) -> datetime.datetime | None: ...


def own_membership(request: SaverRequest, slug: str) -> Membership:
    """Return the reader's current membership of a circle, with the circle and the plan, or 404."""
    return get_object_or_404(_current_memberships(request), circle__slug=slug)


def visible_circle(request: SaverRequest, slug: str) -> tuple[Circle, Membership | None]:
    """Return a circle whose summary the reader may see, and their membership if they are a member, or 404.

    A circle is visible to its members, and to everyone if it is listed in the directory.
    """
    mine = _current_memberships(request).filter(circle__slug=slug).first()
    if mine is not None:
        return mine.circle, mine
    return open_circle(slug), None


def open_circle(slug: str) -> Circle:
    """Return a circle that any user may join, or 404."""
    return get_object_or_404(Circle.objects.public(), slug=slug)


def visible_circle_ids(request: SaverRequest, slug: str) -> tuple[int, int | None]:
    """Return the ids of a circle that the reader may see and of their membership, or 404.

    Cached for as long as the reader's version holds, so a caller that shows rows must check them again.
    """
    shown_as = request.user.shown_as
    key = f"circle-ids:{shown_as}:{slug}"
    # Only the session backend sets the version; without it, all users would share one key.
    match cache.get(key) if shown_as else None:
        case [int(circle_id), int() | None as membership_id]:
            return circle_id, membership_id
    circle, mine = visible_circle(request, slug)
    found = (circle.pk, mine.pk if mine else None)
    if shown_as:
        cache.set(key, found, _A_DAY_SECONDS)
    return found


def board_ids(request: SaverRequest, slug: str) -> tuple[int, int]:
    """Return the ids of a circle and of the reader's membership, or 404: only members see the leaderboard.

    The ids may be cached: pass the membership that was read with the rows to `require_current_member`.
    """
    circle_id, membership_id = visible_circle_ids(request, slug)
    if membership_id is None:
        raise Http404
    return circle_id, membership_id


def require_current_member[Member: _Member](member: Member | None) -> Member:
    """Return the reader's membership as it was just read, or 404 if they are no longer a member."""
    if member is None or member.left_at is not None:
        raise Http404
    return member


def owned_circle(request: SaverRequest, slug: str) -> Circle:
    """Return a circle that the reader owns, or 404."""
    circle = own_membership(request, slug).circle
    if circle.owner_id != request.user.pk:
        raise Http404
    return circle


def member_of(circle: Circle, membership_id: int) -> Membership:
    """Return a current member of a circle, or 404."""
    return get_object_or_404(Membership.objects.current().filter(circle=circle), pk=membership_id)


def own_statements(request: SaverRequest) -> StatementQuerySet:
    """Return the reader's statements, with their plans and circles."""
    return request.user.statements.select_related("plan", "circle")


def own_statement(request: SaverRequest, statement_id: int) -> Statement:
    """Return one of the reader's statements, or 404."""
    return get_object_or_404(own_statements(request), pk=statement_id)


def linked_statement(request: SaverRequest, statement_id: int, token: str) -> tuple[Statement, bool]:
    """Return the reader's statement and whether this link opens its file.

    A link opens a file that is ready, for its owner, while the link is valid. 404 for a link that was never valid.
    """
    statement = own_statement(request, statement_id)
    if state_now(statement) != Statement.State.READY:
        return statement, False
    if statements.statement_of_token(token) == statement:
        return statement, True
    if not _looks_expired(token):
        raise Http404
    return statement, False


def _current_memberships(request: SaverRequest) -> QuerySet[Membership]:
    mine = request.user.memberships.current().select_related("circle", "plan__account")
    return mine.annotate(shares_rank=shares_rank())


def _looks_expired(token: str) -> bool:
    """Return whether an invalid link looks like an expired one; its owner is then shown what to do.

    The claim need not be true: it only opens a page with a fresh link, for the owner only.
    """
    try:
        _, made_at, _ = token.split(":")
        age_seconds = int(time.time()) - signing.b62_decode(made_at)
    except (ValueError, IndexError):
        return False
    return age_seconds > settings.STATEMENT_LINK_HOURS * 60 * 60
