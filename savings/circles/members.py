"""Members of a circle: leave it, change how the others see a member, and record events of the circle's activity."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from savings import leaderboards, plans
from savings.circles import messages, nicknames
from savings.exceptions import Refused
from savings.models import Account, Circle, CircleEvent, Membership, Plan, User

_STILL_MONEY: dict[str, str] = {
    CircleEvent.Kind.LEFT: messages.OWN_PLAN_NOT_EMPTY,
    CircleEvent.Kind.REMOVED: messages.MEMBERS_PLAN_NOT_EMPTY,
}


def leave(membership: Membership) -> None:
    """End a membership at the member's own request and close its plan; a second call changes nothing.

    Raises Refused while there is money in the plan, and for the owner of a circle that has not ended, who must hand the
    circle over first.
    """
    with transaction.atomic():
        User.objects.touch(membership.user_id)
        # Without the lock, a hand-over to this member at the same moment would give the circle an owner who has left.
        circle = Circle.objects.select_for_update().get(pk=membership.circle_id)
        # After its end nobody can join a circle, and neither its goal nor its ranks change, so it needs no owner. The
        # row still names the former owner, which gives no access: owner actions require a current membership.
        if circle.owner_id == membership.user_id and not circle.has_ended(timezone.localdate()):
            raise Refused(messages.OWNER_CANNOT_LEAVE)
        remove_membership(membership, CircleEvent.Kind.LEFT)


def remove_membership(membership: Membership, event_kind: str) -> None:
    """End a membership, close its plan and record the event, in the caller's transaction.

    Does nothing for a membership that has ended. Raises Refused while there is money in the plan.
    """
    membership.refresh_from_db()
    if membership.left_at is not None:
        return
    if Account.objects.filter(plan_id=membership.plan_id, balance_kobo__gt=0).exists():
        raise Refused(_STILL_MONEY[event_kind])
    leaderboards.record_membership_change(membership, f"left:{membership.pk}", left_at=timezone.now())
    plans.close(Plan.objects.get(pk=membership.plan_id))
    record_event(membership, event_kind)


def change_appearance(
    membership: Membership,
    *,
    nickname: str | None = None,
    hides_amount: bool | None = None,
    on_board: bool | None = None,
) -> None:
    """Change a member's nickname, whether the circle sees their amount, and whether they are on the leaderboard.

    None leaves a setting unchanged. Raises Refused for an invalid nickname, a nickname that another member has, a
    membership that has ended, and joining a leaderboard whose ranks are final.
    """
    given = {"nickname": nickname, "hides_amount": hides_amount, "on_board": on_board}
    changes = {field: value for field, value in given.items() if value is not None}
    if nickname is not None:
        changes["nickname"] = nickname = nicknames.cleaned_nickname(nickname)
    with transaction.atomic():
        User.objects.touch(membership.user_id)
        membership.refresh_from_db()
        if membership.left_at is not None:
            raise Refused(messages.NOT_A_MEMBER)
        if (
            on_board
            and not membership.on_board
            and membership.final_rank is None
            and membership.circle.settled_at
        ):
            raise Refused(messages.RANKING_IS_FINAL, field="on_board")
        if nickname is not None:
            nicknames.check_nickname_free(membership.circle_id, nickname, excluding=membership)
        if changes:
            with nicknames.refusing_taken_nickname():
                leaderboards.record_membership_change(membership, f"shown:{membership.version}", **changes)
    membership.refresh_from_db()


def record_event(membership: Membership, kind: str) -> None:
    """Add an event to the circle's activity."""
    CircleEvent.objects.create(circle_id=membership.circle_id, membership=membership, kind=kind)
