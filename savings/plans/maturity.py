"""What happens on the day a plan ends: its money moves to the stash, or the plan starts again for as long."""

from __future__ import annotations

import datetime

from django.db import transaction

from savings import leaderboards, ledger, mails, outbox, references
from savings.models import Membership, Plan, Transaction, User
from savings.plans import stash


def mature_due_plans(today: datetime.date) -> int:
    """Carry out every maturity that has come by that day, and return how many there were; safe to run at any time.

    A plan whose maturity fails is postponed, and the others mature.
    """
    due = Plan.objects.open().filter(matures_on__lte=today)
    waiting = due.filter(account__balance_kobo__gt=0) | due.filter(at_maturity=Plan.AtMaturity.ROLLOVER)
    plans = Plan.objects.select_related("user", "product", "account")
    return outbox.for_each_row(
        "mature_plan",
        waiting.order_by("matures_on", "id"),
        lambda plan_id: mature_plan(plans.get(pk=plan_id), today),
    )


def mature_plan(plan: Plan, today: datetime.date) -> bool:
    """Carry out one plan's maturity. False when there is nothing (more) to do."""
    with transaction.atomic():
        User.objects.touch(plan.user_id)
        plan.refresh_from_db(fields=["started_on", "matures_on", "closed_at", "at_maturity"])
        if plan.is_closed or not plan.is_matured(today):
            return False
        if plan.at_maturity == Plan.AtMaturity.ROLLOVER:
            return _roll_over(plan, today)
        balance_kobo = ledger.balance_kobo(plan.account)
        if not balance_kobo:
            return False
        movement = stash.move_from_plan(
            plan.user, plan, amount_kobo=balance_kobo, reference=references.new("plan_to_stash")
        )
        _notify(plan, movement)
    return True


def is_maturity_due(plan: Plan, today: datetime.date) -> bool:
    """Tell whether money of a plan, which comes with its account, has still to move to the stash at its maturity."""
    is_over = plan.is_matured(today) and not plan.is_closed and plan.at_maturity == Plan.AtMaturity.STASH
    return is_over and bool(plan.account.balance_kobo)


def _notify(plan: Plan, movement: Transaction) -> None:
    """Tell a person where their money is, with the result of the circle that the plan was in, where it has ended."""
    inside = Membership.objects.current().filter(plan=plan, circle__settled_at__isnull=False)
    member = inside.select_related("circle", "user").first()
    if member is not None:
        result = leaderboards.progress_of(member.circle)
        if mails.circle_ended(member, member.circle, result, movement):
            return
    mails.plan_matured(movement)


def _roll_over(plan: Plan, today: datetime.date) -> bool:
    """Start the plan again for as long, on its own rate: what it earned stays provable with one rate per account."""
    while plan.matures_on is not None and plan.matures_on <= today:
        plan.matures_on, plan.started_on = (
            plan.matures_on + (plan.matures_on - plan.started_on),
            plan.matures_on,
        )
    plan.save(update_fields=["started_on", "matures_on"])
    return True
