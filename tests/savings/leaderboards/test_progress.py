"""The total of a circle and its activity."""

from __future__ import annotations

import pytest

from savings import leaderboards, ledger, references
from savings.models import CircleEvent
from tests.factories import join_circle, put_in, start_circle

pytestmark = pytest.mark.django_db

Kind = CircleEvent.Kind


def test_the_total_is_the_sum_of_the_members() -> None:
    circle = start_circle()
    join_circle(circle, saved_kobo=300_00)
    join_circle(circle, saved_kobo=400_05)
    progress = leaderboards.progress_of(circle)
    assert (progress.members, progress.saved_kobo, progress.is_rounded) == (3, 700_05, False)


def test_the_total_is_rounded_while_several_members_hide_their_amounts() -> None:
    circle = start_circle(goal_kobo=1_000_00)
    join_circle(circle, saved_kobo=123_45)
    for _ in range(2):
        join_circle(circle, saved_kobo=100_00, shown={"hides_amount": True})
    progress = leaderboards.progress_of(circle)
    assert (progress.saved_kobo, progress.is_rounded, progress.leaves_one_out) == (320_00, True, False)


@pytest.mark.parametrize("final_kobo", [None, 323_45])
def test_a_single_hidden_amount_is_not_in_the_total(final_kobo: int | None) -> None:
    circle = start_circle(goal_kobo=1_000_00)
    join_circle(circle, saved_kobo=123_45)
    join_circle(circle, saved_kobo=200_00, shown={"hides_amount": True})
    circle.final_kobo = final_kobo
    progress = leaderboards.progress_of(circle)
    assert (progress.saved_kobo, progress.is_rounded, progress.leaves_one_out) == (123_45, False, True)
    assert progress.percent(circle.goal_kobo) == 12


def test_the_activity_shows_savings_without_reversed_ones() -> None:
    membership = join_circle(start_circle())
    movement = put_in(membership.user, 50_00, plan=membership.plan)
    assert membership.circle.events.latest("id").kind == Kind.SAVED
    assert leaderboards.events_of(membership.circle).filter(kind=Kind.SAVED).count() == 1
    ledger.reverse(movement, reference=references.new("reversal"))
    assert not leaderboards.events_of(membership.circle).filter(kind=Kind.SAVED).exists()
