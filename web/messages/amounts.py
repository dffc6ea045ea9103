"""The sentences of the forms that ask for an amount, and of the notices after it."""

from __future__ import annotations

from savings import money
from savings.plans import Every

MY_CARD = "My card"
MY_STASH = "My stash"
MOVED_AT_ONCE = "Moved straight away."
NOTHING_TO_MOVE = "Nothing to move."

# What a withdrawal comes to: the amount, its fees, and the total.
WITHDRAWAL = ("You get", "Fees", "Leaves your stash")
NO_FEES = "None"

# After a suggested sum.
TO_GOAL = "to goal"
EVERY: dict[Every | None, str] = {Every.WEEK: "a week", Every.MONTH: "a month", Every.ONCE: "", None: ""}


def in_plan(amount_kobo: int, plan: str) -> str:
    return f"{money.short(amount_kobo)} is in {plan}."


def in_stash(amount_kobo: int) -> str:
    return f"{money.short(amount_kobo)} is in your stash."


def less_than_least(least_kobo: int) -> str:
    return f"Less than {money.short(least_kobo)}, the least you can move."
