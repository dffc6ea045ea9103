"""The actions of a circle's owner, and the replacement of owners whose accounts are closed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.utils import timezone

from savings import leaderboards, outbox
from savings.circles import details, members, messages
from savings.exceptions import Refused
from savings.models import Circle, CircleEvent, Membership, User

_TASK = "replace_closed_owner"


def edit_circle(
    circle: Circle,
    *,
    name: str | None = None,
    description: str | None = None,
    joining: str | None = None,
    goal_kobo: int | None = None,
) -> None:
    """Change a circle's name, description, joining rule and goal (kobo). None leaves a value unchanged.

    The end cannot change: each member's plan matures on that day, and only its saver may move a maturity.
    Raises Refused, with the field, for an invalid name, description or goal, for a new goal after the circle has ended,
    and when the circle has another owner by now.
    """
    changes = details.cleaned_changes(
        name=name, description=description, joining=joining, goal_kobo=goal_kobo
    )
    if not changes:
        return
    with transaction.atomic():
        # Plan pages name an ended circle for every user with a final rank, including former members.
        ranked_users = User.objects.filter(memberships__circle=circle, memberships__final_rank__isnull=False)
        User.objects.touch_all(ranked_users)
        current = _lock_circle(circle)
        if goal_kobo not in {None, current.goal_kobo} and current.has_ended(timezone.localdate()):
            raise Refused(messages.GOAL_IS_FINAL, field="goal_kobo")
        if joining is not None and joining not in {current.joining, Circle.Joining.CLOSED}:
            changes["member_limit"] = details.member_limit(joining)
        Circle.objects.filter(pk=circle.pk).update(**changes)
        # The leaderboard shows the name and the goal, and members' pages show all of these values.
        leaderboards.bump_circle_version(circle.pk, "circle")
    circle.refresh_from_db(fields=list(changes))


def rotate_code(circle: Circle) -> None:
    """Replace a circle's invite code; the old link stops working.

    Raises Refused when the circle has another owner by now.
    """
    code = details.new_code()
    with transaction.atomic():
        # Only the owner's pages show the code, so no other user's version has to change.
        User.objects.touch(circle.owner_id)
        _lock_circle(circle)
        Circle.objects.filter(pk=circle.pk).update(invite_code=code)
    circle.invite_code = code


def remove_member(circle: Circle, membership: Membership) -> None:
    """Remove a member whose plan in the circle is empty; a second call changes nothing.

    Raises Refused for the owner, while there is money in the plan, and when the circle has another owner by now.
    """
    with transaction.atomic():
        # Users before circles, in the same order as `members.leave`: the opposite order could deadlock with it.
        User.objects.touch(membership.user_id)
        circle = _lock_circle(circle)
        if circle.owner_id == membership.user_id:
            raise Refused(messages.OWNER_CANNOT_BE_REMOVED)
        members.remove_membership(membership, CircleEvent.Kind.REMOVED)


def hand_over(circle: Circle, owner: User, membership: Membership) -> None:
    """Make another member the owner instead of `owner`; a second call changes nothing.

    Raises Refused when the member has left or cannot sign in, and when `owner` no longer owns the circle.
    """
    with transaction.atomic():
        for user_id in sorted((owner.pk, membership.user_id)):
            User.objects.touch(user_id)
        current = Circle.objects.select_for_update().get(pk=circle.pk)
        if current.owner_id == membership.user_id:
            return
        if current.owner_id != owner.pk:
            raise Refused(messages.NOT_OWNER)
        _set_owner(current, membership)


def make_owner(membership: Membership) -> None:
    """Make a member the owner of a circle whose owner's account is closed; a second call changes nothing.

    Staff use this in the admin. Raises Refused when the circle has an owner with an open account or has ended, and when
    the member has left or their own account is closed.
    """
    owner_id = Circle.objects.values_list("owner_id", flat=True).get(pk=membership.circle_id)
    with transaction.atomic():
        for user_id in sorted((owner_id, membership.user_id)):
            User.objects.touch(user_id)
        circle = Circle.objects.select_for_update().get(pk=membership.circle_id)
        if circle.owner_id == membership.user_id:
            return
        if not Circle.objects.without_owner().filter(pk=circle.pk, owner_id=owner_id).exists():
            raise Refused(messages.HAS_OWNER)
        _set_owner(circle, membership)


def end_memberships(user: User) -> None:
    """End the memberships of a person whose account closes, in the caller's transaction.

    A circle of theirs without another member takes nobody any more. Raises Refused while there is money in a plan, and
    when a circle of theirs has other members: it has to be handed over first.
    """
    User.objects.touch(user.pk)
    for membership in Membership.objects.current().filter(user=user).order_by("circle_id"):
        circle = Circle.objects.select_for_update().get(pk=membership.circle_id)
        if circle.owner_id == user.pk and not circle.has_ended(timezone.localdate()):
            if Membership.objects.current().filter(circle=circle).exclude(user=user).exists():
                raise Refused(messages.OWNER_CANNOT_LEAVE)
            Circle.objects.filter(pk=circle.pk).update(joining=Circle.Joining.CLOSED)
            leaderboards.bump_circle_version(circle.pk, "circle")
        members.remove_membership(membership, CircleEvent.Kind.LEFT)


def erase_member(user: User, *, nickname: Callable[[int], str]) -> None:
    """Replace the nicknames of a person whose data is erased, and the texts of circles that only they were in.

    `nickname` returns the one to show, by the id of a membership. Call it in an atomic block, after the account closed.
    """
    memberships = Membership.objects.filter(user=user)
    for membership in memberships:
        Membership.objects.filter(pk=membership.pk).update(nickname=nickname(membership.pk))
    others = Membership.objects.exclude(user=user).filter(circle=OuterRef("pk"))
    for circle in Circle.objects.filter(~Exists(others), owner=user):
        Circle.objects.filter(pk=circle.pk).update(
            name=f"Circle {circle.pk}",
            description="",
            slug=f"circle-{circle.pk}-{details.new_code()[:8].lower()}",
            invite_code=details.new_code(),
        )
    for circle_id in {membership.circle_id for membership in memberships}:
        leaderboards.bump_circle_version(circle_id, "circle")


def replace_closed_owners(owner: User | None = None) -> int:
    """Give circles whose owner's account is closed to the member who joined first; return how many were given.

    With `owner`, only the circles of that closed account. A circle without another member stops taking new members,
    otherwise a newcomer would become its owner. A circle that fails is postponed, and the others are handled.
    Safe to run twice and concurrently.
    """
    ownerless = Circle.objects.without_owner()
    if owner is None:
        return outbox.for_each_row(_TASK, ownerless.order_by("pk"), _replace_owner)
    # Called right after an account was closed: a circle that fails waits for the scheduled run.
    replaced = 0
    for circle_id in ownerless.filter(owner=owner).order_by("pk").values_list("pk", flat=True):
        try:
            replaced += _replace_owner(circle_id)
        except Exception as error:
            if outbox.postpone(_TASK, circle_id, error) is None:
                break
    return replaced


def _replace_owner(circle_id: int) -> bool:
    circle = Circle.objects.get(pk=circle_id)
    candidates = Membership.objects.current().filter(circle=circle, user__is_active=True)
    successor = candidates.order_by("joined_at", "pk").first()
    if successor is not None:
        try:
            make_owner(successor)
        except Refused:
            # Another worker replaced the owner first, or the member has just left: the next run tries again.
            return False
        return True
    with transaction.atomic():
        unattended = (
            Circle.objects.without_owner().filter(pk=circle.pk).exclude(joining=Circle.Joining.CLOSED)
        )
        if unattended.update(joining=Circle.Joining.CLOSED):
            leaderboards.bump_circle_version(circle.pk, "circle")
    return False


def _set_owner(circle: Circle, membership: Membership) -> None:
    """Make a member the owner of a locked circle. Raises Refused when the member has left or cannot sign in."""
    candidates = Membership.objects.current().filter(pk=membership.pk, circle=circle, user__is_active=True)
    if not candidates.exists():
        raise Refused(messages.OWNER_MUST_BE_MEMBER)
    Circle.objects.filter(pk=circle.pk).update(owner_id=membership.user_id)
    members.record_event(membership, CircleEvent.Kind.HANDED_OVER)
    leaderboards.bump_circle_version(circle.pk, "circle")


def _lock_circle(circle: Circle) -> Circle:
    """Return the current circle, locked for the rest of this database transaction.

    Access was checked against the owner of the given instance. Raises Refused when the circle has another owner by now.
    """
    current = Circle.objects.select_for_update().get(pk=circle.pk)
    if current.owner_id != circle.owner_id:
        raise Refused(messages.NOT_OWNER)
    return current


@receiver(post_save, sender=User)
def _replace_closed_owner(instance: User, **_: Any) -> None:
    """Replace the owner of a closed account's circles at once."""
    if not instance.is_active:
        # After the commit, because it locks the rows of other users, in the order of their ids.
        transaction.on_commit(partial(replace_closed_owners, instance), robust=True)
