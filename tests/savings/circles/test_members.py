"""Leaving a circle: the plan, the money in it, and the owner."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.utils import timezone

from savings import circles, ledger, plans, references
from savings.exceptions import Refused
from savings.ledger import checks
from savings.models import Circle, CircleEvent, Product
from tests.factories import join_circle, make_product, pay_in, start_circle

pytestmark = pytest.mark.django_db

Kind = CircleEvent.Kind


def happened(circle: Circle) -> list[str]:
    return list(circle.events.order_by("id").values_list("kind", flat=True))


def test_leaving_closes_the_plan_and_frees_the_nickname() -> None:
    membership = join_circle(start_circle(), nickname="Bola")
    circles.leave(membership)
    circles.leave(membership)
    membership.refresh_from_db()
    assert membership.left_at
    assert membership.plan.is_closed
    assert happened(membership.circle) == [Kind.STARTED, Kind.JOINED, Kind.LEFT]
    again = join_circle(membership.circle, membership.user, nickname="Bola")
    assert again.pk != membership.pk


def test_a_member_with_money_in_the_plan_cannot_leave() -> None:
    membership = join_circle(start_circle(), saved_kobo=1)
    with pytest.raises(Refused, match="Move it to your stash first"):
        circles.leave(membership)
    membership.refresh_from_db()
    assert membership.left_at is None
    assert not membership.plan.is_closed


def test_the_owner_leaves_only_after_handing_over() -> None:
    circle = start_circle()
    mine, other = circle.memberships.get(), join_circle(circle)
    with pytest.raises(Refused, match="Hand it over"):
        circles.leave(mine)
    circles.hand_over(circle, mine.user, other)
    circles.hand_over(circle, mine.user, other)
    circles.leave(mine)
    circle.refresh_from_db()
    assert circle.owner == other.user
    assert happened(circle).count(Kind.HANDED_OVER) == 1


def test_the_owner_of_an_ended_circle_leaves_like_any_member() -> None:
    circle = start_circle(days=40)
    mine, other = circle.memberships.get(), join_circle(circle)
    pay_in(mine.user, 5_00, plan=mine.plan)
    with time_machine.travel(timezone.now() + datetime.timedelta(days=40)):
        with pytest.raises(Refused, match="Move it to your stash first"):
            circles.leave(mine)
        plans.move_from_plan(
            mine.user, mine.plan, amount_kobo=5_00, reference=references.new("plan_to_stash")
        )
        circles.leave(mine)
        mine.refresh_from_db()
        assert (mine.left_at is None, mine.plan.is_closed) == (False, True)
        # The remaining members can leave as well.
        circles.leave(other)
    assert happened(circle)[-2:] == [Kind.LEFT, Kind.LEFT]


def test_the_owner_cannot_leave_on_the_last_day() -> None:
    mine = start_circle(days=40).memberships.get()
    last_day = timezone.now() + datetime.timedelta(days=39)
    with time_machine.travel(last_day), pytest.raises(Refused, match="Hand it over"):
        circles.leave(mine)


def test_leaving_a_circle_closes_its_plan() -> None:
    membership = join_circle(start_circle())
    with pytest.raises(Refused, match="leave the circle"):
        plans.close(membership.plan)


def test_an_ended_circle_keeps_its_board_when_the_money_moves_to_the_stash() -> None:
    circle = start_circle(product=make_product(Product.Kind.LOCKED), days=60)
    membership = join_circle(circle, saved_kobo=500_00)
    with time_machine.travel(timezone.now() + datetime.timedelta(days=60)):
        assert plans.mature_due_plans(timezone.localdate()) == 1
        assert ledger.balance_kobo(membership.plan.account) == 0
        membership.refresh_from_db()
        assert membership.saved_kobo == 500_00
        assert not [damage for damage in checks.wrong_rows() if damage.check == "circle_sums"]
        circles.leave(membership)
