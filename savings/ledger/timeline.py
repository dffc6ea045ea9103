"""The timeline of one transaction, for its receipt: what has happened, when, and what is still to come."""

from __future__ import annotations

from django.utils import timezone

from savings.ledger import messages, withdrawal_steps
from savings.ledger.steps import Step
from savings.models import Entry, OutboxRow, Payment, Payout, Transaction, WebhookEvent

Kind = Transaction.Kind
Status = Transaction.Status


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
    # What nobody asked for begins with its entries, and a fee is part of its withdrawal's way. An auto-save from the
    # stash is one moment.
    is_moment = transaction.kind == Kind.AUTOSAVE and payment is None
    is_asked_for = not entries or (transaction.kind not in messages.NOT_ASKED_FOR and not is_moment)
    happened = [Step(_begin(transaction), "done", transaction.created_on)] if is_asked_for else []
    if payment is not None and payment.sent_at:
        happened.append(Step(messages.SENT_TO_PROVIDER, "done", payment.sent_at))
    if payout is not None and transaction.kind != Kind.FEE:
        happened += withdrawal_steps.progress(transaction, payout)
    happened += [
        Step(messages.CONFIRMED_BY_PROVIDER, "done", event.received_at, _repeat_note(event))
        for event in events
    ]
    left_out = messages.PARTS_OF_FEE if transaction.kind == Kind.FEE else ()
    happened += [_posted(transaction, entry, payment) for entry in entries if entry.code not in left_out]
    # The last mail alone: a withdrawal has one when it is sent, and another when it is paid.
    happened += [_mailed(mail) for mail in mails if mail.done_at][-1:]
    happened.sort(key=lambda step: step.at or transaction.created_on)
    if transaction.kind == Kind.REFUND:
        ending = _ending_of_refund(transaction.status)
    elif withdrawal_steps.is_about_withdrawal(transaction):
        ending = withdrawal_steps.ending(transaction, payout)
    else:
        ending = _ending(transaction, payment)
    return [*happened, *ending, *[_mailed(mail) for mail in mails if not mail.done_at]]


def _begin(transaction: Transaction) -> str:
    if transaction.kind == Kind.ADJUSTMENT and transaction.user_id is None:
        return messages.MONEY_ARRIVED
    if _is_correction_by_staff(transaction):
        return messages.CORRECTED_BY_STAFF
    if _is_maturity(transaction):
        return messages.MATURED
    asked = messages.REQUESTED if transaction.user_id else messages.MONEY_ARRIVED
    return withdrawal_steps.begin(transaction) or messages.BEGINS.get(transaction.kind, asked)


def _is_maturity(transaction: Transaction) -> bool:
    """Return whether a transaction moves the money of a plan that has matured, for which nobody asked."""
    plan = transaction.plan if transaction.kind == Kind.PLAN_TO_STASH else None
    return plan is not None and plan.is_matured(timezone.localdate(transaction.created_on))


def _is_correction_by_staff(transaction: Transaction) -> bool:
    """Return whether a transaction belongs to a correction of interest that is not part of money that went back."""
    first = transaction.part_of or transaction
    return first.kind == Kind.INTEREST_CORRECTION


def _repeat_note(event: WebhookEvent) -> str:
    return messages.times_received(event.times_received) if event.times_received > 1 else ""


def _posted(transaction: Transaction, entry: Entry, payment: Payment | None) -> Step:
    is_refund = transaction.kind == Kind.REFUND
    titles = {Entry.Code.PRIMARY: messages.POSTED[transaction.kind], **messages.ENTRY_TITLES}
    titles |= messages.REFUND_TITLES if is_refund else withdrawal_steps.titles(transaction)
    meant_for = payment.meant_for if payment else None
    note = messages.plan_was_full(meant_for.name) if meant_for else ""
    return Step(titles[Entry.Code(entry.code)], "done", entry.posted_at, note)


def _mailed(mail: OutboxRow) -> Step:
    if mail.done_at:
        return Step(messages.EMAIL_SENT, "done", mail.done_at)
    if mail.dead_at:
        return Step(messages.EMAIL_FAILED, "bad", mail.dead_at, messages.EMAIL_UNDER_MESSAGES)
    return Step(messages.EMAIL_TO_COME, "todo", note=messages.EMAIL_ON_ITS_WAY)


def _ending(transaction: Transaction, payment: Payment | None) -> list[Step]:
    """Return the last steps that follow from the status: none after a success, whose entry is a step already."""
    if transaction.status == Status.PENDING:
        waiting = messages.WAITING_FOR_PROVIDER if payment else messages.UNDER_WAY
        to_come = Step(messages.IN_YOUR_SAVINGS, "todo", note=messages.AFTER_CONFIRMATION if payment else "")
        note = messages.NOT_CONFIRMED_YET if payment else messages.NOTHING_MOVED_YET
        return [Step(waiting, "now", note=note), to_come]
    if transaction.status == Status.FAILED:
        reason = payment.provider_message if payment else ""
        title = messages.PAYMENT_FAILED if payment else messages.kind_failed(transaction.get_kind_display())
        return [Step(title, "bad", note=reason or messages.NOTHING_MOVED)]
    if transaction.status == Status.ABANDONED:
        note = messages.WHY_NOT_FINISHED[transaction.failure_code]
        return [Step(messages.NOT_FINISHED, "bad", note=note)]
    if transaction.status == Status.REVIEW:
        to_come = Step(messages.AFTER_REVIEW, "todo", note=messages.STAFF_DECIDE)
        return [Step(messages.IN_REVIEW, "now", note=_why_review(payment)), to_come]
    if transaction.status in {Status.REVERSED, Status.CLOSED}:
        return [_ended_by_another(transaction)]
    return []


def _ended_by_another(transaction: Transaction) -> Step:
    if transaction.status == Status.CLOSED:
        return Step(messages.CHECKED, "done", note=messages.CHECKED_NOTE)
    if getattr(transaction, "reversed_by", None) is None:
        return Step(messages.GIVEN_BACK, "bad", note=messages.GIVEN_BACK_TO_PAYER)
    return Step(messages.REVERSED, "bad", note=messages.SEE_REVERSAL)


def _ending_of_refund(status: str) -> list[Step]:
    if status == Status.PENDING:
        waiting = Step(messages.WAITING_FOR_PROVIDER, "now", note=messages.SET_ASIDE)
        return [waiting, Step(messages.BACK_WITH_PAYER, "todo")]
    if status == Status.FAILED:
        return [Step(messages.REFUND_FAILED, "bad", note=messages.REFUND_CAME_BACK)]
    return []


def _why_review(payment: Payment | None) -> str:
    return messages.WHY_IN_REVIEW[payment.review_reason if payment else ""]
