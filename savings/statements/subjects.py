"""The subject of a statement: the accounts that it covers, and for a circle the payments of its other members."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from django.db.models import QuerySet

from savings.exceptions import Refused
from savings.models import Account, Circle, CircleEvent, Membership, Plan, Statement, Transaction, User
from savings.models.local_days import end_of, start_of
from savings.models.statements import Scope
from savings.statements import messages


@dataclasses.dataclass(frozen=True)
class Subject:
    """The subject of a statement: accounts of a user, and for a circle also the payments of its other members."""

    user: User
    # "Plan: School fees"
    title: str
    accounts: list[Account]
    names_rows: bool = False
    # The circle whose other members' payments are shown.
    circle: Circle | None = None


def subject_of(user: User, scope: str, *, plan: Plan | None = None, circle: Circle | None = None) -> Subject:
    """Return the current subject of a scope. Raises Refused for a circle that the user was never in."""
    accounts = Account.objects.filter(user=user).select_related("plan").order_by("id")
    if scope == Scope.PLAN and plan is not None:
        return Subject(user, messages.plan_title(plan.name), list(accounts.filter(plan=plan)))
    if scope == Scope.STASH:
        return Subject(user, messages.STASH, list(accounts.filter(kind=Account.Kind.STASH)))
    if scope == Scope.CIRCLE and circle is not None:
        mine = list(Membership.objects.filter(user=user, circle=circle).values_list("plan_id", "left_at"))
        if not mine:
            raise Refused(messages.NOT_IN_CIRCLE, field="circle")
        is_in = any(left_at is None for _, left_at in mine)
        own = list(accounts.filter(plan__in=[plan_id for plan_id, _ in mine]))
        return Subject(
            user, messages.circle_title(circle.name), own, names_rows=True, circle=circle if is_in else None
        )
    return Subject(user, messages.EVERYTHING, list(accounts), names_rows=True)


def subject_of_statement(statement: Statement) -> Subject:
    """Return the current subject of a statement."""
    return subject_of(statement.user, statement.scope, plan=statement.plan, circle=statement.circle)


def other_payments(
    subject: Subject, *, since: datetime.date, until: datetime.date
) -> QuerySet[CircleEvent, Any]:
    """Return the payments of the other members, as the circle's activity shows them; none without a circle."""
    if subject.circle is None:
        return CircleEvent.objects.none()
    return subject.circle.events.filter(
        kind=CircleEvent.Kind.SAVED,
        transaction__status=Transaction.Status.SUCCESS,
        happened_at__gte=start_of(since),
        happened_at__lt=end_of(until),
    ).exclude(membership__user=subject.user)
