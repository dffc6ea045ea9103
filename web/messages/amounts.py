"""The sentences of the forms that ask for an amount, and of the notices after it."""

from __future__ import annotations

from savings import money
from savings.ledger import WithdrawalFees
from savings.plans import Every, Quote

MY_CARD = "My card"
MY_STASH = "My stash"
MOVED_AT_ONCE = "Moved straight away."
NOTHING_TO_MOVE = "Nothing to move."

# After a suggested sum.
TO_GOAL = "to goal"
EVERY: dict[Every | None, str] = {Every.WEEK: "a week", Every.MONTH: "a month", Every.ONCE: "", None: ""}


def in_plan(amount_kobo: int, plan: str) -> str:
    return f"{money.short(amount_kobo)} is in {plan}."


def in_stash(amount_kobo: int) -> str:
    return f"{money.short(amount_kobo)} is in your stash."


def less_than_least(least_kobo: int) -> str:
    return f"Less than {money.short(least_kobo)}, the least you can move."


def exit_comes_to(quote: Quote) -> str:
    """Return what an early exit today costs, and the sum that arrives in the stash."""
    costs = [
        (quote.penalty_kobo, "{} is kept as a penalty."),
        (quote.forfeited_kobo, "You lose {} of interest, before tax."),
    ]
    sentences = [sentence.format(money.naira(kobo)) for kobo, sentence in costs if kobo]
    return " ".join([*sentences, f"{money.naira(quote.arriving_kobo)} arrives in your stash straight away."])


def withdrawal_costs(amount_kobo: int, fees: WithdrawalFees) -> str:
    """Return what a withdrawal costs, and the sum that leaves the stash."""
    if not fees.total_kobo:
        return f"{money.naira(amount_kobo)} leaves your stash, without a fee."
    total = money.naira(amount_kobo + fees.total_kobo)
    return f"{money.naira(fees.total_kobo)} in fees: {total} leaves your stash."
