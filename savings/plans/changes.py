"""Changes of a running plan: its end, its goal, what happens at maturity, and its interest. The rate never changes."""

from __future__ import annotations

import datetime

from django.db.transaction import atomic
from django.utils import timezone

from savings import leaderboards, ledger
from savings.exceptions import Refused
from savings.models import Membership, Plan, User
from savings.plans import messages, terms
from savings.plans.goals import accept_goal
from savings.plans.plans import lock_plan


def extend(plan: Plan, matures_on: datetime.date) -> None:
    """Move a plan's maturity to a later day at the same rate. The present day of maturity changes nothing.

    Raises Refused for a closed or matured plan, an earlier day, and a day beyond the longest term that the plan was
    opened with.
    """
    with atomic():
        now = lock_plan(plan)
        terms.check_extension(now, matures_on, timezone.localdate())
        now.matures_on = matures_on
        Plan.objects.filter(pk=plan.pk).update(matures_on=matures_on)
        ledger.move_maturity(now)
    plan.matures_on = matures_on


def change_goal(plan: Plan, target_kobo: int | None) -> None:
    """Change a plan's goal (kobo), or remove it with None.

    The rules are those of opening: a target plan has a goal, and the smallest one is that of the plan's circle, or of
    its product today. Raises Refused, on the field `target_kobo`, for another goal, a closed plan, and a plan of a
    circle that has ended: the final leaderboard compares the goals of that day.
    """
    with atomic():
        now = lock_plan(plan)
        _check_open(now, field="target_kobo")
        member = _membership(now)
        if member is not None and member.circle.has_ended(timezone.localdate()):
            raise Refused(messages.CIRCLE_GOAL_FINAL, field="target_kobo")
        smallest_kobo = (member.circle if member else now.product).min_target_kobo
        terms.check_target(target_kobo, kind=now.product_kind, min_target_kobo=smallest_kobo)
        if target_kobo == now.target_kobo:
            return
        Plan.objects.filter(pk=plan.pk).update(target_kobo=target_kobo)
        if target_kobo is not None:
            accept_goal(now, target_kobo)
        if member is not None:
            # One order of the leaderboard is the share of the own goal.
            leaderboards.record_membership_change(member, "goal")
    plan.target_kobo = target_kobo


def change_at_maturity(plan: Plan, at_maturity: str) -> None:
    """Choose what happens to a plan's money at maturity (`Plan.AtMaturity`), until the day before.

    Raises Refused, on the field `at_maturity`, for a plan that is closed, has matured or has no end, and for starting
    again with a plan of a circle: the circle ends on that day. Raises ValueError for an unknown choice.
    """
    choice = Plan.AtMaturity(at_maturity)
    with atomic():
        now = lock_plan(plan)
        _check_open(now, field="at_maturity")
        if now.matures_on is None:
            raise Refused(messages.NO_MATURITY, field="at_maturity")
        if now.is_matured(timezone.localdate()):
            raise Refused(messages.MATURITY_PAST, field="at_maturity")
        if choice in Plan.RENEWING and _membership(now) is not None:
            raise Refused(messages.CIRCLE_CANNOT_RENEW, field="at_maturity")
        Plan.objects.filter(pk=plan.pk).update(at_maturity=choice)
        now.at_maturity = choice
        # A plan that starts again earns beyond its maturity.
        ledger.move_maturity(now)
    plan.at_maturity = choice


def change_interest_to(plan: Plan, interest_to: str) -> None:
    """Choose where a plan's monthly interest goes from the next posting on (`Plan.InterestTo`).

    Raises Refused, on the field `interest_to`, for a closed plan; for a plan of a circle, whose interest always goes to
    the stash; and where interest is paid at maturity: `at_maturity` decides there, because that interest stays in the
    plan only if the plan starts again with it. Raises ValueError for an unknown choice.
    """
    choice = Plan.InterestTo(interest_to)
    with atomic():
        now = lock_plan(plan)
        _check_open(now, field="interest_to")
        if _membership(now) is not None:
            raise Refused(messages.CIRCLE_INTEREST, field="interest_to")
        if not now.pays_monthly:
            raise Refused(messages.INTEREST_AT_MATURITY, field="interest_to")
        Plan.objects.filter(pk=plan.pk).update(interest_to=choice)
    plan.interest_to = choice


def switch_interest(plan: Plan, *, on: bool) -> None:
    """Switch the interest of one plan on or off from tomorrow on. Doing it again changes nothing.

    Interest earned until then stays, and is posted when it is due. While the owner's switch for all plans is off, the
    plan earns nothing, and its own switch counts afterwards. Raises Refused, on the field `earns_interest`, for a
    closed plan.
    """
    with atomic():
        now = lock_plan(plan)
        _check_open(now, field="earns_interest")
        if on != now.earns_interest:
            Plan.objects.filter(pk=plan.pk).update(earns_interest=on)
            if _wants_interest(now.user_id):
                ledger.change_rate(now.account, now.rate_bps if on else 0)
    plan.earns_interest = on


def switch_all_interest(user: User, *, on: bool) -> None:
    """Switch the interest of all plans of a user on or off from tomorrow on. Doing it again changes nothing.

    Interest earned until then stays, and is posted when it is due. A plan that was switched off alone stays off. Plans
    that are opened later follow this switch too.
    """
    with atomic():
        User.objects.touch(user.pk)
        if on != _wants_interest(user.pk):
            User.objects.filter(pk=user.pk).update(earns_interest=on)
            wanting = Plan.objects.open().filter(user=user, earns_interest=True)
            for plan in wanting.select_related("account").select_for_update(of=("self",)).order_by("pk"):
                ledger.change_rate(plan.account, plan.rate_bps if on else 0)
    user.earns_interest = on


def _check_open(plan: Plan, *, field: str) -> None:
    if plan.is_closed:
        raise Refused(messages.CLOSED, field=field)


def _membership(plan: Plan) -> Membership | None:
    """Return the membership of the circle that a plan is a part of."""
    return Membership.objects.current().filter(plan=plan).select_related("circle").first()


def _wants_interest(user_id: int) -> bool:
    return User.objects.values_list("earns_interest", flat=True).get(pk=user_id)
