"""The auto-save that pays what a plan's goal needs, as every page about the plan names it."""

from __future__ import annotations

import datetime
from typing import Protocol

from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from savings.autosave.amounts import instalment
from savings.autosave.rhythms import Every, Rhythm
from savings.models import AutosaveRule, AutosaveRun
from savings.plans import Instalment


class Filled(Protocol):
    """What `filling` reads of a plan: with its balance and the columns of `filling_columns`."""

    @property
    def target_kobo(self) -> int | None: ...
    @property
    def balance_kobo(self) -> int: ...
    @property
    def matures_on(self) -> datetime.date | None: ...
    @property
    def fill_on(self) -> datetime.date | None: ...
    @property
    def fill_day(self) -> int | None: ...
    @property
    def fill_kobo(self) -> int | None: ...


def filling_columns(plan: str) -> dict[str, Subquery]:
    """Return the annotations of a query whose column `plan` is the id of a plan, or empty.

    They are the next date, the day of the month and the announced sum (kobo) of the first rule that runs, has no last
    day and pays what the goal needs. As subqueries they cost a page no query more.
    """
    rules = AutosaveRule.objects.active().filter(
        plan=OuterRef(plan), amount_kobo__isnull=True, until_on__isnull=True
    )
    announced = AutosaveRun.objects.open().filter(rule=OuterRef("pk")).order_by("due_on")
    rules = rules.order_by("id").annotate(
        open_on=Subquery(announced.values("due_on")[:1]),
        open_kobo=Subquery(announced.values("amount_kobo")[:1]),
    )
    return {
        "fill_on": Subquery(rules.values(day=Coalesce("open_on", "next_on"))[:1]),
        "fill_day": Subquery(rules.values("month_day")[:1]),
        "fill_kobo": Subquery(rules.values(kobo=F("open_kobo"))[:1]),
    }


def filling(plan: Filled) -> Instalment | None:
    """Return the sum that such a rule pays next and its number of dates; None without one, or if nothing is to go."""
    to_go_kobo = (plan.target_kobo or 0) - plan.balance_kobo
    if plan.fill_on is None or plan.matures_on is None or plan.matures_on <= plan.fill_on or to_go_kobo <= 0:
        return None
    rhythm = Rhythm(Every.MONTH, month_day=plan.fill_day)
    needed = instalment(plan.fill_on, rhythm, to_go_kobo=to_go_kobo, ends=plan.matures_on)
    return needed._replace(amount_kobo=plan.fill_kobo) if plan.fill_kobo else needed
