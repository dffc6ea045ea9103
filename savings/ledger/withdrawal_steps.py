"""The steps of withdrawals, their fees, and what came back of both, for the timelines of their receipts."""

from __future__ import annotations

from savings.ledger import messages
from savings.ledger.steps import Step
from savings.models import Entry, Payout, Transaction

_Kind = Transaction.Kind
_Status = Transaction.Status
REFUSED_BY_STAFF = "refused_by_staff"


def is_about_withdrawal(movement: Transaction) -> bool:
    """Return whether a transaction is a withdrawal or its fee. Its timeline ends with `ending`."""
    return movement.kind in messages.WITHDRAWAL_TITLES


def begin(movement: Transaction) -> str:
    """Return the first step of a return of a withdrawal or fee, or of a fee; empty for anything else."""
    if movement.kind == _Kind.FEE:
        return messages.FOR_A_WITHDRAWAL
    original = movement.reverses
    return messages.RETURN_BEGINS.get(original.kind, "") if original else ""


def titles(movement: Transaction) -> dict[Entry.Code, str]:
    """Return the titles of the entries of a withdrawal, its fee or a return that are not those of other entries."""
    original = movement.reverses
    if original:
        return messages.RETURN_TITLES.get(original.kind, {})
    return messages.WITHDRAWAL_TITLES.get(movement.kind, {})


def progress(movement: Transaction, payout: Payout) -> list[Step]:
    """Return the steps of a withdrawal between its entries: the decision of staff, and when it was sent."""
    steps = []
    if payout.decided_at and movement.failure_code != REFUSED_BY_STAFF:
        steps.append(Step(messages.APPROVED_BY_STAFF, "done", payout.decided_at))
    if payout.sent_at:
        steps.append(Step(messages.SENT_TO_PROVIDER, "done", payout.sent_at))
    return steps


def ending(movement: Transaction, payout: Payout | None) -> list[Step]:
    """Return the last steps of a withdrawal or its fee: what is still to come, or how it ended."""
    if movement.kind == _Kind.FEE:
        return _ending_of_fee(movement)
    back = messages.ALL_BACK_IN_STASH
    if movement.status == _Status.PENDING:
        return [_waiting(payout), Step(messages.PAID_TO_BANK, "todo")]
    if movement.status == _Status.FAILED:
        return [Step(messages.WITHDRAWAL_FAILED, "bad", note=f"{_why_failed(movement, payout)} {back}")]
    if movement.status == _Status.ABANDONED:
        return [Step(messages.CANCELLED, "bad", note=back)]
    if movement.status == _Status.REVERSED:
        return [Step(messages.WITHDRAWAL_RETURNED, "bad", note=f"{messages.BANK_RETURNED_IT} {back}")]
    return []


def _waiting(payout: Payout | None) -> Step:
    if payout is not None and payout.state == Payout.State.APPROVAL:
        return Step(messages.WAITING_FOR_APPROVAL, "now", note=messages.APPROVAL_NOTE)
    if payout is not None and payout.state == Payout.State.WAITING:
        return Step(messages.WAITING_TO_BE_SENT, "now", note=_when_sent(payout))
    note = messages.SET_ASIDE_FOR_BANK
    if payout is not None and payout.staff_note:
        note = f"{messages.LONGER} {note}"
    return Step(messages.WAITING_FOR_PROVIDER, "now", note=note)


def _when_sent(payout: Payout) -> str:
    if payout.staff_note:
        return f"{messages.LONGER} {messages.CANCEL_UNTIL_SENT}"
    return messages.sent_at(payout.send_at) if payout.send_at > payout.asked_at else messages.SENT_SOON


def _why_failed(movement: Transaction, payout: Payout | None) -> str:
    if movement.failure_code == REFUSED_BY_STAFF:
        why = messages.REFUSED_BY_STAFF
    else:
        why = messages.WHY_WITHDRAWAL_FAILED[movement.failure_code]
    said = payout.provider_message if payout else ""
    return f"{why} {messages.reason_given(said)}" if said else why


def _ending_of_fee(movement: Transaction) -> list[Step]:
    if movement.status == _Status.PENDING:
        return [Step(messages.FEE_TO_COME, "todo")]
    if movement.status == _Status.FAILED:
        return [Step(messages.FEE_NOT_CHARGED, "bad", note=messages.FEE_OF_FAILED)]
    if movement.status == _Status.ABANDONED:
        return [Step(messages.FEE_NOT_CHARGED, "bad", note=messages.FEE_OF_CANCELLED)]
    if movement.status == _Status.REVERSED:
        return [Step(messages.GIVEN_BACK, "bad", note=messages.FEE_OF_RETURNED)]
    return []
