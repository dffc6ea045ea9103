"""The products of the simulated year, and what its savers do, with how often."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from savings.models.plans import EarlyExit, InterestPaid
from tests.soak import habits, moving, paying, planning
from tests.soak.people import Act, Person

PRODUCTS: tuple[tuple[dict[str, Any], dict[int, int]], ...] = (
    ({"kind": "flexible", "name": "Flexible"}, {0: 850}),
    ({"kind": "emergency", "name": "Emergency", "notice_hours": 24}, {0: 800}),
    (
        {
            "kind": "target",
            "name": "Target",
            "min_term_days": 30,
            "max_term_days": 400,
            "early_exit": EarlyExit.PENALTY,
            "penalty_bps": 100,
        },
        {0: 1000, 60: 1100},
    ),
    (
        {
            "kind": "locked",
            "name": "Locked",
            "min_term_days": 14,
            "max_term_days": 400,
            "early_exit": EarlyExit.BLOCKED,
            "interest_paid": InterestPaid.AT_MATURITY,
        },
        {0: 1050, 30: 1250},
    ),
    (
        {
            "kind": "locked",
            "name": "Harvest",
            "min_term_days": 21,
            "max_term_days": 400,
            "early_exit": EarlyExit.FORFEIT,
            "interest_paid": InterestPaid.AT_MATURITY,
        },
        {0: 1100},
    ),
)
ACTIONS: dict[Callable[[Person], Act | None], int] = {
    paying.pay: 22,
    paying.pay_with_saved_card: 7,
    paying.approve_charges: 4,
    paying.manage_card: 3,
    paying.repay: 3,
    moving.move_to_plan: 10,
    moving.take_out: 9,
    moving.cancel_notice: 1,
    moving.add_bank_account: 4,
    moving.withdraw: 8,
    moving.cancel_withdrawal: 1,
    moving.remove_bank_account: 1,
    planning.open_plan: 6,
    planning.change_plan: 8,
    planning.close_plan: 2,
    planning.start_circle: 2,
    planning.join_circle: 4,
    planning.change_membership: 3,
    habits.make_rule: 8,
    habits.change_rule: 6,
    habits.ask_for_statement: 3,
    habits.subscribe: 1,
}
