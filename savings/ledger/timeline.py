"""The timeline of one transaction, for its receipt: what has happened, when, and what is still to come."""

from __future__ import annotations

from collections import defaultdict

from savings.ledger import withdrawal_steps
from savings.ledger.steps import Step
from savings.models import Entry, OutboxRow, Payment, Payout, Transaction, WebhookEvent

Kind = Transaction.Kind
Status = Transaction.Status

# The first step of what is not the user's own request.
_BEGINS: dict[str, str] = {
    Kind.REFUND: "Refund approved",
    Kind.CHARGEBACK: "The payer’s bank took the payment back",
    Kind.REPAYMENT: "For a payment that was charged back",
    Kind.INTEREST_CORRECTION: "Interest on money that went back",
    Kind.WRITE_OFF: "We gave this debt up",
}
_REFUND_STEPS = {
    Entry.Code.PRIMARY: "Sent back to the payer",
    Entry.Code.HOLD: "Set aside for the refund",
    Entry.Code.RELEASE: "No longer set aside",
}

# The posting of what a saver moves or gets; other kinds have no shorter words for it.
_POSTED: dict[str, str] = {
    Kind.TOP_UP: "Added to your balance",
    Kind.STASH_DEPOSIT: "Added to your balance",
    Kind.INTEREST: "Added to your balance",
    Kind.STASH_TO_PLAN: "Moved to your plan",
    Kind.PLAN_TO_STASH: "Moved to your stash",
}
_WHY_ABANDONED = defaultdict(
    lambda: "You left the payment page.",
    page_lost="The payment page did not reach us.",
    never_sent="We couldn’t reach the payment provider.",
)
_WHY_REVIEW = {
    "no_answer": "The payment provider hasn’t told us yet whether it went through.",
    "channel": "We don’t accept this kind of card or payment. The money is safe while we check.",
    "fee": "The payment provider’s fee is not clear yet. The money is safe while we check.",
    "same_payment": "The payment provider reports this payment twice. We’re checking it with them.",
}


def timeline_steps(
    transaction: Transaction,
    *,
    payment: Payment | None,
    entries: list[Entry],
    events: list[WebhookEvent],
    mails: list[OutboxRow],
    payout: Payout | None = None,
) -> list[Step]:
    """Return the steps of a transaction, built from the rows that belong to it: first the past ones, by time.

    `entries` are those of the saver, without the provider's fee, which is a cost of the house.
    """
    happened = [Step(_begin(transaction), "done", transaction.created_on)]
    if payment is not None and payment.sent_at:
        happened.append(Step("Sent to the payment provider", "done", payment.sent_at))
    if payout is not None:
        happened += withdrawal_steps.progress(transaction, payout)
    happened += [
        Step("Confirmed by the payment provider", "done", event.received_at, _repeat_note(event))
        for event in events
    ]
    happened += [_posted(transaction, entry, payment) for entry in entries]
    happened += [_mailed(mail) for mail in mails if mail.done_at]
    happened.sort(key=lambda step: step.at or transaction.created_on)
    if transaction.kind == Kind.REFUND:
        ending = _ending_of_refund(transaction.status)
    elif withdrawal_steps.is_about_withdrawal(transaction):
        ending = withdrawal_steps.ending(transaction, payout)
    else:
        ending = _ending(transaction, payment)
    return [*happened, *ending, *[_mailed(mail) for mail in mails if not mail.done_at]]


def _begin(transaction: Transaction) -> str:
    asked = "Requested" if transaction.user_id else "Money arrived"
    return withdrawal_steps.begin(transaction) or _BEGINS.get(transaction.kind, asked)


def _repeat_note(event: WebhookEvent) -> str:
    return f"{event.times_received} times, counted once" if event.times_received > 1 else ""


def _posted(transaction: Transaction, entry: Entry, payment: Payment | None) -> Step:
    titles = {
        Entry.Code.PRIMARY: _POSTED.get(transaction.kind, "Entered in the books"),
        Entry.Code.HOLD: "Set aside from your stash",
        Entry.Code.RELEASE: "Released to your stash",
        Entry.Code.SUSPENSE: "Held safely while we check",
        Entry.Code.VAT: "VAT on the fee",
        Entry.Code.DUTY: "Stamp duty",
    }
    titles |= _REFUND_STEPS if transaction.kind == Kind.REFUND else withdrawal_steps.titles(transaction)
    meant_for = payment.meant_for if payment else None
    note = f"{meant_for} can’t take more money, so we put it in your stash." if meant_for else ""
    return Step(titles[Entry.Code(entry.code)], "done", entry.posted_at, note)


def _mailed(mail: OutboxRow) -> Step:
    if mail.done_at:
        return Step("Email sent", "done", mail.done_at)
    if mail.dead_at:
        return Step("The email could not be sent", "bad", mail.dead_at, "It is under Messages.")
    return Step("Email", "todo", note="On its way to you")


def _ending(transaction: Transaction, payment: Payment | None) -> list[Step]:
    """Return the last steps that follow from the status: none after a success, whose entry is a step already."""
    if transaction.status == Status.PENDING:
        waiting = "Waiting for the payment provider" if payment else "Under way"
        return [Step(waiting, "now", note="No money has moved yet."), Step("In your savings", "todo")]
    if transaction.status == Status.FAILED:
        reason = payment.provider_message if payment else ""
        return [
            Step(
                "Payment failed" if payment else f"{transaction.get_kind_display()} failed",
                "bad",
                note=reason or "No money has moved.",
            )
        ]
    if transaction.status == Status.ABANDONED:
        return [
            Step(
                "Not finished", "bad", note=f"{_WHY_ABANDONED[transaction.failure_code]} No money has moved."
            )
        ]
    if transaction.status == Status.REVIEW:
        return [Step("We’re checking this", "now", note=_why_review(payment))]
    if transaction.status in {Status.REVERSED, Status.CLOSED}:
        return [_ended_by_another(transaction)]
    return []


def _ended_by_another(transaction: Transaction) -> Step:
    if transaction.status == Status.CLOSED:
        note = "What arrived was credited or given back, as a transaction of its own."
        return Step("Checked", "done", note=note)
    if getattr(transaction, "reversed_by", None) is None:
        return Step("Given back", "bad", note="All of it went back to the payer.")
    return Step("Reversed", "bad", note="See the reversal for details.")


def _ending_of_refund(status: str) -> list[Step]:
    if status == Status.PENDING:
        waiting = Step("Waiting for the payment provider", "now", note="The money is set aside.")
        return [waiting, Step("Back with the payer", "todo")]
    if status == Status.FAILED:
        return [Step("Refund failed", "bad", note="The money is back, and so is its interest.")]
    return []


def _why_review(payment: Payment | None) -> str:
    reason = payment.review_reason if payment else ""
    return _WHY_REVIEW.get(reason, "A different amount arrived. It’s safe while we check.")
