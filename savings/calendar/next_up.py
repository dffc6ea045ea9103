"""The auto-saves that come next, in one query, for the dashboard, which has none to spare."""

from __future__ import annotations

import datetime
from typing import NamedTuple

from django.db.models.functions import TruncDate

from savings.models import AutosaveRule, AutosaveRun

# A rule has its next date, and at most one or two that are announced and not carried out yet.
_ROWS_PER_RULE = 3


class NextAutosave(NamedTuple):
    """The next date of a rule. `plan_name` is None for the stash; `amount_kobo` is None where it follows the goal."""

    day: datetime.date
    rule_id: int
    plan_name: str | None
    amount_kobo: int | None


def next_autosaves(user_id: int, most: int) -> list[NextAutosave]:
    """Return the next date of each of a user's rules, the earliest `most` of them, in one query.

    An announced date has the amount that will be charged, another one that of its rule. A date whose first try failed
    comes on the day of its next try.
    """
    # One whose last date is announced has no next date.
    rules = AutosaveRule.objects.active().filter(user=user_id, next_on__isnull=False)
    waiting = AutosaveRun.objects.filter(rule__user=user_id, status=AutosaveRun.Status.WAITING)
    rows = rules.values_list("next_on", "pk", "plan__name", "amount_kobo").union(
        waiting.values_list(TruncDate("next_try_at"), "rule", "rule__plan__name", "amount_kobo"), all=True
    )
    found: dict[int, NextAutosave] = {}
    for row in map(NextAutosave._make, rows.order_by("next_on", "pk")[: most * _ROWS_PER_RULE]):
        found.setdefault(row.rule_id, row)
    return list(found.values())[:most]
