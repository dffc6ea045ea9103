"""The sentences about card payments: how one ended, which are being checked, and who pays the provider's fee."""

from __future__ import annotations

from savings import money
from savings.payments import OPERATOR, PAYER, REFUSED

STILL_NO_PROVIDER = "We still can’t reach the payment provider."
NOTHING_MOVED = "No money has moved."
NOTHING_LEFT = "No money left your account."
BEING_CHECKED = "We’re checking this payment."
SEE_RECEIPT = "See the receipt for updates."

# The head of a receipt.
ASKED_FOR = "Asked for"
ARRIVED = "Arrived"
NOT_FINISHED_TITLE = "Payment not finished"
FAILED_TITLE = "Payment failed"
REVIEW_TITLE = "We’re checking this payment"
# By the code of the failure; the first is that of any other code.
FAILURES = {
    "failed": f"Your bank declined this payment. {NOTHING_LEFT} Try another card, or ask your bank.",
    "refused": f"The payment provider refused this payment. {NOTHING_LEFT}",
    "reversed": "This payment was reversed, so the money goes back to you.",
}
ABANDONED = {
    "page_lost": "The payment page didn’t reach us. No money has moved.",
    "never_sent": "We couldn’t reach the payment provider. No money has moved.",
    "not_approved": "You didn’t approve this payment in time. No money has moved.",
}
REVIEWS = {
    "foreign_currency": "The payment came in another currency. We’re checking it with the payment provider.",
    "same_payment": "The payment provider reports this payment twice. We’re checking it with them.",
}
NO_ANSWER = "The payment provider hasn’t told us yet how this payment ended. We’re asking them."
# Beside the button that leads to the operator.
LONG_CHECK = (
    "This is taking longer than usual. If your bank shows that the money left, contact us with the reference."
)
SEE_WITHDRAWAL = "See the withdrawal"
WAITING_FOR_CARD = "We’re waiting for the payment provider’s answer."
SEE_STASH = "See your stash"
ADD_MORE = "Add more"
SEE_PLAN = "See the plan"
START_PLAN = "Start a plan"
TOP_UP_AGAIN = "Top up again"
TRY_AGAIN = "Try again"
TRY_ANOTHER_CARD = "Try another card"
ADD_TO_STASH = "Add it to your stash"
PAY_FROM_STASH = "Pay from your stash"
MILESTONES = {
    25: "A quarter there",
    50: "Halfway there",
    75: "Three quarters there",
    100: "You reached your goal",
}
ON_THEIR_PAGE = "You pay on the payment provider’s secure page, then come back here."
NO_CARDS = "We don’t accept cards at the moment."
# By the bearer of the fee for cards issued here, and for foreign cards.
CARD_FEES: dict[tuple[str, str], str] = {
    (OPERATOR, OPERATOR): "When you pay by card, we pay the payment provider’s fee.",
    (
        OPERATOR,
        PAYER,
    ): "When you pay by card, we pay the payment provider’s fee; foreign cards pay the provider’s fee on top.",
    (
        OPERATOR,
        REFUSED,
    ): "When you pay by card, we pay the payment provider’s fee; we don’t accept foreign cards.",
    (PAYER, PAYER): "When you pay by card, the payment provider adds its fee to the amount.",
    (PAYER, OPERATOR): (
        "When you pay by card, the payment provider adds its fee to the amount; we pay the fee for foreign cards."
    ),
    (PAYER, REFUSED): (
        "When you pay by card, the payment provider adds its fee to the amount; we don’t accept foreign cards."
    ),
    (REFUSED, OPERATOR): "We don’t accept cards issued here; we pay the fee for foreign cards.",
    (REFUSED, PAYER): "We don’t accept cards issued here; foreign cards pay the provider’s fee on top.",
    (REFUSED, REFUSED): NO_CARDS,
}


def waiting_for_payment(asked: list[str]) -> str:
    """Return what to do about a payment that waits; `asked` are the times at which we ask the provider."""
    return (
        "Not paid yet? Finish the payment. Already paid? There’s nothing to do: we keep asking the payment provider, "
        f"from {asked[0]} until {asked[-1]}."
    )


def plan_was_full(plan: str) -> str:
    return f"{plan} can’t take more money, so we put it there."


def left_before_paying(amount_kobo: int) -> str:
    return f"You left before paying {money.short(amount_kobo)}."


def failed(amount_kobo: int) -> str:
    return f"The payment of {money.short(amount_kobo)} failed."


def what_arrived(amount_kobo: int, arrived_kobo: int) -> str:
    """Return what arrived of a payment, on its receipt and in every list: both sums in kobo."""
    arrived, asked = money.short(arrived_kobo), money.short(amount_kobo)
    if arrived_kobo == amount_kobo:
        return f"All {asked} arrived"
    return (
        f"{arrived} of {asked} arrived" if arrived_kobo < amount_kobo else f"{arrived} arrived, not {asked}"
    )


def part_being_checked(amount_kobo: int, arrived_kobo: int) -> str:
    return f"{what_arrived(amount_kobo, arrived_kobo)}. It’s safe while we check it."


def all_being_checked(amount_kobo: int, plan: str | None, day: str) -> str:
    """Return what is checked; without the name of a plan it goes into the stash."""
    return f"We’re checking your payment of {money.short(amount_kobo)} into {plan or 'your stash'}, made on {day}."


def saved_in(amount_kobo: int, plan: str) -> str:
    """Return what was saved where; without the name of a plan it was the stash."""
    return f"{money.short(amount_kobo)} saved in {plan or 'your stash'}"


def moved_to_stash(amount_kobo: int) -> str:
    return f"{money.short(amount_kobo)} moved to your stash"


def has_matured(plan: str) -> str:
    return f"{plan} matured."


def put_in_stash(plan: str) -> str:
    return f"{plan} can’t take more money, so we put it in your stash."


def waiting_for(amount_kobo: int) -> str:
    return f"Waiting for {money.short(amount_kobo)}"


def left_without_paying(amount_kobo: int) -> str:
    return f"{left_before_paying(amount_kobo)} {NOTHING_MOVED}"


def card_failed(why: str) -> str:
    return f"{why} {NOTHING_LEFT}"


def with_reason(text: str, reason: str) -> str:
    """Add the provider's reason to the sentence that says what failed, which is the first of a text."""
    what, stop, then = text.partition(".")
    return f"{what}: {reason}{stop}{then}"
