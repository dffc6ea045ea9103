"""Maturity: on the day a plan ends its money moves to the stash, or the plan rolls over into a new term."""

from __future__ import annotations

import datetime

from django.db.transaction import atomic

from savings import leaderboards, ledger, mails, outbox, references
from savings.models import Membership, Plan, Transaction, User
from savings.plans import stash


def mature_due_plans(today: datetime.date) -> int:
    """Process the plans that have matured by a day and return their number. Safe to run at any time, and twice.

    A plan whose maturity fails is postponed, and the other plans still mature.
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
    """Process the maturity of one plan, and return whether there was anything to do."""
    with atomic():
        User.objects.touch(plan.user_id)
        plan.refresh_from_db(fields=["started_on", "matures_on", "closed_at", "at_maturity"])
        if plan.is_closed or not plan.is_matured(today):
            return False
        if plan.at_maturity == Plan.AtMaturity.ROLLOVER:
            return _roll_over(plan, today)
        balance_kobo = ledger.balance_kobo(plan.account)
        if not balance_kobo:
            return False
        transaction = stash.move_from_plan(
            plan.user, plan, amount_kobo=balance_kobo, reference=references.new("plan_to_stash")
        )
        _notify(plan, transaction)
    return True


def is_maturity_due(plan: Plan, today: datetime.date) -> bool:
    """Return whether a plan has matured and its money still has to move to the stash. Reads `plan.account`."""
    is_due = plan.is_matured(today) and not plan.is_closed and plan.at_maturity == Plan.AtMaturity.STASH
    return is_due and bool(plan.account.balance_kobo)


def _notify(plan: Plan, transaction: Transaction) -> None:
    """Mail the owner that the money is in their stash, with the result of the plan's circle where it has ended."""
    memberships = Membership.objects.current().filter(plan=plan, circle__settled_at__isnull=False)
    member = memberships.select_related("circle", "user").first()
    if member is not None:
        result = leaderboards.progress_of(member.circle)
        if mails.circle_ended(member, member.circle, result, transaction):
            return
    mails.plan_matured(transaction)


def _roll_over(plan: Plan, today: datetime.date) -> bool:
    """Start a new term of the same length at the same rate.

    The rate does not change because the ledger check of accrued interest needs one rate per account.
    """
    while plan.matures_on is not None and plan.matures_on <= today:
        plan.matures_on, plan.started_on = (
            plan.matures_on + (plan.matures_on - plan.started_on),
            plan.matures_on,
        )
    plan.save(update_fields=["started_on", "matures_on"])
    return True
