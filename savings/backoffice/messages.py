"""The sentences of the back office. Staff read them."""

from __future__ import annotations

import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import ngettext

from savings import money
from savings.models import Payment, Payout, Transaction, WebhookEvent

# Cases.
SUMMARY_MISSING = "Say in a sentence what the saver asks."
NOTE_MISSING = "Write something."
OUTCOME_MISSING = "Say in a sentence how it was solved."
SOLVED_ALREADY = "This case is solved already."
SOLVED_BY_ITS_SUBJECT = "This case is solved when what it is about is over. Use one of its actions."
REQUEST_WAITS = "A request of this case waits for approval. Approve, refuse or withdraw it first."
ONLY_STAFF_WORK = "Choose an active member of staff."
OPENED_AGAIN = "The site opened this case again: it needs somebody again."
NEEDS_NOBODY = "It needs nobody any more."
DISPUTE_LOST = "The payer gets the money back."
DISPUTE_WON = "The claim was turned down. The money stays."
_WHY_IN_REVIEW = {
    "no_answer": "The provider has not said yet whether it went through.",
    "channel": "It came by a card or channel that we do not accept.",
    "fee": "The provider’s fee is not clear.",
    "same_payment": "The provider reports it twice.",
}

ASKED_SOON = "The worker asks the provider within a minute."
NOT_KNOWN_THERE = "We asked the provider, and it does not know this payment."
PROVIDER_AWAY = "The provider did not answer. Nothing was posted. Try again in a minute."
NOTHING_TO_ASK = "The provider has nothing to say about this case."
APPROVED = "approved"

# Requests.
REASON_MISSING = "Say why. The reason is stored."
# Stands for the reason in a preview before somebody has typed one. Nothing of a preview is stored.
REASON_TO_COME = "Preview"
PREVIEW_CHANGED = "This would not post what the preview showed. Look at the new preview, then ask again."
DISPUTE_OVER = "This dispute is over."
DISPUTE_ANSWERED = "Somebody has answered this dispute. The provider decides now."
DISPUTED = "This payment is disputed. Decide the dispute first."
PAYER_UNKNOWN = "Nobody knows who paid. Allocate the money to a person."
NOTHING_IN_SUSPENSE = "None of this payment’s money is in suspense."
NOTHING_TO_REFUND = "No money of this payment is booked, or all of it went back."
NOT_REVERSIBLE_NOW = "Only a movement that is done can be reversed, and only once."
OWES_NOTHING = "This saver owes nothing."
UNKNOWN_ACTION = "There is no such action."
NOT_ALLOWED = "Your role does not allow this action."
OWN_REQUEST = "Somebody else has to approve what you asked for."
OWN_MONEY = "This is about your own money. Somebody else has to do it."
ASKED_BY_ANOTHER = "Only the person who asked can withdraw a request."
NOBODY_ELSE = "Nobody else may approve this: give a second active member of staff the right to."
SUBJECT_WAITS = "A request about this waits for approval already."
FACTS_CHANGED = "What the request was made on has changed. Ask again if it is still right."
LINES_CHANGED = "It would not post the same any more. Ask again if it is still right."
ASKER_GONE = "The person who asked is no longer active staff."
TOO_LATE = "Nobody decided in time."
REFUSAL_MISSING = "Say why you refuse it."

# Exports.
NOT_WRITTEN = "The file could not be written. Ask for it again."
NO_SUCH_LIST = "This list cannot be exported."

# Products.
KIND_STAYS = "The kind of a product that exists stays. Make a new product."
BOTH_TERMS = "Give both a shortest and a longest term, or neither."
TERM_ORDER = "The longest term must not be shorter than the shortest, and terms are longer than 0 days."
PENALTY_TOO_HIGH = "The penalty must be below 100%."
FORFEIT_AT_MATURITY = (
    "An exit without interest needs interest at maturity: posted interest is never taken back."
)
RATE_TWICE = "Give one rate for each number of days."
RATE_OUT_OF_RANGE = "A rate is between 0% and 100%, from 0 days or more."
VALID_FROM_RANGE = "Choose today or a day within a year."
NEEDS_SECOND_PERSON = "There are plans now, so a second person has to approve changes of products."


def no_rate(days: int) -> str:
    return ngettext(
        "Give a rate for terms from %(days)d day or less, or do not offer the product: no plan could start.",
        "Give a rate for terms from %(days)d days or less, or do not offer the product: no plan could start.",
        days,
    ) % {"days": days}


# People.
CHOOSE_FREEZE = "Choose what to stop."
CLOSED_ALREADY = "This account is closed."
CHECK_MISSING = "Say which document or call you checked."
NO_SECOND_STEP = "This person has no second step."
NO_PROPOSAL = "No change of email address waits for a confirmation."
NOT_UNDOABLE = "This change can’t be undone any more. Ask for a new change of the email address instead."


# Accounts of savers.


def stash_of(name: str) -> str:
    return f"{name}’s stash"


def hold_of(name: str) -> str:
    return f"{name}’s money on hold"


def plan_of(plan: str, name: str) -> str:
    return f"{name}’s plan “{plan}”"


def payment_in_review(movement: Transaction, payment: Payment) -> str:
    paid = money.naira(payment.paid_kobo) if payment.paid_kobo is not None else "nothing yet"
    why = _WHY_IN_REVIEW.get(payment.review_reason, "Another amount arrived than was asked for.")
    return f"{movement.reference}: {money.naira(movement.amount_kobo)} asked for, {paid} arrived. {why}"


def event_needs_staff(event: WebhookEvent) -> str:
    return f"{event.event} {event.reference}: {event.note or event.error or 'It could not be processed.'}".strip()


def refund_needs_staff(movement: Transaction) -> str:
    return f"The provider needs the payer’s bank account for refund {movement.reference}."


def refund_failed(movement: Transaction) -> str:
    amount = money.naira(movement.amount_kobo)
    return f"The provider did not make refund {movement.reference}. {amount} are back where they came from."


def payout_needs_staff(payout: Payout) -> str:
    amount = money.naira(payout.transaction.amount_kobo)
    return payout.staff_note or f"Withdrawal {payout.transaction.reference} of {amount} waits for approval."


def payout_failed(payout: Payout) -> str:
    why = payout.provider_message or payout.get_state_display()
    return f"Withdrawal {payout.transaction.reference} did not reach the bank: {why}"


def payment_is(status: str) -> str:
    return f"We asked the provider. The payment is now: {status.lower()}." if status else NOT_KNOWN_THERE


def answer_is_final(status: str) -> str:
    return f"The provider has given its last answer about this payment, which is: {status.lower()}."


def dispute_is(status: str) -> str:
    return f"We asked the provider. The dispute is now: {status.replace('-', ' ') or 'open'}."


def refused_because(reason: str) -> str:
    return f"refused: {reason}"


def came_out(state: str) -> str:
    return f"It is over: {state.lower()}."


def note_too_long(most: int) -> str:
    return ngettext("Write at most %(most)d character.", "Write at most %(most)d characters.", most) % {
        "most": most
    }


def ended_already(state: str, at: datetime.datetime | None) -> str:
    when = f" since {date_format(timezone.localtime(at), 'j F Y, H:i')}" if at else ""
    return f"This request is over{when}: {state.lower()}."
