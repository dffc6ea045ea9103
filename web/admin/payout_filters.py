"""The filter of the staff's list of payouts: by need of staff, by state, and by the time on their way."""

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
    conditions = {
        "staff": ("Needs staff", lambda rows: rows.exclude(staff_note="")),
        **{state.value: _in_state(state) for state in Payout.State},
        "hour": _on_its_way_for("Not paid after an hour", datetime.timedelta(hours=1)),
        "day": _on_its_way_for("Not paid after a day", datetime.timedelta(days=1)),
    }
