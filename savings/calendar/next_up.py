"""The auto-saves and notices that come next, in one query, for the dashboard, which has none to spare."""

from __future__ import annotations

import datetime
from typing import NamedTuple

from django.db.models import BigIntegerField, Value
from django.db.models.functions import TruncDate

from savings.models import AutosaveRule, AutosaveRun, Notice

# A rule has its next date, and at most one or two that are announced and not carried out yet.
_ROWS_PER_RULE = 3
_NO_RULE = Value(None, output_field=BigIntegerField())


class NextDate(NamedTuple):
    """The next date of a rule, or the day on which a notice is over: then `rule_id` is None.

    Of an auto-save, the plan is None for the stash, and `amount_kobo` is None where it follows the goal. What a notice
    takes from the plan includes a penalty.
    """

    day: datetime.date
    rule_id: int | None
    plan_name: str | None
    amount_kobo: int | None
    plan_id: int | None


def next_dates(user_id: int, most: int) -> list[NextDate]:
    """Return the next date of each of a user's rules, and the waiting notices: the earliest `most`, in one query.

    An announced date has the amount that will be charged, another one that of its rule. A date whose first try failed
    comes on the day of its next try.
    """
    # One whose last date is announced has no next date.
    rules = AutosaveRule.objects.active().filter(user=user_id, next_on__isnull=False)
    waiting = AutosaveRun.objects.filter(rule__user=user_id, status=AutosaveRun.Status.WAITING)
    notices = Notice.objects.waiting().filter(user=user_id)
    rows = rules.values_list("next_on", "pk", "plan__name", "amount_kobo", "plan").union(
        waiting.values_list(
            TruncDate("next_try_at"), "rule", "rule__plan__name", "amount_kobo", "rule__plan"
        ),
        notices.values_list(TruncDate("due_at"), _NO_RULE, "plan__name", "amount_kobo", "plan"),
        all=True,
    )
    found: list[NextDate] = []
    for row in map(NextDate._make, rows.order_by("next_on", "pk")[: most * _ROWS_PER_RULE]):
        if row.rule_id is None or all(row.rule_id != earlier.rule_id for earlier in found):
            found.append(row)
    return found[:most]
