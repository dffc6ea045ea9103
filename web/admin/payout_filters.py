"""The filters of the staff's list of payouts: by state, by need of staff, and by the time on their way."""

from __future__ import annotations

import datetime
from collections.abc import Callable

from django.db.models import QuerySet
from django.utils import timezone

from savings.models import Payout
from web.admin.base import ConditionFilter

_Rows = QuerySet[Payout]


def _in_state(state: Payout.State) -> tuple[str, Callable[[_Rows], _Rows]]:
    return str(state.label), lambda rows: rows.filter(state=state)


def _on_its_way_for(label: str, age: datetime.timedelta) -> tuple[str, Callable[[_Rows], _Rows]]:
    return label, lambda rows: rows.filter(state__in=Payout.IN_FLIGHT, asked_at__lt=timezone.now() - age)


class PayoutState(ConditionFilter):
    title = "state"
    parameter_name = "state"
    conditions = {state.value: _in_state(state) for state in Payout.State}


class NeedsStaff(ConditionFilter):
    title = "staff"
    parameter_name = "staff"
    conditions = {"needed": ("Needs staff", lambda rows: rows.exclude(staff_note=""))}


class PayoutAge(ConditionFilter):
    title = "time on its way"
    parameter_name = "age"
    conditions = {
        "hour": _on_its_way_for("More than an hour", datetime.timedelta(hours=1)),
        "day": _on_its_way_for("More than a day", datetime.timedelta(days=1)),
    }
