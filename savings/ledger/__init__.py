"""The ledger: accounts, transactions, entries and accrued interest. Only this package changes balances."""

from savings.ledger.accounts import (
    accrued_kobo,
    accrued_numerator,
    balance_kobo,
    day_of_opening,
    hold_account,
    house_account,
    interest_goes_to_stash,
    move_maturity,
    open_plan_account,
    stash_account,
)
from savings.ledger.adjustments import adjust, goodwill_kobo
from savings.ledger.balance_days import store_balances
from savings.ledger.chargebacks import book_chargeback
from savings.ledger.checks import (
    CHECKS,
    Damage,
    check_names,
    check_queries,
    check_rules,
    refresh_statistics,
    run_checks,
    run_each_check,
)
from savings.ledger.coming_interest import Projection, expected_kobo, project_interest, project_postings
from savings.ledger.coverage import Coverage, coverage, stored_balances
from savings.ledger.debts import Available, available, receivable_kobo, repay_debt, write_off
from savings.ledger.exits import ExitBasis, Held, forfeit_share, share_of
from savings.ledger.freezes import check_not_frozen, why_frozen
from savings.ledger.going_back import left_in_suspense
from savings.ledger.interest_by_hand import correct_interest
from savings.ledger.interest_postings import InterestHouse, post_interest, post_last_interest
from savings.ledger.month_end_accruals import accrue_month_end, take_accruals_back
from savings.ledger.monthly_interest import PLANS_PER_CHUNK, due_chunk, post_chunk
from savings.ledger.months import close_month
from savings.ledger.paid_interest import PaidInterest, paid_interest
from savings.ledger.posting import Posting, check_amount
from savings.ledger.previews import (
    DAYS_PER_YEAR,
    Preview,
    monthly_days,
    preview_interest,
    rate_for_term,
    suggested_monthly_kobo,
)
from savings.ledger.proofs import Proof, ProofRow, RowKind, interest_proof
from savings.ledger.rates import TaxRates, change_rate, rate_since
from savings.ledger.refunds import fail_refund, open_refund, settle_refund
from savings.ledger.refunds_elsewhere import book_refund
from savings.ledger.remittances import left_to_remit, left_to_remit_before
from savings.ledger.reports import TrialBalance, trial_balance
from savings.ledger.reversals import REVERSIBLE_KINDS, reverse, reverse_by_hand
from savings.ledger.settlements import record_settlement
from savings.ledger.steps import Step
from savings.ledger.suspense import allocate, release
from savings.ledger.tables import columns, coverage_table, trial_balance_table
from savings.ledger.timeline import timeline_steps
from savings.ledger.transactions import (
    change_status,
    open_transaction,
    post,
    settle,
)
from savings.ledger.treasury import REMITTANCES, Purpose, post_treasury, purpose_of, record_taking
from savings.ledger.value_days import provider_value_day
from savings.ledger.withdrawal_steps import REFUSED_BY_STAFF
from savings.ledger.withdrawals import (
    WithdrawalFees,
    fail_withdrawal,
    open_withdrawal,
    record_returned_cost,
    record_transfer_cost,
    return_withdrawal,
    settle_withdrawal,
)

__all__ = [
    "CHECKS",
    "DAYS_PER_YEAR",
    "PLANS_PER_CHUNK",
    "REFUSED_BY_STAFF",
    "REMITTANCES",
    "REVERSIBLE_KINDS",
    "Available",
    "Coverage",
    "Damage",
    "ExitBasis",
    "Held",
    "InterestHouse",
    "PaidInterest",
    "Posting",
    "Preview",
    "Projection",
    "Proof",
    "ProofRow",
    "Purpose",
    "RowKind",
    "Step",
    "TaxRates",
    "TrialBalance",
    "WithdrawalFees",
    "accrue_month_end",
    "accrued_kobo",
    "accrued_numerator",
    "adjust",
    "allocate",
    "available",
    "balance_kobo",
    "book_chargeback",
    "book_refund",
    "change_rate",
    "change_status",
    "check_amount",
    "check_names",
    "check_not_frozen",
    "check_queries",
    "check_rules",
    "close_month",
    "columns",
    "correct_interest",
    "coverage",
    "coverage_table",
    "day_of_opening",
    "due_chunk",
    "expected_kobo",
    "fail_refund",
    "fail_withdrawal",
    "forfeit_share",
    "goodwill_kobo",
    "hold_account",
    "house_account",
    "interest_goes_to_stash",
    "interest_proof",
    "left_in_suspense",
    "left_to_remit",
    "left_to_remit_before",
    "monthly_days",
    "move_maturity",
    "open_plan_account",
    "open_refund",
    "open_transaction",
    "open_withdrawal",
    "paid_interest",
    "post",
    "post_chunk",
    "post_interest",
    "post_last_interest",
    "post_treasury",
    "preview_interest",
    "project_interest",
    "project_postings",
    "provider_value_day",
    "purpose_of",
    "rate_for_term",
    "rate_since",
    "receivable_kobo",
    "record_returned_cost",
    "record_settlement",
    "record_taking",
    "record_transfer_cost",
    "refresh_statistics",
    "release",
    "repay_debt",
    "return_withdrawal",
    "reverse",
    "reverse_by_hand",
    "run_checks",
    "run_each_check",
    "settle",
    "settle_refund",
    "settle_withdrawal",
    "share_of",
    "stash_account",
    "store_balances",
    "stored_balances",
    "suggested_monthly_kobo",
    "take_accruals_back",
    "timeline_steps",
    "trial_balance",
    "trial_balance_table",
    "why_frozen",
    "write_off",
]
