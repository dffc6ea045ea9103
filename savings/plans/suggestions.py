"""Suggestions: amounts to pay in, and the product of a new plan."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from django.conf import settings

from savings.models import Plan, Product
from savings.plans.standing import Every, Instalment

# Round amounts that many people pay in at once.
ROUND_KOBO = (2_000_00, 5_000_00, 10_000_00)
# The stash has no goal that says how much is usual.
STASH_KOBO = (*ROUND_KOBO, 50_000_00)


class Suggestion(NamedTuple):
    """An amount in kobo to pay in, and whether it takes the plan exactly to its goal.

    `every` is how often to pay it, for a sum that reaches the goal in time.
    """

    amount_kobo: int
    reaches_goal: bool = False
    every: Every | None = None


def suggest_amounts(plan: Plan | None, instalment: Instalment | None = None) -> list[Suggestion]:
    """Return amounts to pay into a plan, or with None into the stash, the smallest first and no amount twice.

    Each can be paid at once: it is within the limits of a top-up, and the plan has room for it. Before a goal is
    reached, the last is what is missing to it (goal - balance), and no round amount goes beyond. `instalment` is the
    sum that reaches the goal in time (`standing(plan).suggested`). Reads `plan.account`.
    """
    balance_kobo = plan.account.balance_kobo or 0 if plan else 0
    most_kobo = settings.TOP_UP_MAX_KOBO
    missing_kobo = 0
    if plan:
        most_kobo = min(most_kobo, settings.PLAN_MAX_KOBO - balance_kobo)
        missing_kobo = max(0, (plan.target_kobo or 0) - balance_kobo)
    round_kobo = ROUND_KOBO if plan else STASH_KOBO
    suggestions = [Suggestion(kobo) for kobo in round_kobo if not missing_kobo or kobo < missing_kobo]
    if missing_kobo:
        suggestions.append(Suggestion(missing_kobo, reaches_goal=True))
    if instalment and instalment.amount_kobo < missing_kobo:
        suggestions = [one for one in suggestions if one.amount_kobo != instalment.amount_kobo]
        suggestions.append(Suggestion(instalment.amount_kobo, every=instalment.every))
        suggestions.sort(key=lambda one: one.amount_kobo)
    return [one for one in suggestions if settings.TOP_UP_MIN_KOBO <= one.amount_kobo <= most_kobo]


def suggest_product(products: Iterable[Product], *, has_end: bool) -> Product | None:
    """Return the product to propose for a plan with or without an end date; None if none fits.

    A target product for a plan that ends, a flexible one for a plan that does not, and the first that fits where staff
    offer neither.
    """
    fitting = [product for product in products if product.has_term == has_end]
    usual = Product.Kind.TARGET if has_end else Product.Kind.FLEXIBLE
    return next((product for product in fitting if product.kind == usual), next(iter(fitting), None))
