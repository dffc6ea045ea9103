"""Savings plans: opening, changes, terms, maturity, notices, and moves between a plan and the stash."""

from savings.plans.changes import (
    change_at_maturity,
    change_goal,
    change_interest_to,
    extend,
    switch_all_interest,
    switch_interest,
)
from savings.plans.interest import is_interest_posted, post_due_interest
from savings.plans.maturity import is_maturity_due, mature_due_plans
from savings.plans.missed_interest import CaughtUp, post_missed_interest
from savings.plans.notices import (
    cancel_notice,
    carry_out_due_notices,
    check_can_give_notice,
    due_at,
    end_notices,
    give_notice,
    waiting_kobo,
)
from savings.plans.plans import (
    LONGEST_NAME,
    check_can_receive,
    close,
    copy_product_name,
    has_room,
    lock_plan,
    open_plan,
    rename,
)
from savings.plans.stash import move_from_plan, move_to_plan
from savings.plans.terms import (
    Terms,
    check_accepts_money,
    check_extension,
    days_after,
    exit_penalty_kobo,
    format_hours,
    format_notice,
    needs_notice,
    offered_terms,
    terms_of_circle,
)

__all__ = [
    "LONGEST_NAME",
    "CaughtUp",
    "Terms",
    "cancel_notice",
    "carry_out_due_notices",
    "change_at_maturity",
    "change_goal",
    "change_interest_to",
    "check_accepts_money",
    "check_can_give_notice",
    "check_can_receive",
    "check_extension",
    "close",
    "copy_product_name",
    "days_after",
    "due_at",
    "end_notices",
    "exit_penalty_kobo",
    "extend",
    "format_hours",
    "format_notice",
    "give_notice",
    "has_room",
    "is_interest_posted",
    "is_maturity_due",
    "lock_plan",
    "mature_due_plans",
    "move_from_plan",
    "move_to_plan",
    "needs_notice",
    "offered_terms",
    "open_plan",
    "post_due_interest",
    "post_missed_interest",
    "rename",
    "switch_all_interest",
    "switch_interest",
    "terms_of_circle",
    "waiting_kobo",
]
