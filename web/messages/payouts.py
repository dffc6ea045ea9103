"""The sentences about withdrawals and bank accounts."""

from __future__ import annotations

from django.utils.translation import ngettext

from savings import money
from savings.models import Payout

ON_ITS_WAY = "Your withdrawal is on its way."
SEE_STEPS = "This page shows each step."
BACK_IN_STASH = "The money is back in your stash."
MAILED = "We’ve emailed you about it."
# A withdrawal whose money is on hold, by its state.
STATES: dict[str, str] = {
    Payout.State.WAITING: "Waiting to be sent",
    Payout.State.APPROVAL: "Waiting for approval",
    Payout.State.SENT: "Sent, waiting for the bank",
}
# The lines of a withdrawal and of its fee.
AMOUNT = "Amount"
TO_YOUR_BANK = "To your bank"
FEE = "Fee"
VAT = "VAT on the fee"
DUTY = "Stamp duty"
FEES_TOTAL = "Total"
WITH_FEES = "From your stash"
ANY_AMOUNT = "Any amount"


def cancelled(amount_kobo: int) -> str:
    return f"The withdrawal of {money.short(amount_kobo)} is cancelled."


def recipient_added(recipient: str) -> str:
    return f"{recipient} is added."


def recipient_removed(recipient: str) -> str:
    return f"{recipient} is removed."


def recipient_is_default(recipient: str) -> str:
    return f"{recipient} is your default account now."


def cancelled_with_recipient(withdrawals: int) -> str:
    """Return what became of the withdrawals to an account that was removed; empty if there were none."""
    if not withdrawals:
        return ""
    return ngettext(
        "A withdrawal to it was cancelled. The money is back in your stash.",
        "%(count)d withdrawals to it were cancelled. The money is back in your stash.",
        withdrawals,
    ) % {"count": withdrawals}


def band(least_kobo: int | None, most_kobo: int | None) -> str:
    """Return the amounts from one to another as whole naira: `Over ₦5,000, below ₦10,000`. None for no end."""
    if least_kobo is None and most_kobo is None:
        return ANY_AMOUNT
    is_over = least_kobo is not None and least_kobo % money.KOBO_PER_NAIRA == 1
    least = money.short((least_kobo or 0) - is_over)
    if most_kobo is None:
        return f"{'Over' if is_over else 'From'} {least}"
    below = _is_below_whole(most_kobo)
    most = money.short(most_kobo + below)
    if least_kobo is None:
        return f"{'Below' if below else 'Up to'} {most}"
    if is_over or below:
        return f"{'Over' if is_over else 'From'} {least}, {'below' if below else 'up to'} {most}"
    return f"{least} to {most}"


def _is_below_whole(amount_kobo: int) -> bool:
    """Return whether an amount is a kobo below whole naira, such as ₦9,999.99."""
    return (amount_kobo + 1) % money.KOBO_PER_NAIRA == 0
