"""The ledger: accounts, transactions, entries, and interest as it accrues. The only writer of money."""

from savings.ledger.checks import CHECKS, run_checks
from savings.ledger.interest import (
    DAYS_PER_YEAR,
    Preview,
    preview_interest,
    rate_for_term,
    suggested_monthly_kobo,
)
from savings.ledger.timeline import timeline_steps
from savings.ledger.transactions import (
    accrued_kobo,
    accrued_numerator,
    balance_kobo,
    change_status,
    check_sum,
    house_account,
    move_maturity,
    open_plan_account,
    open_transaction,
    post,
    reverse,
    settle,
    stash_account,
)

__all__ = [
    "CHECKS",
    "DAYS_PER_YEAR",
    "Preview",
    "accrued_kobo",
    "accrued_numerator",
    "balance_kobo",
    "change_status",
    "check_sum",
    "house_account",
    "move_maturity",
    "open_plan_account",
    "open_transaction",
    "post",
    "preview_interest",
    "rate_for_term",
    "reverse",
    "run_checks",
    "settle",
    "stash_account",
    "suggested_monthly_kobo",
    "timeline_steps",
]
