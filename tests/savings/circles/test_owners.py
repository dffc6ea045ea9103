"""The actions of a circle's owner, and circles whose owner's account is closed."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from savings import circles, references, tasks
from savings.circles import owners
from savings.exceptions import Refused
from savings.models import Circle, CircleEvent, Membership, Postponement, User
from tests.factories import join_circle, make_user, start_circle
from tests.web.staff import sign_in

pytestmark = pytest.mark.django_db


def close(user: User) -> None:
    """Close an account directly in the database, without the signal."""
    User.objects.filter(pk=user.pk).update(is_active=False)


def owner_of(circle: Circle) -> User:
    return Circle.objects.get(pk=circle.pk).owner


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
    owner = circle.memberships.get(user=circle.owner)
    for kept, why in ((full, "money in their plan"), (owner, "You can’t remove the owner")):
        with pytest.raises(Refused, match=why):
            circles.remove_member(circle, kept)
    assert Membership.objects.current().filter(circle=circle).count() == 2
    assert circle.events.filter(kind=CircleEvent.Kind.REMOVED).count() == 1


def test_a_rotated_code_disables_the_old_one() -> None:
    circle = start_circle()
    old = circle.invite_code
    circles.rotate_code(circle)
    with pytest.raises(Refused):
        join_circle(circle, code=old)
    assert join_circle(circle, code=circle.invite_code)


def test_a_closed_account_hands_its_circle_to_the_member_who_joined_first(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    circle = start_circle()
    gone, first, _ = join_circle(circle), join_circle(circle), join_circle(circle)
    circles.leave(gone)
    circle.owner.is_active = False
    with django_capture_on_commit_callbacks(execute=True):
        circle.owner.save()
    assert owner_of(circle) == first.user
    assert circle.events.latest("id").kind == CircleEvent.Kind.HANDED_OVER


def test_staff_who_close_an_account_hand_its_circle_over(
    client: Client, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    circle = start_circle()
    member = join_circle(circle)
    sign_in(make_user(is_staff=True, is_superuser=True), client)
    fields = {"email": circle.owner.email, "name": circle.owner.name, "theme": ""}
    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"/admin/savings/user/{circle.owner.pk}/change/", fields)
    assert not User.objects.get(pk=circle.owner.pk).is_active
    assert owner_of(circle) == member.user


def test_the_scheduled_run_finds_accounts_closed_in_any_other_way() -> None:
    circle = start_circle()
    closed, open_ = join_circle(circle), join_circle(circle)
    close(circle.owner)
    close(closed.user)
    tasks.replace_closed_owners.call_local()
    assert owner_of(circle) == open_.user
    tasks.replace_closed_owners.call_local()
    assert circle.events.filter(kind=CircleEvent.Kind.HANDED_OVER).count() == 1


@pytest.mark.parametrize("is_one_account", [True, False])
def test_a_circle_that_cannot_be_handed_over_delays_no_other(
    monkeypatch: pytest.MonkeyPatch, *, is_one_account: bool
) -> None:
    owner = make_user()
    circles_of_theirs = [start_circle(owner) for _ in range(3)]
    for circle in circles_of_theirs:
        join_circle(circle)
    close(owner)
    real, bad = owners.make_owner, circles_of_theirs[0]

    def appoint(membership: Membership) -> None:
        if membership.circle_id == bad.pk:
            raise ValueError("no")
        real(membership)

    monkeypatch.setattr(owners, "make_owner", appoint)
    assert circles.replace_closed_owners(owner if is_one_account else None) == 2
    assert Postponement.objects.get().row_id == bad.pk


def test_a_circle_without_a_successor_takes_no_newcomers() -> None:
    circle = start_circle(joining=Circle.Joining.OPEN)
    close(circle.owner)
    circles.replace_closed_owners()
    assert not circles.directory("").filter(pk=circle.pk).exists()
    with pytest.raises(Refused, match="no new members"):
        circles.join(make_user(), circle, reference=references.mint(references.CIRCLE_PREFIX), nickname="New")


def test_a_circle_with_an_owner_keeps_it() -> None:
    circle = start_circle()
    member = join_circle(circle)
    assert circles.replace_closed_owners() == 0
    with pytest.raises(Refused, match="Someone already runs"):
        circles.make_owner(member)
    assert owner_of(circle) == circle.owner


def test_nobody_hands_a_circle_to_a_closed_account() -> None:
    circle = start_circle()
    member = join_circle(circle)
    close(member.user)
    with pytest.raises(Refused):
        circles.hand_over(circle, circle.owner, member)


def test_staff_see_circles_without_an_owner_and_appoint_a_member(client: Client) -> None:
    circle, other = start_circle(name="Adrift"), start_circle(name="Well kept")
    join_circle(circle)
    second = join_circle(circle)
    close(circle.owner)
    sign_in(make_user(is_staff=True, is_superuser=True), client)
    page = client.get("/admin/savings/circle/?state=without_owner").content.decode()
    assert "Adrift" in page
    assert other.name not in page
    chosen = {"action": "appoint", "_selected_action": str(second.pk)}
    client.post("/admin/savings/membership/", chosen)
    assert owner_of(circle) == second.user
