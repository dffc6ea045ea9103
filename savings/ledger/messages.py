"""The sentences of the ledger: steps of a receipt, which savers read, and refusals, which mostly staff read."""

from __future__ import annotations

import datetime
from collections import defaultdict

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import ngettext

from savings import money
from savings.models import Entry, Transaction

_Code = Entry.Code
_Kind = Transaction.Kind

# A freeze by staff, to the saver.
WITHDRAWALS_FROZEN = "Our staff have stopped withdrawals from your account. Please contact us."
MOVEMENTS_FROZEN = "Our staff have frozen your account, so no money can move. Please contact us."

# The first step of a receipt.
REQUESTED = "Requested"
MONEY_ARRIVED = "Money arrived"
FOR_A_WITHDRAWAL = "For a withdrawal"
# The first step of what is not the user's own request, by kind.
BEGINS: dict[str, str] = {
    _Kind.REFUND: "Refund approved",
    _Kind.CHARGEBACK: "The payer’s bank took the payment back",
    _Kind.REPAYMENT: "For a payment that went back",
    _Kind.INTEREST_CORRECTION: "Interest on money that went back",
    _Kind.WRITE_OFF: "We gave up this debt",
    _Kind.ADJUSTMENT: "Made by our staff",
    _Kind.AUTOSAVE: "Auto-save started",
}
# The first step of a move to the stash, if the plan has ended.
MATURED = "The plan matured"
CORRECTED_BY_STAFF = "Corrected by our staff"
NOT_ASKED_FOR = {_Kind.INTEREST, _Kind.TAX_WITHHELD, _Kind.PENALTY, _Kind.FEE}
# The receipt of a fee names them as lines of its sum.
PARTS_OF_FEE = (_Code.VAT, _Code.DUTY)
# The first step of a return, by the kind of what came back.
RETURN_BEGINS: dict[str, str] = {
    _Kind.STASH_WITHDRAWAL: "The bank returned the money",
    _Kind.FEE: "The withdrawal came back",
}

# The steps in between.
SENT_TO_PROVIDER = "Sent to the payment provider"
CONFIRMED_BY_PROVIDER = "Confirmed by the payment provider"
APPROVED_BY_STAFF = "Approved by our staff"
EMAIL_SENT = "Email sent"
EMAIL_FAILED = "The email couldn’t be sent"
EMAIL_UNDER_MESSAGES = "You can read it under Messages."
EMAIL_TO_COME = "Email"
EMAIL_ON_ITS_WAY = "On its way to you"
# The posting of what a saver moves or gets, by kind; other kinds have no shorter words for it.
POSTED: defaultdict[str, str] = defaultdict(
    lambda: "Entered in the books",
    {
        _Kind.TOP_UP: "Added to your balance",
        _Kind.STASH_DEPOSIT: "Added to your balance",
        _Kind.INTEREST: "Added to your balance",
        _Kind.TAX_WITHHELD: "Withheld from your interest",
        _Kind.PENALTY: "Kept from what you took out",
        _Kind.STASH_TO_PLAN: "Moved to your plan",
        _Kind.AUTOSAVE: "Added to your balance",
        _Kind.PLAN_TO_STASH: "Moved to your stash",
    },
)
# The other entries of a transaction, by code.
ENTRY_TITLES: dict[Entry.Code, str] = {
    _Code.HOLD: "Set aside from your stash",
    _Code.RELEASE: "Released to your stash",
    _Code.SUSPENSE: "Set aside while we check",
    _Code.VAT: "VAT on the fee",
    _Code.DUTY: "Stamp duty",
}
REFUND_TITLES: dict[Entry.Code, str] = {
    _Code.PRIMARY: "Sent back to the payer",
    _Code.HOLD: "Set aside for the refund",
    _Code.RELEASE: "No longer set aside",
}
_BACK_IN_STASH = "Back in your stash"
PAID_TO_BANK = "Paid to your bank account"
# The entries of a withdrawal and of its fee.
WITHDRAWAL_TITLES: dict[str, dict[Entry.Code, str]] = {
    _Kind.STASH_WITHDRAWAL: {_Code.PRIMARY: PAID_TO_BANK, _Code.RELEASE: _BACK_IN_STASH},
    _Kind.FEE: {_Code.PRIMARY: "Charged with the withdrawal", _Code.RELEASE: _BACK_IN_STASH},
}
# The entries of a reversal, by the kind of what it reverses.
RETURN_TITLES: dict[str, dict[Entry.Code, str]] = {
    _Kind.STASH_WITHDRAWAL: {_Code.PRIMARY: "Came back from the bank", _Code.RELEASE: _BACK_IN_STASH},
    _Kind.FEE: {
        _Code.PRIMARY: "Fee given back",
        _Code.VAT: "VAT given back",
        _Code.DUTY: "Stamp duty given back",
        _Code.RELEASE: _BACK_IN_STASH,
    },
}

# The last steps of a payment or a move.
WAITING_FOR_PROVIDER = "Waiting for the payment provider"
UNDER_WAY = "Under way"
IN_YOUR_SAVINGS = "In your savings"
NOTHING_MOVED_YET = "No money has moved yet."
NOT_CONFIRMED_YET = "The provider hasn’t confirmed a payment yet."
NOTHING_MOVED = "No money has moved."
PAYMENT_FAILED = "Payment failed"
NOT_FINISHED = "Not finished"
# By the failure code of the transaction.
WHY_NOT_FINISHED: defaultdict[str, str] = defaultdict(
    lambda: "You left the payment page. No money has moved.",
    page_lost="The payment page did not reach us. No money has moved.",
    never_sent="We couldn’t reach the payment provider. No money has moved.",
    not_approved="You didn’t approve the payment in time. No money has moved.",
)
AFTER_CONFIRMATION = "As soon as the provider confirms the payment."
IN_REVIEW = "We’re checking this"
# By the reason of the review.
WHY_IN_REVIEW: defaultdict[str, str] = defaultdict(
    lambda: "A different amount arrived.",
    no_answer="The payment provider hasn’t told us yet whether it went through.",
    channel="We don’t accept this kind of card or payment.",
    fee="The payment provider’s fee is not clear yet.",
    same_payment="The payment provider reports this payment twice. We’re checking it with them.",
    closed="It arrived after the account was closed.",
)
# How a review ends: `ledger.release`, `ledger.allocate` or a refund.
AFTER_REVIEW = "In your savings, or back with you"
STAFF_DECIDE = "Our staff decide it. You’ll see it here."
CHECKED = "Checked"
CHECKED_NOTE = "What arrived was credited or given back. That has its own receipt."
GIVEN_BACK = "Given back"
GIVEN_BACK_TO_PAYER = "All of it went back to the payer."
REVERSED = "Reversed"
SEE_REVERSAL = "See the reversal for details."
SET_ASIDE = "The money is set aside."
BACK_WITH_PAYER = "Back with the payer"
REFUND_FAILED = "Refund failed"
REFUND_CAME_BACK = "The money is back, and so is its interest."

# The last steps of a withdrawal.
WAITING_FOR_APPROVAL = "Waiting for approval"
APPROVAL_NOTE = "Our staff check it before it is sent. You can cancel it until then."
WAITING_TO_BE_SENT = "Waiting to be sent"
SENT_SOON = "We’ll send it soon. You can cancel it until then."
# While staff have to do something first, such as topping the provider's balance up.
LONGER = "This is taking longer than usual, and our staff know about it."
CANCEL_UNTIL_SENT = "The money is set aside, and you can cancel the withdrawal until it is sent."
SET_ASIDE_FOR_BANK = "The money is set aside until the bank takes it or sends it back."
WITHDRAWAL_FAILED = "Withdrawal failed"
CANCELLED = "Cancelled"
WITHDRAWAL_RETURNED = "Returned"
BANK_RETURNED_IT = "The bank returned the money."
ALL_BACK_IN_STASH = "All of it is back in your stash."
REFUSED_BY_STAFF = "Our staff refused it."
# Why a withdrawal failed, by the failure code of its transaction that comes from the provider.
WHY_WITHDRAWAL_FAILED: defaultdict[str, str] = defaultdict(
    lambda: "The payment provider could not pay it.",
    refused="The payment provider refused it.",
    rejected="The payment provider rejected it.",
    blocked="The payment provider blocked it.",
    abandoned="The payment provider did not carry it out.",
    reversed="The bank sent the money back.",
)
FEE_TO_COME = "Charged when the withdrawal is paid"
FEE_NOT_CHARGED = "Not charged"
FEE_OF_FAILED = "The withdrawal failed."
FEE_OF_CANCELLED = "The withdrawal was cancelled."
FEE_OF_RETURNED = "The withdrawal came back."

# Refusals of postings by hand.
OTHER_APPROVER = "Someone else has to approve this."
STAFF_ONLY = "Only staff may move the house’s money."
REASON_MISSING = "Give a reason."
REMITTANCE_MONTH = "Enter a month for a remittance, and only for a remittance."
MONTH_NOT_BEGUN = "Enter the first day of a month that has begun."

# Refusals of refunds, chargebacks, credits from suspense, and repayments.
ALL_WENT_BACK = "All of this payment has gone back already."
NOT_BOOKED = "No money of this payment has been booked."
PAYMENT_REVERSED = "This payment was reversed."
IN_SUSPENSE = "The money of this payment is in suspense."
NOT_THERE = "The money of this payment did not go there."
DISPUTED = "This payment is disputed. You can refund it once the dispute is over."
OWNER_UNKNOWN = "We don’t know whose money this is. Choose a user."
NOT_IN_SUSPENSE = "No money of this payment is in suspense."
ACCOUNT_CLOSED = "This person’s account is closed, so it takes no money."
OTHER_OWNER = "This plan belongs to another user."
PLAN_OVER = "This plan takes no more money. Credit the stash instead."
NOTHING_OWED = "Nothing is owed."

# Refusals of goodwill, and of corrections of interest.
PLAN_EMPTY = "This plan is closed and empty. Take it from the stash instead."
ALL_REMITTED = "All of this interest was withheld as tax, which was remitted already."

# Refusals of reversals, by the kind of transaction.
CARD_NOT_REVERSIBLE = "Only a refund or a dispute changes a card payment."
NOT_REVERSIBLE: dict[str, str] = {
    _Kind.REVERSAL: "A reversal cannot be reversed.",
    _Kind.STASH_WITHDRAWAL: "A withdrawal comes back only when the provider says so.",
    _Kind.FEE: "A fee is given back together with its withdrawal.",
    _Kind.TREASURY: "Undo a treasury posting with a posting of the opposite purpose.",
    _Kind.INTEREST_CORRECTION: "Undo a correction of interest with another correction.",
    _Kind.REFUND: "A refund changes only when the provider says so.",
    _Kind.CHARGEBACK: "A chargeback changes only when the provider says so.",
    _Kind.REPAYMENT: "A repayment cannot be reversed.",
    _Kind.WRITE_OFF: "A write-off cannot be reversed.",
}
REVERSIBLE_ONCE = "Only a successful transaction can be reversed, and only once."
PLAN_CLOSED = "The plan that the money came from is closed, so the money cannot go back."
INTEREST_GONE = "Some of this interest was taken back already. Correct the interest instead."
GOODWILL_GONE = "This goodwill was taken back already."

# Refusals of the closing of a month.
NOT_FIRST_DAY = "Enter the first day of the month."
MONTH_NOT_OVER = "This month is not over yet."
MONTH_CLOSED = "This month is closed already."
MONTH_EMPTY = "There are no entries in this month."
NO_ENTRIES = "There are no entries yet."

# Refusals of a settlement of the provider.
SETTLEMENT_BELOW_ZERO = "A settlement cannot pay out less than nothing."


def times_received(times: int) -> str:
    return ngettext("%(times)d time, counted once", "%(times)d times, counted once", times) % {"times": times}


def kind_failed(kind: str) -> str:
    return f"{kind} failed"


def plan_was_full(plan: str) -> str:
    return f"{plan} can’t take more money, so we put it in your stash."


def sent_at(at: datetime.datetime) -> str:
    when = date_format(timezone.localtime(at), "H:i, j F Y")
    return f"We’ll send it at {when}. You can cancel it until then."


def reason_given(reason: str) -> str:
    return f"The reason: {reason.rstrip('.')}."


def coverage(share: str) -> str:
    return f"Coverage is {share}."


def coverage_below(share: str, missing_kobo: int) -> str:
    return f"Coverage is {share}: {money.short(missing_kobo)} is missing."


def only_left(rest_kobo: int) -> str:
    return f"Only {money.short(rest_kobo)} of this payment is left."


def only_owed(owed_kobo: int) -> str:
    return f"Only {money.short(owed_kobo)} is owed."


def only_goodwill(given_kobo: int) -> str:
    return f"Only {money.short(given_kobo)} of goodwill was given to this person and not taken back."


def only_posted(posted_kobo: int) -> str:
    return (
        f"Only {money.short(posted_kobo)} of interest was posted to this plan and not taken back, before tax."
    )


def stash_holds(there_kobo: int) -> str:
    return f"The stash holds {money.short(there_kobo)}."


def holds_less(place: str, there_kobo: int) -> str:
    return f"{place} holds {money.short(there_kobo)}. Enter up to that."


def plan_full(most_kobo: int) -> str:
    return f"A plan holds at most {money.short(most_kobo)}."


def no_bank(bank: str) -> str:
    return f"There is no bank account called {bank}."


def account_too_low(account: str, there_kobo: int, amount_kobo: int) -> str:
    return f"{account} has {money.short(there_kobo)}, which is less than {money.short(amount_kobo)}."


def month_too_low(account: str, month_on: datetime.date, left_kobo: int, amount_kobo: int) -> str:
    return (
        f"{account} of {_month(month_on)} is {money.short(left_kobo)}, which is less than "
        f"{money.short(amount_kobo)}."
    )


def tax_remitted(month_on: datetime.date) -> str:
    return f"The tax of {_month(month_on)} was remitted already."


def close_first(month_on: datetime.date) -> str:
    return f"Close {_month(month_on)} first."


def adjustments_left(left_kobo: int) -> str:
    return f"Clear the adjustments first: {money.short(left_kobo)} is left there."


def settlement_booked(provider_id: int) -> str:
    return f"Settlement {provider_id} is booked already."


def settlement_payment_unknown(provider_id: int) -> str:
    return f"Payment {provider_id} of this settlement is unknown."


def settled_elsewhere(provider_id: int | None) -> str:
    return f"Payment {provider_id} is in another settlement."


def amounts_differ(ours_kobo: int, theirs_kobo: int) -> str:
    return (
        f"The amounts of its payments add up to {money.short(ours_kobo)}, and the provider says "
        f"{money.short(theirs_kobo)}: a difference of {money.short(theirs_kobo - ours_kobo)}."
    )


def fees_differ(ours_kobo: int, theirs_kobo: int) -> str:
    return (
        f"The fees of its payments add up to {money.short(ours_kobo)}, and the provider says "
        f"{money.short(theirs_kobo)}: a difference of {money.short(theirs_kobo - ours_kobo)}."
    )


def _month(month_on: datetime.date) -> str:
    return date_format(month_on, "F Y")


# What the checks demand that are no query.
GUARDS_RULE = "The database has all triggers and constraints that refuse damage."
DIGESTS_RULE = "The hash of each closed month fits its sums and the hash of the month before."
