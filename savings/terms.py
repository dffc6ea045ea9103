"""The terms of products and plans: what may be opened, paid in and taken out, and what that costs."""

from __future__ import annotations

import datetime

from django.conf import settings
from django.utils.formats import date_format

from savings import money
from savings.exceptions import Refused
from savings.models import Plan, Product
from savings.models.plans import EarlyExit


def check_opening(
    product: Product, *, target_kobo: int | None, matures_on: datetime.date | None, today: datetime.date
) -> None:
    """Raise Refused, with the field, when a plan with that target (kobo) and maturity cannot be opened today."""
    if not product.is_offered:
        raise Refused("This kind of plan is not offered any more.", field="product")
    _check_target(product, target_kobo)
    if product.min_term_days is None or product.max_term_days is None:
        if matures_on is not None:
            raise Refused(
                f"{product.name} has no end date: you can move the money to your stash at any time.",
                field="matures_on",
            )
        return
    if matures_on is None:
        raise Refused("Choose the day it ends.", field="matures_on")
    earliest = today + datetime.timedelta(days=product.min_term_days)
    latest = today + datetime.timedelta(days=product.max_term_days)
    if not earliest <= matures_on <= latest:
        raise Refused(f"Choose a day from {day(earliest)} to {day(latest)}.", field="matures_on")


def _check_target(product: Product, target_kobo: int | None) -> None:
    if target_kobo is None:
        if product.needs_target:
            raise Refused("Say how much you want to save.", field="target")
        return
    if target_kobo < product.min_target_kobo:
        raise Refused(f"A goal starts at {money.naira(product.min_target_kobo)}.", field="target")
    if target_kobo > settings.PLAN_MAX_KOBO:
        raise Refused(f"A plan holds at most {money.naira(settings.PLAN_MAX_KOBO)}.", field="target")


def check_takes_money(plan: Plan, today: datetime.date) -> None:
    """Raise Refused when nothing more can be paid into a plan: it is closed or has matured."""
    if plan.is_closed:
        raise Refused("This plan is closed. Your money can go to your stash or another plan.")
    if plan.is_matured(today):
        raise Refused("This plan has matured and takes no more money. Start another one to save on.")


def exit_penalty_kobo(plan: Plan, amount_kobo: int, today: datetime.date) -> int:
    """Return what taking that sum out today costs, in kobo, out of the sum itself.

    Raises Refused when the plan is locked until its maturity.
    """
    if plan.matures_on is None or plan.is_matured(today) or plan.early_exit == EarlyExit.FREE:
        return 0
    if plan.early_exit == EarlyExit.BLOCKED:
        raise Refused(
            f"This plan is locked until {day(plan.matures_on)}. Until then nothing can be taken out."
        )
    return money.share(amount_kobo, plan.penalty_bps)


def day(date: datetime.date) -> str:
    """Return a day as a sentence names it."""
    return date_format(date, "j F Y")
