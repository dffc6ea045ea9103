"""The terms of products and plans: the rules for opening, paying in and taking out, and the early-exit penalty."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from django.conf import settings

from savings import ledger, money
from savings.exceptions import Refused
from savings.models import Circle, Plan, Product
from savings.models.plans import EarlyExit
from savings.plans import messages

_PLAN_COLUMNS = (
    "product_id",
    "product_name",
    "product_kind",
    "min_term_days",
    "max_term_days",
    "early_exit",
    "penalty_bps",
    "notice_hours",
    "interest_paid",
)
_CIRCLE_COLUMNS = (*_PLAN_COLUMNS, "product_description", "min_target_kobo", "rates")
# The columns that have another name in the product's own row.
_PRODUCT_COLUMNS = {
    "product_id": "pk",
    "product_name": "name",
    "product_kind": "kind",
    "product_description": "description",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Terms:
    """The terms a plan is opened with: a product's present terms, or those that a circle stored when it started."""

    product_id: int
    product_name: str
    product_kind: str
    # Days from start to maturity. Both None: the plan has no maturity.
    min_term_days: int | None
    max_term_days: int | None
    early_exit: str
    penalty_bps: int
    notice_hours: int
    interest_paid: str
    product_description: str
    min_target_kobo: int
    # Yearly rates: pairs of the term in days from which a rate applies, and the rate in basis points.
    rates: list[list[int]]

    def for_plan(self, term_days: int | None) -> dict[str, Any]:
        """Return the columns that store these terms on a plan with a term in days (None: no end).

        Raises Refused, on the field `product`, when no rate applies to such a term.
        """
        rate_bps = ledger.rate_for_term(self.rates, term_days)
        if rate_bps is None:
            raise Refused(messages.no_rate(self.product_name), field="product")
        return {name: getattr(self, name) for name in _PLAN_COLUMNS} | {"rate_bps": rate_bps}

    def for_circle(self) -> dict[str, Any]:
        """Return the columns that store these terms on a circle."""
        return {name: getattr(self, name) for name in _CIRCLE_COLUMNS}


def offered_terms(product_id: int) -> Terms:
    """Return the present terms of a product. Raises Refused when it is no longer offered."""
    names = [_PRODUCT_COLUMNS.get(name, name) for name in _CIRCLE_COLUMNS if name != "rates"]
    # One statement, so that terms and rates match even while staff save the product.
    rows = list(
        Product.objects.filter(pk=product_id, is_offered=True)
        .values_list(*names, "rates__from_days", "rates__rate_bps")
        .order_by("rates__from_days")
    )
    if not rows:
        raise Refused(messages.PRODUCT_GONE, field="product")
    rates = [[days, rate_bps] for *_, days, rate_bps in rows if days is not None]
    return Terms(**dict(zip(_CIRCLE_COLUMNS, rows[0][: len(names)], strict=False)), rates=rates)


def terms_of_circle(circle: Circle) -> Terms:
    """Return the terms that the members' plans of a circle are opened with: those of the day it started."""
    return Terms(**{name: getattr(circle, name) for name in _CIRCLE_COLUMNS})


def check_opening(
    terms: Terms, *, target_kobo: int | None, matures_on: datetime.date | None, today: datetime.date
) -> None:
    """Raise Refused, with the field, when a plan with this target (kobo) and maturity cannot be opened today."""
    check_target(target_kobo, kind=terms.product_kind, min_target_kobo=terms.min_target_kobo)
    if terms.min_term_days is None or terms.max_term_days is None:
        if matures_on is not None:
            raise Refused(messages.no_end_date(terms.product_name), field="matures_on")
        return
    if matures_on is None:
        raise Refused(messages.END_MISSING, field="matures_on")
    earliest = days_after(today, terms.min_term_days)
    latest = days_after(today, terms.max_term_days)
    if not earliest <= matures_on <= latest:
        raise Refused(messages.end_out_of_range(earliest, latest), field="matures_on")


def check_target(target_kobo: int | None, *, kind: str, min_target_kobo: int) -> None:
    """Raise Refused, on the field `target_kobo`, for a goal (kobo; None: no goal) that such a plan cannot have."""
    if target_kobo is None:
        if kind == Product.Kind.TARGET:
            raise Refused(messages.GOAL_MISSING, field="target_kobo")
        return
    if not min_target_kobo <= target_kobo <= settings.PLAN_MAX_KOBO:
        raise Refused(
            messages.goal_out_of_range(min_target_kobo, settings.PLAN_MAX_KOBO), field="target_kobo"
        )


def check_extension(plan: Plan, matures_on: datetime.date, today: datetime.date) -> None:
    """Raise Refused when a plan's maturity cannot move to a day, on the field `matures_on` unless it is closed."""
    if plan.is_closed:
        raise Refused(messages.CLOSED)
    if plan.matures_on is None:
        raise Refused(messages.NO_END_TO_MOVE, field="matures_on")
    if plan.is_matured(today):
        raise Refused(messages.MATURED, field="matures_on")
    if matures_on < plan.matures_on:
        raise Refused(messages.end_only_later(plan.matures_on), field="matures_on")
    latest = max(plan.matures_on, days_after(plan.started_on, plan.max_term_days or 0))
    if matures_on > latest:
        raise Refused(messages.end_too_late(latest), field="matures_on")


def check_accepts_money(plan: Plan, today: datetime.date) -> None:
    """Raise Refused when a plan accepts no more money because it is closed or has matured."""
    if plan.is_closed:
        raise Refused(messages.CLOSED_TO_PAYMENTS)
    if plan.is_matured(today):
        raise Refused(messages.MATURED)


def is_early(plan: Plan, today: datetime.date) -> bool:
    """Return whether money that leaves a plan today leaves it early: it has a maturity, which has not come yet."""
    return plan.matures_on is not None and not plan.is_matured(today)


def exit_penalty_kobo(plan: Plan, amount_kobo: int, today: datetime.date) -> int:
    """Return the penalty in kobo for taking an amount (kobo) out today. The penalty is part of that amount.

    `penalty_bps` of the amount, rounded down, for an early exit of a plan with a penalty; otherwise zero. Raises
    Refused when the plan is locked until its maturity.
    """
    if plan.matures_on is None or plan.is_matured(today):
        return 0
    if plan.early_exit == EarlyExit.BLOCKED:
        raise Refused(messages.locked_until(plan.matures_on))
    return money.share(amount_kobo, plan.penalty_bps) if plan.early_exit == EarlyExit.PENALTY else 0


def needs_notice(plan: Plan, today: datetime.date) -> bool:
    """Return whether money leaves a plan only after a notice: its terms say so, and it has not matured.

    A plan that is blocked until its maturity takes no notice either, and a closed one holds nothing.
    """
    is_open = not plan.is_closed and not plan.is_matured(today)
    return bool(plan.notice_hours) and is_open and plan.early_exit != EarlyExit.BLOCKED


def check_needs_no_notice(plan: Plan, today: datetime.date) -> None:
    """Raise Refused when money leaves a plan only after a notice."""
    if needs_notice(plan, today):
        raise Refused(messages.needs_notice(plan.notice_hours))


def days_after(date: datetime.date, days: int) -> datetime.date:
    """Return the date a number of days later, or the last date that Python knows if that is earlier."""
    return datetime.date.fromordinal(min(date.toordinal() + days, datetime.date.max.toordinal()))
