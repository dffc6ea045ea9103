"""The words of lists of transactions and of receipts."""

from __future__ import annotations

from savings import money
from savings.models import Transaction

# One word for a transaction that has not ended, in lists, on receipts and in the filters.
WAITING = "Waiting"
# Where a transaction belongs that belongs to no plan.
STASH = "Stash"
CARD = "Card"
BANK = "Your bank"
DEBT = "Debt"
ON_HOLD = "On its way out"
# The buttons above the filters, besides "Interest", "Waiting" and "Failed".
ALL = "All"
TOP_UPS = "Top-ups"
WITHDRAWALS = "Withdrawals"
# What a row is called that reverses one of these kinds.
RETURNS: dict[str | None, str] = {
    Transaction.Kind.STASH_WITHDRAWAL: "Withdrawal came back",
    Transaction.Kind.FEE: "Fee given back",
}

# What another transaction is to that of the receipt.
RETURNS_THAT = "Returns"
RETURNED_BY = "Returned by"
REVERSES_THAT = "Reverses"
REVERSED_BY = "Reversed by"
GIVES_BACK = "Gives back"
GIVEN_BACK_BY = "Given back by"
BELONGS_TO = "Belongs to"
TOGETHER_WITH = "Together with"
RECEIPT_OF_FEE = "See the receipt"

# What interest comes to.
INTEREST = "Interest"
AFTER_TAX = "After tax"


def tax_at(rate: str) -> str:
    return f"Tax withheld, {rate}" if rate else "Tax withheld"


def move(source: str, target: str) -> str:
    return f"{source} → {target}"


def of_amount(kind: str, amount_kobo: int) -> str:
    return f"{kind}, {money.short(amount_kobo)}"


def fee_for(amount_kobo: int) -> str:
    return f"Fee for your {money.short(amount_kobo)} withdrawal"


# The titles of withdrawals after which the money is back in the stash.
WITHDRAWAL_CAME_BACK: dict[str, str] = {
    Transaction.Status.FAILED: "Withdrawal failed",
    Transaction.Status.ABANDONED: "Withdrawal cancelled",
    Transaction.Status.REVERSED: "Withdrawal returned",
}


def withdrawal_of(amount_kobo: int) -> str:
    return f"Withdrawal of {money.short(amount_kobo)}"


def withdrawn(amount_kobo: int) -> str:
    return f"{money.short(amount_kobo)} withdrawn"


def interest_on(plan: str) -> str:
    return f"Interest on {plan}"


def tax_on_interest_of(plan: str) -> str:
    return f"Tax withheld on {plan}"


def penalty_of(plan: str) -> str:
    return f"Penalty for leaving {plan} early"


def today(day: str) -> str:
    return f"Today, {day}"


def yesterday(day: str) -> str:
    return f"Yesterday, {day}"
