"""Monthly statements: asking for them, and having those written whose month is over."""

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
from savings.statements import requests

# A run stops at so many that are not written yet, and the next one goes on: a month's end does not bury the mails.
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
    """Have a statement written each month about the month before, beginning with this one; once for each subject.

    The same again changes the format. Raises Refused for a plan or circle that is not the person's.
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
    """Have no more of them written. What is on the shelf stays there."""
    with transaction.atomic():
        User.objects.touch(subscription.user_id)
        StatementSubscription.objects.filter(pk=subscription.pk).delete()


def request_monthly(today: datetime.date) -> int:
    """Ask for the statements whose month is over, and return how many. Twice at once, it is still once for each month.

    One that was missed is asked for at the next run; several months of one subject follow each other. One that fails
    is postponed, and the others are asked for.
    """
    asked = 0
    this_month = today.replace(day=1)
    due = StatementSubscription.objects.filter(next_month__lt=this_month, user__is_active=True)
    for _ in range(_MOST_ROUNDS):
        ready = due.exclude(pk__in=outbox.waiting_row_ids(_TASK))
        waiting = Statement.objects.unfinished()[:_MOST_WAITING].count()
        if waiting >= _MOST_WAITING or not ready.exists():
            break
        asked += outbox.for_each_row(
            _TASK, due.order_by("next_month", "id"), partial(_ask, this_month), most=100
        )
    return asked


def _ask(this_month: datetime.date, subscription_id: int) -> bool:
    found = StatementSubscription.objects.select_related("user", "plan", "circle").filter(pk=subscription_id)
    # It may have been asked for by another run, or ended, since it was found due.
    subscription = found.filter(next_month__lt=this_month).first()
    if subscription is None:
        return False
    month = subscription.next_month
    with transaction.atomic():
        User.objects.touch(subscription.user_id)
        here = StatementSubscription.objects.filter(pk=subscription.pk, next_month=month)
        if not here.update(next_month=_first_day_after(month)):
            return False
        # What it was read as may be minutes old: another format, or a plan that was open then.
        subscription = here.model.objects.select_related("user", "plan", "circle").get(pk=subscription.pk)
        if _is_over(subscription, month):
            here.model.objects.filter(pk=subscription.pk).delete()
            return False
        asked: dict[str, Any] = {
            "scope": subscription.scope,
            "plan": subscription.plan,
            "circle": subscription.circle,
            "since": month,
            "until": _last_day(month),
        }
        requests.create(subscription.user, asked | {"format": _format(subscription, asked)})
    return True


def _is_over(subscription: StatementSubscription, month: datetime.date) -> bool:
    """Tell whether there is nothing left to tell of: a plan that was closed before the month began."""
    plan = subscription.plan
    return plan is not None and plan.closed_at is not None and timezone.localdate(plan.closed_at) < month


def _format(subscription: StatementSubscription, asked: dict[str, Any]) -> str:
    """Return the format that was chosen, or Excel for a month that it does not hold: nobody is there to choose."""
    try:
        requests.check_rows(subscription.user, subscription.format, **asked)
    except Refused:
        return Format.EXCEL
    return subscription.format


def _last_day(month: datetime.date) -> datetime.date:
    """Return the last day of a month, of which a day is given."""
    return month.replace(day=calendar.monthrange(month.year, month.month)[1])


def _first_day_after(month: datetime.date) -> datetime.date:
    """Return the first day of the month after."""
    return _last_day(month) + datetime.timedelta(days=1)
