"""Access rules: what a signed-in user may see of a circle and of its leaderboard."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.http import Http404, HttpRequest
from django.utils import timezone

from savings import circles
from savings.models import Circle, Membership, User
from tests.factories import join_circle, make_user, start_circle
from web import access
from web.http import SaverRequest

pytestmark = pytest.mark.django_db

Rule = Callable[[SaverRequest, str], object]


def request_of(user: User) -> SaverRequest:
    request = HttpRequest()
    request.user = User.objects.get(pk=user.pk)
    return request  # type: ignore[return-value]  # a plain request carries all that the rules read


def is_open_to(user: User, rule: Rule, circle: Circle) -> bool:
    try:
        rule(request_of(user), circle.slug)
    except Http404:
        return False
    return True


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        (access.visible_circle, "owner member outsider"),
        (access.visible_circle_ids, "owner member outsider"),
        (access.board_ids, "owner member"),
        (access.own_membership, "owner member"),
        (access.owned_circle, "owner"),
    ],
)
def test_rules_of_an_open_circle(rule: Rule, allowed: str) -> None:
    circle = start_circle(joining=Circle.Joining.OPEN)
    joined = join_circle(circle)
    assert is_open_to(circle.owner, rule, circle)
    assert is_open_to(joined.user, rule, circle) == ("member" in allowed)
    assert is_open_to(make_user(), rule, circle) == ("outsider" in allowed)
    circles.leave(joined)
    assert is_open_to(joined.user, rule, circle) == ("outsider" in allowed)


@pytest.mark.parametrize("rule", [access.visible_circle, access.visible_circle_ids, access.board_ids])
def test_a_circle_by_invitation_is_hidden_from_outsiders(rule: Rule) -> None:
    circle = start_circle()
    assert is_open_to(join_circle(circle).user, rule, circle)
    assert not is_open_to(make_user(), rule, circle)


def test_a_membership_is_current_until_it_ends() -> None:
    membership = join_circle(start_circle())
    assert access.require_current_member(membership) == membership
    membership.left_at = timezone.now()
    for gone in (membership, None):
        with pytest.raises(Http404):
            access.require_current_member(gone)


def test_a_member_is_found_in_their_own_circle_only() -> None:
    member = join_circle(start_circle())
    assert access.member_of(member.circle, member.pk) == member
    with pytest.raises(Http404):
        access.member_of(start_circle(), member.pk)
    Membership.objects.filter(pk=member.pk).update(left_at=timezone.now())
    with pytest.raises(Http404):
        access.member_of(member.circle, member.pk)
