"""The sentences of the back office. Staff read them."""

from __future__ import annotations

import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import ngettext

from savings import money
from savings.models import Account, Payment, Payout, Transaction, WebhookEvent

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
    "closed": "The account was closed before. Send it back to the payer.",
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
STASH_EMPTY = "This saver’s stash is empty."
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

# Proofs of the books.
PROOF_ABANDONED = "The worker gave up before the last check."

# Search. What tells a person from most savers.
ALSO_STAFF = "Staff"
ACCOUNT_CLOSED = "Closed"
ACCOUNT_FROZEN = "Frozen"

# Exports.
NOT_WRITTEN = "The file could not be written. Ask for it again."

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
CLOSE_FIRST = "Close the account first."
CARDS_NOT_DEACTIVATED = "The payment provider has not deleted a saved card yet. Try again in a few minutes."
# What an erasure did, for the audit log.
ERASED_MAIL = "Erased"
ERASED_SIGN_IN = "Name, email addresses, password, second steps, devices and sessions."
ERASED_CARDS = "Cards and pages of payments."
ERASED_PLANS = "Names of plans."
ERASED_CIRCLES = "Nicknames, and circles without other members."
ERASED_STAFF_TEXTS = "Notes, cases and reasons. To do by hand: the customer at the provider."
RECIPIENT_DELETED = "A bank account was deleted at the provider."
RECIPIENT_SHARED = "A bank account stays at the provider: another saver withdraws to it."
ERASED_ALREADY = "This person’s data is erased."
NO_EXPORT = "There is no file: it was downloaded already, or is too old. Ask for a new one."
# Why a file was downloaded: the export itself has the reason.
DOWNLOADED = "Downloaded"
NOT_A_SENT_MAIL = "Only a mail that was sent can be sent again."
MAIL_HAD_A_LINK = "This mail had a link or a code, which we removed. The saver can ask for a new one."
NOT_GIVEN_UP = "Only a row that was given up can be retried."
ACCOUNT_NAMES: dict[str, str] = {
    Account.Kind.STASH: "the stash",
    Account.Kind.HOLD: "money set aside for withdrawals",
}
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


def transfer_lost(reference: str, amount_kobo: int, why: str, *, is_frozen: bool) -> str:
    freeze = (
        " The saver’s withdrawals are frozen: end that when it is clear who bears the money."
        if is_frozen
        else ""
    )
    return (
        f"The provider sent {money.naira(amount_kobo)} as {reference}, which the restored database does not have."
        f" {why}{freeze}"
    )


def payment_is(status: str) -> str:
    return f"We asked the provider. The payment is now: {status.lower()}." if status else NOT_KNOWN_THERE


def answer_is_final(status: str) -> str:
    return f"The provider has given its last answer about this payment, which is: {status.lower()}."


def dispute_is(status: str) -> str:
    return f"We asked the provider. The dispute is now: {status.replace('-', ' ') or 'open'}."


def refused_because(reason: str) -> str:
    return f"refused: {reason}"


def holds(name: str, kobo: int) -> str:
    return f"There are {money.naira(kobo)} in {name}."


def interest_waits(name: str, kobo: int) -> str:
    return f"Interest of {money.naira(kobo)} on {name} is not posted yet."


def owes(kobo: int) -> str:
    return f"The saver owes {money.naira(kobo)}."


def disputed(kobo: int) -> str:
    return f"Payments of {money.naira(kobo)} are disputed."


def not_finished(reference: str) -> str:
    return f"Transaction {reference} is not finished."


def case_open(case_id: int) -> str:
    return f"Case {case_id} is open."


def request_waits(request_id: int) -> str:
    return f"Request {request_id} waits for approval."


def owns_circle(name: str) -> str:
    return f"The circle “{name}” has other members. Hand it over first."


def pseudonym(user_id: int) -> str:
    return f"Erased person {user_id}"


def plan_pseudonym(plan_id: int) -> str:
    return f"Plan {plan_id}"


def member_pseudonym(membership_id: int) -> str:
    return f"Former member {membership_id}"


def erased_mails(count: int) -> str:
    return ngettext("%(count)d mail.", "%(count)d mails.", count) % {"count": count}


def erased_statements(count: int) -> str:
    return ngettext("%(count)d statement with its file.", "%(count)d statements with their files.", count) % {
        "count": count
    }


def erased_recipients(at_provider: int) -> str:
    if not at_provider:
        return "Bank accounts."
    return ngettext(
        "Bank accounts; %(count)d is being deleted at the provider.",
        "Bank accounts; %(count)d are being deleted at the provider.",
        at_provider,
    ) % {"count": at_provider}


def erased_events(count: int) -> str:
    return ngettext("%(count)d event of the provider.", "%(count)d events of the provider.", count) % {
        "count": count
    }


def export_readme(user_id: int, lines: str) -> str:
    return (
        f"Data of person {user_id}, written on {date_format(timezone.localtime(), 'j F Y, H:i')}.\n\n"
        "One file for each table, as JSON: a list of rows, each with the names of its columns. Amounts end in _kobo:"
        " 100 kobo are 1 naira. Times are in UTC. Passwords, keys and the links in mails are left out, and so are the"
        f" names of other people and of staff.\n\n{lines}\n"
    )


def came_out(state: str) -> str:
    return f"It is over: {state.lower()}."


def note_too_long(most: int) -> str:
    return ngettext("Write at most %(most)d character.", "Write at most %(most)d characters.", most) % {
        "most": most
    }


def ended_already(state: str, at: datetime.datetime | None) -> str:
    when = f" since {date_format(timezone.localtime(at), 'j F Y, H:i')}" if at else ""
    return f"This request is over{when}: {state.lower()}."
