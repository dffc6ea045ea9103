"""The sentences about payments and withdrawals: refusals, which savers and staff read, and notes for staff."""

from __future__ import annotations

import datetime

from django.utils import timezone
from django.utils.formats import date_format

from savings import money

# Bank accounts.
BANKS_AWAY = "We can’t load the list of banks right now. Try again in a few minutes."
CHOOSE_BANK = "Choose a bank from the list."
PROVIDER_AWAY = "We can’t reach the payment provider right now. Try again in a few minutes."
TEN_DIGITS = "An account number has 10 digits."
NO_SUCH_ACCOUNT = "This bank has no account with that number."
ALREADY_ADDED = "You have added this account already."
LOOK_UP_AGAIN = "Look up the account again."
LOOK_UP_EXPIRED = "That took more than ten minutes. Look up the account again."
RECIPIENT_REMOVED = "You have removed this bank account. Choose another one."

# Saved cards.
MANDATE = (
    "You let us charge this card when you pay with it here, and for the auto-saves that you set up. You can remove it "
    "at any time."
)
CARD_REMOVED = "You have removed this card. Choose another one."
CARD_HAS_EXPIRED = "This card has expired. Pay with the new one and save it."
CARD_IS_FOREIGN = "We can’t charge saved cards from other countries. Choose another way to pay."
CARD_TROUBLES = {
    "disputed": "A payment with this card is disputed, so we don’t charge it. Choose another way to pay.",
    "refused": "Your bank doesn’t let us charge this card again. Pay with it once more, and save it again.",
}
# Why a charge to a saved card failed, by its code, and what to do.
CARD_FAILURES = {
    "no_funds": "There wasn’t enough money on the card. Add money to its account, or pay with another card.",
    "card_expired": "The card has expired. Pay with the new one and save it.",
    "not_reusable": "Your bank doesn’t let us charge this card again. Pay with it once more, and save it again.",
    "declined": "Your bank declined the charge. Ask your bank, or pay with another card.",
    "stolen": "Your bank has blocked this card as lost or stolen. Ask your bank, and pay with another card.",
    "over_limit": "The amount is above a limit of your card. Pay a smaller amount, or ask your bank.",
    "refused": "The payment provider refused the charge. Try again, or pay with another card.",
    "not_approved": "Nobody approved the charge in time. Try again, and approve it on the payment provider’s page.",
    "never_sent": "We couldn’t reach the payment provider. Try again.",
}

# Withdrawals of a saver.
PAYOUT_OUTDATED = "This withdrawal has changed, or the page is too old. Check it and confirm again."
SENT_ALREADY = "This withdrawal was sent already, so it can’t be cancelled any more."

# Decisions of staff about withdrawals.
NOT_WAITING_FOR_APPROVAL = "This withdrawal is not waiting for approval."
REASON_MISSING = "Give the reason. The saver reads it."
PAYOUT_OVER = "This withdrawal was sent already, or is over."
NOT_WITH_PROVIDER = "You can ask only about a withdrawal that is with the provider."
STAFF_DECIDE = "Only staff may decide about a withdrawal."
OTHER_DECIDES = "Someone else has to decide about your own withdrawal."

# Why staff have to look at a withdrawal.
LOW_BALANCE = "The provider balance is too low for it."
SAVER_CLOSED = "The account of the saver is closed."
SAVER_FROZEN = "The account of the saver is frozen."
SAVER_OWES = "The saver owes money, or a payment of theirs is disputed, and the stash does not cover it."
ENTER_PASSWORD = "The provider waits for a one-time password. Enter it, or turn that off, in its dashboard."  # noqa: S105 - a sentence
PROVIDER_CHECKS = "The provider is checking it."

# Refunds and fees.
NOT_A_CARD_PAYMENT = "Only a card payment can be refunded by the provider."
NOT_ABOUT_A_REFUND = "This event is not about a refund of a payment here."
REFUND_BOOKED = "This refund is booked already."
REFUND_NOT_MADE = "The provider has not made this refund."
FEE_BELOW_ZERO = "A fee cannot be below zero."

# Answers of staff to a dispute.
CLAIM_ACCEPTED = "We accept this claim."
DISPUTE_OVER = "This dispute is over."
DISPUTE_ANSWERED = "This dispute was answered already."
DISPUTE_TOO_LATE = "The deadline of this dispute has passed. The provider decides it now."
DISPUTE_NOT_WAITING = "The provider does not wait for our answer to this dispute."
DISPUTE_STAFF_ONLY = "Only staff may answer a dispute."
OTHER_ANSWERS = "Someone else has to answer a dispute about your own money."
PAYER_UNKNOWN = "We don’t know who paid, so there is nothing to contest it with."
PHONE_INVALID = "Enter a phone number, for example +234 801 234 5678. The provider requires one."
SAY_WHAT_WAS_PAID_FOR = "Say what the payment was for."
SAY_WHY_CONTESTED = "Say why the claim is wrong."

# The result of processing an event of the provider, for staff.
EVENT_IGNORED = "Stored. Events of this kind change nothing here."
EVENT_NOT_OURS = "Stored. This is not about a transaction of ours."
EVENT_UNKNOWN = (
    "Nothing was posted: there is no such transaction here. It may be missing since a backup was restored, or belong "
    "to another installation that shares the account at the provider."
)
EVENT_NOT_PAYMENT = "Nothing was posted: this is not the reference of a payment."
EVENT_NOT_PAYOUT = "Nothing was posted: this is not the reference of a payout."
EVENT_SETTLED = "Settled."
DISPUTE_UNNAMED = "Nothing was done: the event does not say which dispute it is about."
DISPUTE_WON = "Resolved: the money stays."
# The event and the provider's own answer do not agree yet.
NOT_PAID_YET = "The event says paid, but the provider does not confirm it yet."
NO_REFUND_YET = "The event is about a refund, but the provider does not list one yet."
REFUND_NOT_OVER = "The event says that a refund has ended, but the provider does not confirm it yet."
DISPUTE_NOT_OVER = "The event says that a dispute is resolved, but the provider does not confirm it yet."
TRANSFER_NOT_OVER = "The event says that a transfer has ended, but the provider does not confirm it yet."


def top_up_too_small(least_kobo: int) -> str:
    return f"You can pay in {money.short(least_kobo)} or more."


def top_up_too_large(most_kobo: int) -> str:
    return f"You can pay in up to {money.short(most_kobo)} at once."


def card_name_too_long(longest: int) -> str:
    return f"Use at most {longest} characters."


def too_many_recipients(most: int) -> str:
    return f"You can have up to {most} bank accounts. Remove one first."


def other_owner(account_name: str) -> str:
    return f"This account belongs to {account_name}. You can withdraw only to an account in your own name."


def wait_after_sign_in_change(until: datetime.datetime) -> str:
    return f"The way you sign in has changed. For your safety you can withdraw again from {_moment(until)}."


def wait_for_recipient(until: datetime.datetime) -> str:
    return f"You added this account a short time ago. You can withdraw to it from {_moment(until)}."


def payout_too_small(least_kobo: int) -> str:
    return f"The least you can withdraw is {money.short(least_kobo)}."


def payout_too_small_with_fee(least_kobo: int) -> str:
    return f"The least you can withdraw is {money.short(least_kobo)}, and the fee comes on top."


def payout_too_large(most_kobo: int) -> str:
    return f"The most you can withdraw at once is {money.short(most_kobo)}."


def day_limit_reached(day_max_kobo: int, again_at: datetime.datetime) -> str:
    return (
        f"You have reached the limit of {money.short(day_max_kobo)} a day. You can withdraw again from "
        f"{_moment(again_at)}."
    )


def day_limit(day_max_kobo: int, left_kobo: int, again_at: datetime.datetime) -> str:
    return (
        f"You can withdraw {money.short(day_max_kobo)} a day, and {money.short(left_kobo)} is left today. You can "
        f"withdraw the rest from {_moment(again_at)}."
    )


def disputed(disputed_kobo: int) -> str:
    return f"{money.short(disputed_kobo)} is disputed at the payer’s bank and stays here until that is over."


def owed(owed_kobo: int) -> str:
    return f"{money.short(owed_kobo)} is owed from an earlier payment that was reversed."


def stash_too_low(stash_kobo: int) -> str:
    return f"Your stash holds {money.short(stash_kobo)}, which is too little to withdraw."


def above_most(most_kobo: int) -> str:
    return f"That is more than you can withdraw. Enter up to {money.short(most_kobo)}."


def above_most_with_fee(most_kobo: int, fees_kobo: int) -> str:
    return (
        f"That with the fee of {money.short(fees_kobo)} is more than you can withdraw. Enter up to "
        f"{money.short(most_kobo)}."
    )


def no_result(reason: str) -> str:
    return f"The provider has given no result yet. {reason}"


def contradiction(status: str) -> str:
    return f"The provider now says {status}, after it said otherwise. Find out where the money is."


def other_cost(cost_kobo: int) -> str:
    return f"The provider now says that it cost {money.short(cost_kobo)}, and the books have another cost."


def in_suspense(reference: str) -> str:
    return f"In suspense as {reference}, for a review."


def was_in_suspense(reference: str) -> str:
    return f"Its money was in suspense as {reference}, and its review is closed."


def refund_of_dispute(refund: int, status: str) -> str:
    return f"Refund {refund} ({status}) belongs to a dispute, whose end is booked."


def refund_not_booked(refund: int, status: str) -> str:
    return f"Refund {refund} ({status}) was made at the provider and is not in the books."


def refund_here(reference: str, status: str, status_here: str) -> str:
    return f"{reference}: {status}, {status_here} here."


def answer_dispute(dispute: int) -> str:
    return f"Answer dispute {dispute} at the provider by its deadline."


def answer_dispute_by(dispute: int, due_at: datetime.datetime) -> str:
    return f"Answer dispute {dispute} at the provider by {_moment(due_at)}."


def dispute_lost(chargeback: str) -> str:
    return f"Resolved: the payer gets the money back, and {chargeback} is the chargeback."


# Why a transfer that a restored database has lost cannot be booked, for staff.
LOST_IS_SHORT = "The stash holds less than this withdrawal and its fees."
LOST_RECIPIENT = "No saver here has this bank account."
LOST_SHARED_RECIPIENT = "Several savers have this bank account."


def text_too_long(longest: int) -> str:
    return f"Use at most {longest:,} characters."


def settlement_currency(settlement: int, currency: str) -> str:
    return f"Settlement {settlement} is not in {currency}."


def settlement_unnumbered(settlement: int) -> str:
    return f"A payment of settlement {settlement} has no number."


def settlement_differs(
    settlement: int, *, gross_kobo: int, fees_kobo: int, total_gross_kobo: int, total_fees_kobo: int
) -> str:
    return (
        f"The payments of settlement {settlement} are {money.short(gross_kobo)} with fees of "
        f"{money.short(fees_kobo)}, and its totals are {money.short(total_gross_kobo)} with fees of "
        f"{money.short(total_fees_kobo)}."
    )


def given_back_by_provider(change_kobo: int, model: str, row: int | None) -> str:
    return f"The provider gave {money.short(change_kobo)} back for {model} {row}."


def _moment(at: datetime.datetime) -> str:
    """Return a moment as a sentence names it: `3 May 2026, 14:05`."""
    return date_format(timezone.localtime(at), "j F Y, H:i")
