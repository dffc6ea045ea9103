"""Monthly statements: subscribe to them, and request those of the months that are over."""

from __future__ import annotations

import calendar
import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from savings import outbox
from savings.exceptions import Refused
from savings.models import Circle, Plan, Statement, StatementSubscription, User
from savings.models.statements import Format
from savings.statements import limits, requests

# A run stops while so many statements are unfinished, and the next run continues, so that the first of a month does not
# delay mails.
_MOST_WAITING = 200
_MOST_ROUNDS = 100
_TASK = "ask_for_monthly_statement"


def subscribe(
    user: User,
    *,
    scope: str,
    plan: Plan | None = None,
    circle: Circle | None = None,
    format: str,  # noqa: A002 - the field's own name
) -> StatementSubscription:
    """Request a statement after each month, starting with the current month; one subscription for each subject.

    A second call for the same subject changes the format. Raises Refused for a plan or circle of another user.
    """
    requests.check_subject(user, scope, plan, circle)
    with transaction.atomic():
        User.objects.touch(user.pk)
        subscription, _ = StatementSubscription.objects.update_or_create(
            user=user,
            scope=scope,
            plan=plan,
            circle=circle,
            defaults={"format": format},
            create_defaults={"format": format, "next_month": timezone.localdate().replace(day=1)},
        )
    return subscription


def unsubscribe(subscription: StatementSubscription) -> None:
    """End a subscription. Its earlier statements stay."""
    with transaction.atomic():
        User.objects.touch(subscription.user_id)
        StatementSubscription.objects.filter(pk=subscription.pk).delete()


def request_monthly(today: datetime.date) -> int:
    """Request the statements of months that are over, and return their number.

    Safe to run twice or concurrently: each month is requested once. Missed months are requested in order. A
    subscription that fails is postponed, and the others are handled.
    """
    requested = 0
    this_month = today.replace(day=1)
    due = StatementSubscription.objects.filter(next_month__lt=this_month, user__is_active=True)
    for _ in range(_MOST_ROUNDS):
        ready = due.exclude(pk__in=outbox.waiting_row_ids(_TASK))
        waiting = Statement.objects.unfinished()[:_MOST_WAITING].count()
        if waiting >= _MOST_WAITING or not ready.exists():
            break
        requested += outbox.for_each_row(
            _TASK, due.order_by("next_month", "id"), partial(_request_month, this_month), most=100
        )
    return requested


def _request_month(this_month: datetime.date, subscription_id: int) -> bool:
    subscriptions = StatementSubscription.objects.select_related("user", "plan", "circle")
    # Another run may have requested this month, or the user may have unsubscribed, since the list was read.
    subscription = subscriptions.filter(pk=subscription_id, next_month__lt=this_month).first()
    if subscription is None:
        return False
    month = subscription.next_month
    with transaction.atomic():
        User.objects.touch(subscription.user_id)
        unchanged = StatementSubscription.objects.filter(pk=subscription.pk, next_month=month)
        if not unchanged.update(next_month=_first_day_after(month)):
            return False
        # Read again under the lock: the format may have changed, and the plan may have been closed.
        subscription = subscriptions.get(pk=subscription.pk)
        if _is_over(subscription, month):
            StatementSubscription.objects.filter(pk=subscription.pk).delete()
            return False
        fields: dict[str, Any] = {
            "scope": subscription.scope,
            "plan": subscription.plan,
            "circle": subscription.circle,
            "since": month,
            "until": _last_day(month),
        }
        requests.create(subscription.user, fields | {"format": _format(subscription, fields)})
    return True


def _is_over(subscription: StatementSubscription, month: datetime.date) -> bool:
    """Return whether the subscription's plan was closed before the month began."""
    plan = subscription.plan
    return plan is not None and plan.closed_at is not None and timezone.localdate(plan.closed_at) < month


def _format(subscription: StatementSubscription, fields: dict[str, Any]) -> str:
    """Return the chosen format, or Excel if the month has too many rows for it: no user is there to choose."""
    try:
        limits.check_rows(subscription.user, subscription.format, **fields)
    except Refused:
        return Format.EXCEL
    return subscription.format


def _last_day(month: datetime.date) -> datetime.date:
    """Return the last day of the month of a day."""
    return month.replace(day=calendar.monthrange(month.year, month.month)[1])


def _first_day_after(month: datetime.date) -> datetime.date:
    """Return the first day of the next month."""
    return _last_day(month) + datetime.timedelta(days=1)
