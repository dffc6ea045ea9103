"""The products of the demo, with their rates, and the terms that change while its history runs."""

from __future__ import annotations

from typing import Any

from savings.models import Product
from savings.models.plans import EarlyExit, InterestPaid

# Each product with its rates in basis points, by the shortest term in days for which a rate applies.
PRODUCTS: tuple[tuple[dict[str, Any], dict[int, int]], ...] = (
    (
        {
            "kind": Product.Kind.TARGET,
            "name": "Target",
            "description": "Save a set amount by a set date.",
            "min_term_days": 30,
            "max_term_days": 1095,
            "early_exit": EarlyExit.PENALTY,
            "penalty_bps": 100,
            "interest_paid": InterestPaid.AT_MATURITY,
        },
        {0: 1000, 365: 1100},
    ),
    (
        {
            "kind": Product.Kind.FLEXIBLE,
            "name": "Flexible",
            "description": "Save at your own pace, without an end date.",
        },
        {0: 850},
    ),
    (
        {
            "kind": Product.Kind.LOCKED,
            "name": "Locked",
            "description": "Locked until your date, for the best rate.",
            "min_term_days": 30,
            "max_term_days": 1095,
            "early_exit": EarlyExit.BLOCKED,
            "interest_paid": InterestPaid.AT_MATURITY,
        },
        {0: 1050, 90: 1150, 180: 1250, 365: 1350},
    ),
    (
        {
            "kind": Product.Kind.LOCKED,
            "name": "Harvest",
            "description": "All its interest comes together, at the end.",
            "min_term_days": 90,
            "max_term_days": 730,
            "early_exit": EarlyExit.FORFEIT,
            "interest_paid": InterestPaid.AT_MATURITY,
        },
        {0: 1100, 180: 1200, 365: 1300},
    ),
    (
        {
            "kind": Product.Kind.EMERGENCY,
            "name": "Emergency",
            "description": "For the unexpected. Move it to your stash any time.",
        },
        {0: 800},
    ),
)

# From then on a new emergency plan needs notice; those from before keep their terms.
NOTICE_FROM = (-2, 1)


def add_notice() -> None:
    """Give the emergency product a day's notice."""
    Product.objects.filter(name="Emergency").update(
        notice_hours=24, description="For the unexpected. Ready 24 hours after you ask."
    )
