"""Suggested amounts to pay in: a few round ones, and what is missing to a plan's goal."""

from __future__ import annotations

from typing import NamedTuple

from django.conf import settings

from savings.models import Plan

# Round amounts that many people pay in at once.
ROUND_KOBO = (2_000_00, 5_000_00, 10_000_00)


class Suggestion(NamedTuple):
    """An amount in kobo to pay in, and whether it takes the plan exactly to its goal."""

    amount_kobo: int
    reaches_goal: bool = False


def suggest_amounts(plan: Plan | None) -> list[Suggestion]:
    """Return amounts to pay into a plan, or with None into the stash, the smallest first and no amount twice.

    Each can be paid at once: it is within the limits of a top-up, and the plan has room for it. Before a goal is
    reached, the last is what is missing to it (goal - balance), and no round amount goes beyond. Reads `plan.account`.
    """
    balance_kobo = plan.account.balance_kobo or 0 if plan else 0
    most_kobo = settings.TOP_UP_MAX_KOBO
    missing_kobo = 0
    if plan:
        most_kobo = min(most_kobo, settings.PLAN_MAX_KOBO - balance_kobo)
        missing_kobo = max(0, (plan.target_kobo or 0) - balance_kobo)
    suggestions = [Suggestion(kobo) for kobo in ROUND_KOBO if not missing_kobo or kobo < missing_kobo]
    if missing_kobo:
        suggestions.append(Suggestion(missing_kobo, reaches_goal=True))
    return [one for one in suggestions if settings.TOP_UP_MIN_KOBO <= one.amount_kobo <= most_kobo]
