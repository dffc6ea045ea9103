"""Starting and joining circles: their values, invitations, limits and nicknames."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import circles, references
from savings.exceptions import ReferenceTaken, Refused
from savings.models import Circle, CircleEvent, Membership, OutboxRow, Plan, Product
from tests.factories import join_circle, make_plan, make_product, make_user, start_circle

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
        ({"goal_kobo": 0}, "goal_kobo"),
        ({"goal_kobo": 10**16}, "goal_kobo"),
        ({"days": 0}, "ends_on"),
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
