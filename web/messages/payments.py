"""The sentences about card payments: how one ended, which are being checked, and who pays the provider's fee."""

from __future__ import annotations

from savings import money
from savings.payments import OPERATOR, PAYER, REFUSED

STILL_NO_PROVIDER = "We still can’t reach the payment provider."
NOTHING_MOVED = "No money has moved."
NOTHING_LEFT = "No money left your account."
BEING_CHECKED = "We’re checking this payment."
SEE_RECEIPT = "See the receipt for updates."
NO_CARDS = "We don’t accept cards at the moment."
# Who pays the fee, by the settings for cards issued here and for foreign ones.
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


def in_plan(amount_kobo: int, plan: str) -> str:
    return f"{money.short(amount_kobo)} is in {plan}."


def in_stash(amount_kobo: int) -> str:
    return f"{money.short(amount_kobo)} is in your stash."


def plan_was_full(plan: str) -> str:
    return f"{plan} can’t take more money, so we put it there."


def left_before_paying(amount_kobo: int) -> str:
    return f"You left before paying {money.short(amount_kobo)}."


def failed(amount_kobo: int) -> str:
    return f"The payment of {money.short(amount_kobo)} failed."


def what_arrived(amount_kobo: int, arrived_kobo: int) -> str:
    """Return the sentence that names what arrived of a payment: both sums in kobo."""
    return f"{money.naira(arrived_kobo)} of {money.naira(amount_kobo)} arrived."


def part_being_checked(amount_kobo: int, arrived_kobo: int) -> str:
    return f"{what_arrived(amount_kobo, arrived_kobo)} It’s safe while we check it."


def all_being_checked(amount_kobo: int) -> str:
    return f"We’re checking your payment of {money.short(amount_kobo)}."
