"""Start a circle, find one and join it. `members` holds what a member does afterwards, `owners` what its owner does."""

from __future__ import annotations

import datetime
import itertools
import secrets
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from savings import leaderboards, mails, plans, typed_text
from savings.circles import details, messages, nicknames
from savings.circles.members import record_event
from savings.exceptions import SENT_OTHERWISE, ReferenceTaken, Refused
from savings.models import Circle, CircleEvent, Membership, Plan, Product, User

Kind = CircleEvent.Kind


def start_circle(
    user: User,
    product: Product,
    *,
    reference: str,
    name: str,
    goal_kobo: int,
    ends_on: datetime.date,
    nickname: str,
    joining: str = Circle.Joining.INVITATION,
    description: str = "",
    target_kobo: int | None = None,
) -> Membership:
    """Open a circle with a plan for its owner (with their own `target_kobo`), and return the owner's membership.

    `reference` becomes the plan's reference; a second call with it returns the membership of the first.
    Raises Refused, with the field, for an invalid name, description, goal, end, nickname or target, and for a product
    that is no longer offered; ReferenceTaken for a reference that was used for another circle.
    """
    values = details.cleaned_values(name=name, description=description, goal_kobo=goal_kobo, ends_on=ends_on)
    with transaction.atomic():
        User.objects.touch(user.pk)
        earlier = _membership_of_reference(user, reference)
        if earlier is not None:
            _check_same(earlier.circle, product, values)
            return earlier
        circle = _create_circle(user, product, joining, values)
        return _add_member(
            user, circle, Kind.STARTED, reference=reference, nickname=nickname, target_kobo=target_kobo
        )


def join(
    user: User,
    circle: Circle,
    *,
    reference: str,
    nickname: str,
    code: str | None = None,
    target_kobo: int | None = None,
) -> Membership:
    """Add a user to a circle with a plan of their own in it, and return the membership.

    `code` is the secret of the invite link; without it a user can join only an open circle. `target_kobo` is the user's
    own target. A second call with the same reference returns the membership of the first.
    Raises Refused for a circle that is closed, full or over, an invite code that is no longer valid, a user who is
    already a member, and an invalid nickname or target; ReferenceTaken for a reference of another circle.
    """
    with transaction.atomic():
        User.objects.touch(user.pk)
        earlier = _membership_of_reference(user, reference)
        if earlier is not None:
            if earlier.circle_id != circle.pk:
                raise ReferenceTaken(SENT_OTHERWISE)
            return earlier
        circle = _lock_if_limited(circle.pk)
        _check_may_join(user, circle, code)
        membership = _add_member(
            user, circle, Kind.JOINED, reference=reference, nickname=nickname, target_kobo=target_kobo
        )
        mails.circle_joined(membership)
    return membership


def directory(search: str) -> QuerySet[Circle]:
    """Return the open circles that have not ended and whose names contain the search text, for a keyset page.

    The search ignores letter case and tone marks.
    """
    circles = Circle.objects.public().filter(ends_on__gt=timezone.localdate())
    key = typed_text.search_key(search)
    if not key:
        return circles
    # Rows without a key were written by the previous release, during a deploy.
    return circles.filter(
        Q(name_search__contains=key) | Q(name_search=None, name__icontains=typed_text.line(search))
    )


def closed_because(circle: Circle, *, members: int = 0) -> str:
    """Return why nobody can join a circle with this number of members, as a sentence; empty if people can."""
    today = timezone.localdate()
    least_days = circle.min_term_days or 0
    if circle.has_ended(today):
        return messages.CIRCLE_ENDED
    if circle.ends_on < plans.days_after(today, least_days):
        return messages.ends_too_soon(least_days)
    if circle.joining == Circle.Joining.CLOSED:
        return messages.NO_NEW_MEMBERS
    if circle.member_limit is not None and members >= circle.member_limit:
        return messages.circle_full(circle.member_limit)
    return ""


def _membership_of_reference(user: User, reference: str) -> Membership | None:
    return (
        Membership.objects.filter(plan__reference=reference, user=user)
        .select_related("circle", "plan")
        .first()
    )


def _check_same(circle: Circle, product: Product, values: Mapping[str, Any]) -> None:
    """Raise ReferenceTaken where a form was sent again with another name, goal, end or product."""
    given = (values["name"], values["goal_kobo"], values["ends_on"], product.pk)
    if given != (circle.name, circle.goal_kobo, circle.ends_on, circle.product_id):
        raise ReferenceTaken(SENT_OTHERWISE)


def _create_circle(owner: User, product: Product, joining: str, values: Mapping[str, Any]) -> Circle:
    return Circle.objects.create(
        **values,
        **plans.offered_terms(product.pk).for_circle(),
        slug=details.new_slug(values["name"]),
        starts_on=timezone.localdate(),
        owner=owner,
        joining=joining,
        invite_code=details.new_code(),
        member_limit=details.member_limit(joining),
    )


def _lock_if_limited(circle_id: int) -> Circle:
    """Return the circle, locked if it has a member limit, so that two users cannot both take the last vacancy.

    A circle without a limit stays unlocked, because a million users may be joining it.
    """
    circle = Circle.objects.get(pk=circle_id)
    if circle.member_limit is None:
        return circle
    return Circle.objects.select_for_update().get(pk=circle_id)


def _check_may_join(user: User, circle: Circle, code: str | None) -> None:
    if Membership.objects.current().filter(circle=circle, user=user).exists():
        raise Refused(messages.ALREADY_MEMBER)
    if reason := closed_because(circle):
        raise Refused(reason)
    is_invited = code is not None and secrets.compare_digest(code.encode(), circle.invite_code.encode())
    if not is_invited and circle.joining != Circle.Joining.OPEN:
        raise Refused(messages.INVITATION_INVALID)
    members = circle.memberships.current().count() if circle.member_limit is not None else 0
    if reason := closed_because(circle, members=members):
        raise Refused(reason)


def _add_member(
    user: User, circle: Circle, event_kind: str, *, reference: str, nickname: str, target_kobo: int | None
) -> Membership:
    nickname = nicknames.cleaned_nickname(nickname)
    nicknames.check_nickname_free(circle.pk, nickname)
    plan = plans.open_plan(
        user,
        plans.terms_of_circle(circle),
        reference=reference,
        name=_plan_name(user, circle),
        target_kobo=target_kobo,
        matures_on=circle.ends_on if circle.has_term else None,
        # The board counts what members pay in, so no interest goes into the plan.
        interest_to=Plan.InterestTo.STASH,
    )
    with nicknames.refusing_taken_nickname():
        membership = Membership.objects.create(circle=circle, user=user, plan=plan, nickname=nickname)
    leaderboards.record_membership_change(membership, "joined")
    record_event(membership, event_kind)
    return membership


def _plan_name(user: User, circle: Circle) -> str:
    """Return the circle's name, with a number if the user already has an open plan of that name."""
    taken = {typed_text.key(name) for name in user.plans.open().values_list("name", flat=True)}
    for number in itertools.count(1):
        name = circle.name
        if number > 1:
            name = typed_text.numbered(name, number, longest=plans.LONGEST_NAME)
        if typed_text.key(name) not in taken:
            return name
    raise AssertionError("numbers do not end")
