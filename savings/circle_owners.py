"""What the owner of a circle may do: change it, invite, remove a member, hand the circle over."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from savings import circles, scores
from savings.exceptions import Refused
from savings.models import Circle, CircleEvent, Membership, User


def change(circle: Circle, *, name: str, description: str, joining: str, goal_kobo: int) -> None:
    """Rename a circle, describe it anew, say who may join and what it saves for (kobo).

    Its end stays: every member's plan runs to it, and those only their savers move. Raises Refused, with the field,
    for a name or goal that is none, and for another goal once the circle has ended.
    """
    name = circles.cleaned_name(name)
    circles.check_goal(goal_kobo)
    if goal_kobo != circle.goal_kobo and circle.has_ended(timezone.localdate()):
        raise Refused("This circle has ended: its goal stays what it was.", field="goal")
    changes: dict[str, object] = {
        "name": name,
        "description": description.strip(),
        "joining": joining,
        "goal_kobo": goal_kobo,
    }
    if joining not in {circle.joining, Circle.Joining.CLOSED}:
        changes["member_limit"] = circles.limit_for(joining)
    with transaction.atomic():
        # Once a circle has ended, the pages of the plans in it name it: those of all who have a place, gone or not.
        placed = User.objects.filter(memberships__circle=circle, memberships__final_rank__isnull=False)
        User.objects.touch_all(placed)
        Circle.objects.filter(pk=circle.pk).update(**changes)
        # Name and goal stand on the board too, and all of it on the members' pages.
        scores.tell_circle(circle.pk, "circle")
    circle.refresh_from_db(fields=list(changes))


def rotate_code(circle: Circle) -> None:
    """Give a circle a fresh invite link; the old one is nothing any more."""
    circle.invite_code = circles.new_code()
    with transaction.atomic():
        # Nobody else is shown it.
        User.objects.touch(circle.owner_id)
        Circle.objects.filter(pk=circle.pk).update(invite_code=circle.invite_code)


def remove(circle: Circle, membership: Membership) -> None:
    """Take a member out whose plan in the circle is empty; a second time changes nothing.

    Raises Refused for the owner, and while there is money in the plan.
    """
    with transaction.atomic():
        # People before circles, as whoever leaves takes them: else the two could wait for each other.
        User.objects.touch(membership.user_id)
        circle = _locked(circle)
        if circle.owner_id == membership.user_id:
            raise Refused("The owner cannot be removed. Hand the circle over first.")
        circles.take_out(membership, CircleEvent.Kind.REMOVED)


def hand_over(circle: Circle, owner: User, membership: Membership) -> None:
    """Make another member the owner, in the place of `owner`; a second time changes nothing.

    Raises Refused when the member has left, or when the circle is not that owner's any more.
    """
    with transaction.atomic():
        for user_id in sorted((owner.pk, membership.user_id)):
            User.objects.touch(user_id)
        now = _locked(circle)
        if now.owner_id == membership.user_id:
            return
        if now.owner_id != owner.pk:
            raise Refused("You do not look after this circle any more.")
        if not Membership.objects.current().filter(pk=membership.pk, circle=circle).exists():
            raise Refused("Only a member of the circle can look after it.")
        Circle.objects.filter(pk=circle.pk).update(owner_id=membership.user_id)
        circles.tell(membership, CircleEvent.Kind.HANDED_OVER)
        scores.tell_circle(circle.pk, "circle")


def _locked(circle: Circle) -> Circle:
    """Return the circle as it is now, kept so for the rest of this database transaction."""
    return Circle.objects.select_for_update().get(pk=circle.pk)
