"""Circles: starting, joining and leaving them, nicknames, and the owner's actions."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import circles, leaderboards, ledger, plans, references
from savings.exceptions import ReferenceTaken, Refused
from savings.ledger import checks
from savings.models import Circle, CircleEvent, Membership, OutboxRow, Plan, Product
from tests.factories import join_circle, make_plan, make_product, make_user, pay_in, start_circle

pytestmark = pytest.mark.django_db

Kind = CircleEvent.Kind


def join(circle: Circle, **fields: Any) -> Membership:
    values: dict[str, Any] = {
        "reference": references.mint(references.CIRCLE_PREFIX),
        "nickname": "Bola",
        "code": circle.invite_code,
    }
    return circles.join(fields.pop("user", None) or make_user(), circle, **values | fields)


def change(circle: Circle, **fields: Any) -> None:
    Circle.objects.filter(pk=circle.pk).update(**fields)
    circle.refresh_from_db()


def happened(circle: Circle) -> list[str]:
    return list(circle.events.order_by("id").values_list("kind", flat=True))


def test_the_starter_of_a_circle_owns_it_and_has_a_plan_in_it() -> None:
    owner = make_user()
    circle = start_circle(owner, make_product(Product.Kind.LOCKED), name="December in Enugu", days=60)
    mine = circle.memberships.get()
    assert circle.owner == mine.user == owner
    assert (mine.plan.name, mine.plan.matures_on) == ("December in Enugu", circle.ends_on)
    assert circle.slug.startswith("december-in-enugu-")
    assert happened(circle) == [Kind.STARTED]


def test_a_circle_is_started_once_per_reference() -> None:
    owner, product, reference = make_user(), make_product(), references.mint(references.CIRCLE_PREFIX)
    ends_on = timezone.localdate() + datetime.timedelta(days=30)
    values: dict[str, Any] = {
        "reference": reference,
        "name": "Car",
        "goal_kobo": 1_00,
        "ends_on": ends_on,
        "nickname": "Ada",
    }
    first = circles.start_circle(owner, product, **values)
    assert circles.start_circle(owner, product, **values) == first
    assert Circle.objects.count() == Plan.objects.count() == 1


def test_a_name_without_latin_letters_still_has_a_slug() -> None:
    assert start_circle(name="家").slug.startswith("circle-")


def test_a_plan_of_the_same_name_does_not_prevent_joining() -> None:
    owner = make_user()
    make_plan(owner, name="Car")
    assert start_circle(owner, name="Car").memberships.get().plan.name == "Car (2)"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": " \u200b"}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"goal_kobo": 0}, "goal"),
        ({"goal_kobo": 10**16}, "goal"),
        ({"days": 0}, "matures_on"),
        ({"nickname": ""}, "nickname"),
    ],
)
def test_invalid_circles_are_refused(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        start_circle(**fields)
    assert refused.value.field == field
    assert not Circle.objects.exists()
    assert not Plan.objects.exists()


def test_joining_opens_a_plan_on_the_circle_s_terms_and_is_confirmed_by_mail() -> None:
    circle = start_circle(product=make_product(Product.Kind.LOCKED), days=60)
    membership = join(circle)
    assert (membership.plan.product, membership.plan.matures_on) == (circle.product, circle.ends_on)
    assert happened(circle) == [Kind.STARTED, Kind.JOINED]
    assert OutboxRow.objects.get(kind="circle_joined").user == membership.user


def test_a_reference_of_another_circle_starts_and_joins_nothing() -> None:
    user, product = make_user(), make_product()
    reference = references.mint(references.CIRCLE_PREFIX)
    ends_on = timezone.localdate() + datetime.timedelta(days=90)
    asked: dict[str, Any] = {"reference": reference, "ends_on": ends_on, "nickname": "Ada", "name": "Rent"}
    circles.start_circle(user, product, **asked, goal_kobo=100_00)
    with pytest.raises(ReferenceTaken):
        circles.start_circle(user, product, **asked | {"name": "School"}, goal_kobo=100_00)
    with pytest.raises(ReferenceTaken):
        circles.start_circle(user, product, **asked, goal_kobo=200_00)
    with pytest.raises(ReferenceTaken):
        join(start_circle(), user=user, reference=reference)


def test_a_description_is_measured_after_normalisation() -> None:
    # One letter that Unicode stores as three.
    text = "\ufb2c" * 101
    with pytest.raises(Refused, match="300 characters") as refused:
        start_circle(description=text)
    assert refused.value.field == "description"
    with pytest.raises(Refused, match="300 characters"):
        circles.edit_circle(start_circle(), description=text)


def test_the_same_form_joins_once() -> None:
    circle, user, reference = start_circle(), make_user(), references.mint(references.CIRCLE_PREFIX)
    first = join(circle, user=user, reference=reference)
    assert join(circle, user=user, reference=reference) == first
    assert user.plans.count() == OutboxRow.objects.filter(kind="circle_joined").count() == 1


def test_a_member_cannot_join_again() -> None:
    membership = join_circle(start_circle())
    with pytest.raises(Refused, match="already"):
        join(membership.circle, user=membership.user, nickname="Other")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"joining": Circle.Joining.CLOSED}, "takes no new members"),
        ({"member_limit": 1}, "is full"),
        ({"starts_on": datetime.date(2020, 1, 1), "ends_on": datetime.date(2020, 2, 1)}, "has ended"),
        ({"invite_code": "new"}, "no longer valid"),
    ],
)
def test_circles_that_nobody_can_join(fields: dict[str, Any], sentence: str) -> None:
    circle = start_circle()
    code = circle.invite_code
    change(circle, **fields)
    with pytest.raises(Refused, match=sentence):
        join(circle, code=code)
    assert circle.memberships.count() == 1


def test_an_invitation_is_needed_unless_a_circle_is_open() -> None:
    with pytest.raises(Refused, match="no longer valid"):
        join(start_circle(), code=None)
    assert join(start_circle(joining=Circle.Joining.OPEN), code=None).left_at is None


def test_an_open_circle_has_no_limit_and_one_by_invitation_has_the_limit_of_the_settings(
    settings: Settings,
) -> None:
    settings.CIRCLE_MEMBER_LIMIT = 7
    assert start_circle(joining=Circle.Joining.OPEN).member_limit is None
    circle = start_circle()
    assert circle.member_limit == 7
    circles.edit_circle(
        circle, name="A", description="", joining=Circle.Joining.OPEN, goal_kobo=circle.goal_kobo
    )
    assert circle.member_limit is None


def test_a_circle_that_ends_too_soon_for_its_plans_says_so() -> None:
    circle = start_circle(product=make_product(Product.Kind.LOCKED), days=40)
    change(circle, ends_on=timezone.localdate() + datetime.timedelta(days=20))
    with pytest.raises(Refused, match="ends too soon"):
        join(circle)


@pytest.mark.parametrize(
    "nickname",
    [
        "",
        "   ",
        "x" * 200,
        "ada@example.com",
        "Ada\u200b",
        "\u3164",
        "A\u202eda",
        "A\x00",
        "owner",
        "ＯＷＮＥＲ",
    ],
)
def test_nicknames_that_are_refused(nickname: str) -> None:
    circle = start_circle(nickname="Owner")
    with pytest.raises(Refused) as refused:
        join(circle, nickname=nickname)
    assert refused.value.field == "nickname"
    assert circle.memberships.count() == 1


@pytest.mark.parametrize("nickname", ["<b>Ada</b>", "Ọlá", "Ada ❤️", "@ada", "O'Neil"])
def test_unusual_nicknames_are_accepted(nickname: str) -> None:
    assert join(start_circle(), nickname=nickname).nickname


def test_leaving_closes_the_plan_and_frees_the_nickname() -> None:
    membership = join_circle(start_circle(), nickname="Bola")
    circles.leave(membership)
    circles.leave(membership)
    membership.refresh_from_db()
    assert membership.left_at
    assert membership.plan.is_closed
    assert happened(membership.circle) == [Kind.STARTED, Kind.JOINED, Kind.LEFT]
    again = join(membership.circle, user=membership.user, nickname="Bola")
    assert again.pk != membership.pk


def test_a_member_with_money_in_the_plan_cannot_leave() -> None:
    membership = join_circle(start_circle(), saved_kobo=1)
    with pytest.raises(Refused, match="taken out first"):
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
        with pytest.raises(Refused, match="taken out first"):
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


def test_only_the_owner_hands_over_and_only_to_a_member() -> None:
    circle = start_circle()
    other, gone = join_circle(circle), join_circle(circle)
    circles.leave(gone)
    with pytest.raises(Refused):
        circles.hand_over(circle, circle.owner, gone)
    with pytest.raises(Refused):
        circles.hand_over(circle, make_user(), other)


def test_a_member_is_removed_only_with_an_empty_plan_and_the_owner_never() -> None:
    circle = start_circle()
    empty, full = join_circle(circle), join_circle(circle, saved_kobo=5_00)
    circles.remove_member(circle, empty)
    for kept in (full, circle.memberships.get(user=circle.owner)):
        with pytest.raises(Refused):
            circles.remove_member(circle, kept)
    assert Membership.objects.current().filter(circle=circle).count() == 2
    assert happened(circle).count(Kind.REMOVED) == 1


def test_a_rotated_code_disables_the_old_one() -> None:
    circle = start_circle()
    old = circle.invite_code
    circles.rotate_code(circle)
    with pytest.raises(Refused):
        join(circle, code=old)
    assert join(circle, code=circle.invite_code)


def test_leaving_a_circle_closes_its_plan() -> None:
    membership = join_circle(start_circle())
    with pytest.raises(Refused, match="leave the circle"):
        plans.close(membership.plan)


def test_the_total_is_the_sum_of_the_members() -> None:
    circle = start_circle()
    join_circle(circle, saved_kobo=300_00)
    join_circle(circle, saved_kobo=400_05)
    progress = leaderboards.progress_of(circle)
    assert (progress.members, progress.saved_kobo, progress.is_rounded) == (3, 700_05, False)


def test_the_total_is_rounded_while_a_member_hides_their_amount() -> None:
    circle = start_circle(goal_kobo=1_000_00)
    join_circle(circle, saved_kobo=123_45)
    join_circle(circle, saved_kobo=200_00, shown={"hides_amount": True})
    progress = leaderboards.progress_of(circle)
    assert (progress.saved_kobo, progress.is_rounded) == (320_00, True)


def test_the_activity_shows_savings_without_reversed_ones() -> None:
    membership = join_circle(start_circle())
    movement = pay_in(membership.user, 50_00, plan=membership.plan)
    assert happened(membership.circle)[-1] == Kind.SAVED
    assert leaderboards.events_of(membership.circle).filter(kind=Kind.SAVED).count() == 1
    ledger.reverse(movement, reference=references.new("reversal"))
    assert not leaderboards.events_of(membership.circle).filter(kind=Kind.SAVED).exists()


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


@pytest.mark.django_db(transaction=True)
def test_two_at_once_cannot_both_take_the_last_vacancy() -> None:
    circle = start_circle()
    change(circle, member_limit=2)
    one, other = make_user(), make_user()
    refusals = at_once(
        lambda: join(circle, user=one, nickname="One"), lambda: join(circle, user=other, nickname="Other")
    )
    assert len(refusals) == 1
    assert circle.memberships.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_at_once_cannot_both_take_one_nickname() -> None:
    circle = start_circle(joining=Circle.Joining.OPEN)
    one, other = make_user(), make_user()
    refusals = at_once(
        lambda: join(circle, user=one, nickname="Same"), lambda: join(circle, user=other, nickname="Same")
    )
    assert [refusal.field for refusal in refusals] == ["nickname"]
    assert Plan.objects.count() == circle.memberships.count() == 2


def at_once(*calls: Callable[[], object]) -> list[Refused]:
    """Run the calls at the same moment, and return what was refused."""
    start, refusals = threading.Barrier(len(calls)), []

    def run(call: Callable[[], object]) -> None:
        start.wait(10)
        try:
            call()
        except Refused as refused:
            refusals.append(refused)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return refusals
