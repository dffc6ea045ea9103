"""Goals: a goal that a posting reaches is an event, with a mail and a line in the circle's activity, once per goal."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.transaction import atomic
from django.utils import timezone

from savings import mails, outbox
from savings.models import CircleEvent, Entry, Membership, Plan, Transaction, User
from savings.plans.standing import QUARTERS, milestone

# A plan remembers its highest goal so far. A goal that was reached, fell below and is reached again is no second event,
# and neither is a lower one; a higher one is.
_IS_NEW = Q(reached_kobo=None) | Q(reached_kobo__lt=F("target_kobo"))


def record_goal(plan: Plan, added_kobo: int) -> None:
    """Record that a posting of kobo has brought a plan to its goal, if it has.

    Call it in the transaction of the posting. `plan` and its account were read under the lock of the owner's row and
    before the posting. Nothing is read from the database unless the goal is reached.
    """
    balance_kobo = (plan.account.balance_kobo or 0) + added_kobo
    if plan.target_kobo and balance_kobo >= plan.target_kobo > (plan.reached_kobo or 0):
        record_goals([plan.account.pk])


def record_goals(account_ids: Collection[int]) -> int:
    """Record the goals that the plans of some accounts have reached, and return their number.

    Each is mailed to its owner, unless they have turned these mails off, and added to the activity of the plan's
    circle. Call it in the transaction of the posting. Safe to repeat, and under two postings at once.
    """
    with atomic():
        reached = Plan.objects.open().filter(
            _IS_NEW, account__in=account_ids, target_kobo__lte=F("account__balance_kobo")
        )
        # In the order of user ids, the order in which every transaction locks users.
        return sum(
            _record(plan) for plan in reached.select_related("user", "account").order_by("user_id", "pk")
        )


def accept_goal(plan: Plan, target_kobo: int) -> None:
    """Note a goal (kobo) that the plan's balance reaches at the moment its owner sets it: that is no event."""
    if (plan.account.balance_kobo or 0) >= target_kobo:
        Plan.objects.filter(_IS_NEW, pk=plan.pk).update(reached_kobo=target_kobo)


def milestone_of(movement: Transaction) -> int:
    """Return the quarter of its plan's goal that a payment reached, in per cent, as `milestone` does; 0 if none."""
    plan = movement.plan
    if plan is None or not plan.target_kobo:
        return 0
    entries = Entry.objects.filter(transaction=movement, credit_account__plan=plan)
    entry = entries.values_list("credit_balance_kobo", "amount_kobo").first()
    if entry is None or entry[0] is None:
        return 0
    return milestone(plan.target_kobo, before_kobo=entry[0] - entry[1], after_kobo=entry[0])


def with_milestones(plans: QuerySet[Plan]) -> QuerySet[Plan]:
    """Add the moment at which a balance first reached each quarter of the goal: `reached_25_at` to `reached_100_at`.

    None for a quarter that was not reached, and without a goal. As subqueries of the plans' own query, they cost a page
    no query more.
    """
    paid_in = Entry.objects.filter(credit_account=OuterRef("account")).order_by("id")
    reached = {
        f"reached_{percent}_at": Subquery(
            # The first whole kobo that `milestone` accepts. Only quarters that the balance has now are searched for, so
            # the entries are not all read for one that was never reached.
            paid_in.filter(
                credit_balance_kobo__gte=(OuterRef("target_kobo") * percent + 99) / 100,
                credit_account__balance_kobo__gte=(OuterRef("target_kobo") * percent + 99) / 100,
            ).values("posted_at")[:1]
        )
        for percent in QUARTERS
    }
    return plans.annotate(**reached)


def _record(plan: Plan) -> bool:
    User.objects.touch(plan.user_id)
    if not Plan.objects.filter(_IS_NEW, pk=plan.pk).update(reached_kobo=plan.target_kobo):
        return False
    mails.goal_reached(plan)
    outbox.recheck_autosaves(plan.user_id)
    today = timezone.localdate()
    member = Membership.objects.current().filter(plan=plan, circle__ends_on__gt=today).first()
    if member is not None:
        CircleEvent.objects.create(
            circle_id=member.circle_id, membership=member, kind=CircleEvent.Kind.REACHED_GOAL
        )
    return True
