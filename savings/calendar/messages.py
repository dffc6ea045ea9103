"""The words of coming dates: on pages, in mails and in the feeds of calendar programs."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import ngettext

from savings import money
from savings.models import Payout, Plan

# The name of the feed in a calendar program.
FEED_NAME = "Asusu savings"

AUTOSAVE_INTO_STASH = "Auto-save into your stash"
FROM_STASH = "From your stash"
FROM_CARD = "From your card"
SKIPPED = "Skipped"
INTO_PLAN = "Into the plan. Expected, after tax."
INTO_PLANS = "Into the plans. Expected, after tax."
TO_STASH = "To your stash. Expected, after tax."
TO_STASH_AND_PLANS = "Into plans and to your stash. Expected, after tax."
NOTICE_IS_OVER = "Your notice is over."
WITHDRAWAL = "Withdrawal to your bank"
AT_MATURITY: dict[str, str] = {
    Plan.AtMaturity.STASH: "The money moves to your stash.",
    Plan.AtMaturity.ROLLOVER: "It starts again without the interest.",
    Plan.AtMaturity.COMPOUND: "It starts again with the interest.",
}
WITHDRAWAL_STATES: dict[str, str] = {
    Payout.State.WAITING: "Waiting to be sent",
    Payout.State.APPROVAL: "Waiting for approval",
    Payout.State.SENT: "Sent, waiting for the bank",
}


def tried_again(source: str) -> str:
    return f"{source}. We try again."


def autosave_into(plan: str) -> str:
    return f"Auto-save into {plan}"


def matures(plan: str) -> str:
    return f"{plan} matures"


def interest(plan_names: Sequence[str]) -> str:
    if len(plan_names) == 1:
        return f"Interest on {plan_names[0]}"
    count = len(plan_names)
    return ngettext("Interest on %(count)d plan", "Interest on %(count)d plans", count) % {"count": count}


def moves_to_stash(plan: str) -> str:
    return f"{plan}: money moves to your stash"


def circle_ends(circle: str) -> str:
    return f"{circle} ends"


def with_amount(title: str, amount_kobo: int) -> str:
    return f"{title}: {money.short(amount_kobo)}"
