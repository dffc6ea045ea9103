"""What the owner of a circle may do, and who follows an owner whose account is closed."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.utils import timezone

from savings import leaderboards, outbox
from savings.circles import members
from savings.exceptions import Refused
from savings.models import Circle, CircleEvent, Membership, User

_NOT_YOURS = "You do not look after this circle any more."
_TASK = "replace_closed_owner"


def edit_circle(
    circle: Circle,
    *,
    name: str | None = None,
    description: str | None = None,
    joining: str | None = None,
    goal_kobo: int | None = None,
) -> None:
    """Rename a circle, describe it anew, say who may join and what it saves for (kobo).

    What is not given stays as it is, and so does its end: every member's plan runs to it, and only its saver moves
    that. Raises Refused, with the field, for an invalid name, description or goal, for another goal once the circle has
    ended, and when somebody else owns it by now.
    """
    changes: dict[str, object] = {}
    if name is not None:
        changes["name"] = members.cleaned_name(name)
    if description is not None:
        changes["description"] = members.cleaned_description(description)
    if goal_kobo is not None:
        members.check_goal(goal_kobo)
        changes["goal_kobo"] = goal_kobo
    if joining is not None:
        changes["joining"] = joining
    if not changes:
        return
    with transaction.atomic():
        # Once a circle has ended, the pages of the plans in it name it: those of all who have a place, gone or not.
        placed = User.objects.filter(memberships__circle=circle, memberships__final_rank__isnull=False)
        User.objects.touch_all(placed)
        now = _locked(circle)
        if goal_kobo not in {None, now.goal_kobo} and now.has_ended(timezone.localdate()):
            raise Refused("This circle has ended: its goal stays what it was.", field="goal")
        if joining is not None and joining not in {now.joining, Circle.Joining.CLOSED}:
            changes["member_limit"] = members.member_limit(joining)
        Circle.objects.filter(pk=circle.pk).update(**changes)
        # Name and goal stand on the board too, and all of it on the members' pages.
        leaderboards.bump_circle_version(circle.pk, "circle")
    circle.refresh_from_db(fields=list(changes))


def rotate_code(circle: Circle) -> None:
    """Give a circle a fresh invite link; the old one no longer works.

    Raises Refused when somebody else owns the circle by now.
    """
    code = members.new_code()
    with transaction.atomic():
        # Nobody else is shown it.
        User.objects.touch(circle.owner_id)
        _locked(circle)
        Circle.objects.filter(pk=circle.pk).update(invite_code=code)
    circle.invite_code = code


def remove_member(circle: Circle, membership: Membership) -> None:
    """Take a member out whose plan in the circle is empty; a second time changes nothing.

    Raises Refused for the owner, while there is money in the plan, and when somebody else owns the circle by now.
    """
    with transaction.atomic():
        # People before circles, as whoever leaves takes them: else the two could wait for each other.
        User.objects.touch(membership.user_id)
        circle = _locked(circle)
        if circle.owner_id == membership.user_id:
            raise Refused("The owner cannot be removed. Hand the circle over first.")
        members.remove_membership(membership, CircleEvent.Kind.REMOVED)


def hand_over(circle: Circle, owner: User, membership: Membership) -> None:
    """Make another member the owner, in the place of `owner`; a second time changes nothing.

    Raises Refused when the member has left, or when the circle is not that owner's any more.
    """
    with transaction.atomic():
        for user_id in sorted((owner.pk, membership.user_id)):
            User.objects.touch(user_id)
        now = Circle.objects.select_for_update().get(pk=circle.pk)
        if now.owner_id == membership.user_id:
            return
        if now.owner_id != owner.pk:
            raise Refused(_NOT_YOURS)
        _set_owner(now, membership)


def make_owner(membership: Membership) -> None:
    """Make a member the owner of their circle, whose owner's account is closed: what staff can do; twice, it is once.

    Raises Refused when the circle has an owner who can run it or has ended, and when the member has left or their own
    account is closed.
    """
    owner_id = Circle.objects.values_list("owner_id", flat=True).get(pk=membership.circle_id)
    with transaction.atomic():
        for user_id in sorted((owner_id, membership.user_id)):
            User.objects.touch(user_id)
        now = Circle.objects.select_for_update().get(pk=membership.circle_id)
        if now.owner_id == membership.user_id:
            return
        if not Circle.objects.without_owner().filter(pk=now.pk, owner_id=owner_id).exists():
            raise Refused("Somebody looks after this circle, or it has ended.")
        _set_owner(now, membership)


def replace_closed_owners(owner: User | None = None) -> int:
    """Hand the circles of closed accounts, or of this one, to the member who joined first; return how many that were.

    A circle in which nobody else is left takes no new members any more, lest a newcomer becomes its owner. One that
    fails is postponed, and the others are handed over. Safe to run twice and at once.
    """
    waiting = Circle.objects.without_owner()
    if owner is None:
        return outbox.for_each_row(_TASK, waiting.order_by("pk"), _replace_owner)
    # Right after an account was closed: one that fails is left to the run of the timetable.
    replaced = 0
    for circle_id in waiting.filter(owner=owner).order_by("pk").values_list("pk", flat=True):
        try:
            replaced += _replace_owner(circle_id)
        except Exception as error:
            if outbox.postpone(_TASK, circle_id, error) is None:
                break
    return replaced


def _replace_owner(circle_id: int) -> bool:
    circle = Circle.objects.get(pk=circle_id)
    able = Membership.objects.current().filter(circle=circle, user__is_active=True)
    heir = able.order_by("joined_at", "pk").first()
    if heir is not None:
        try:
            make_owner(heir)
        except Refused:
            # Somebody was faster, or the member has just left: the next run looks again.
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
    """Make a member the owner of a circle that is locked. Raises Refused when they have left or cannot sign in."""
    able = Membership.objects.current().filter(pk=membership.pk, circle=circle, user__is_active=True)
    if not able.exists():
        raise Refused("Only a member of the circle can look after it.")
    Circle.objects.filter(pk=circle.pk).update(owner_id=membership.user_id)
    members.record_event(membership, CircleEvent.Kind.HANDED_OVER)
    leaderboards.bump_circle_version(circle.pk, "circle")


def _locked(circle: Circle) -> Circle:
    """Return the circle as it is now, kept so for the rest of this database transaction.

    Whoever may do something to a circle may do it as the owner that the circle at hand names. Raises Refused when that
    is not its owner any more.
    """
    now = Circle.objects.select_for_update().get(pk=circle.pk)
    if now.owner_id != circle.owner_id:
        raise Refused(_NOT_YOURS)
    return now


@receiver(post_save, sender=User)
def _replace_closed_owner(instance: User, **_: Any) -> None:
    """Give the circles of a closed account another owner at once."""
    if not instance.is_active:
        # After the commit: it locks other users' rows, and in their order.
        transaction.on_commit(partial(replace_closed_owners, instance), robust=True)
