"""The steps of withdrawals, their fees, and what came back of both, for the timelines of their receipts."""

from __future__ import annotations

from django.utils import timezone
from django.utils.formats import date_format

from savings.ledger.steps import Step
from savings.models import Entry, Payout, Transaction

_Code = Entry.Code
_Kind = Transaction.Kind
_Status = Transaction.Status
REFUSED_BY_STAFF = "refused_by_staff"
# Why a withdrawal failed, by the failure code of its transaction.
_WHY_FAILED = {
    REFUSED_BY_STAFF: "Our staff refused it.",
    "refused": "The payment provider refused it.",
    "failed": "The payment provider could not pay it.",
    "rejected": "The payment provider rejected it.",
    "blocked": "The payment provider blocked it.",
    "abandoned": "The payment provider did not carry it out.",
    "reversed": "The bank sent the money back.",
}
# While staff have to do something first, such as topping the provider's balance up.
_LONGER = "This takes longer than usual, and our staff know."
_BACK_IN_STASH = "Back in your stash"
_TITLES: dict[str, dict[Entry.Code, str]] = {
    _Kind.STASH_WITHDRAWAL: {_Code.PRIMARY: "Paid to your bank account", _Code.RELEASE: _BACK_IN_STASH},
    _Kind.FEE: {_Code.PRIMARY: "Charged with the withdrawal", _Code.RELEASE: _BACK_IN_STASH},
}
# The entries of a reversal, by the kind of what it reverses.
_RETURN_TITLES: dict[str, dict[Entry.Code, str]] = {
    _Kind.STASH_WITHDRAWAL: {_Code.PRIMARY: "Came back from the bank", _Code.RELEASE: _BACK_IN_STASH},
    _Kind.FEE: {
        _Code.PRIMARY: "Fee given back",
        _Code.VAT: "VAT given back",
        _Code.DUTY: "Stamp duty given back",
        _Code.RELEASE: _BACK_IN_STASH,
    },
}
_RETURN_BEGINS = {
    _Kind.STASH_WITHDRAWAL: "The bank gave the money back",
    _Kind.FEE: "The withdrawal came back",
}


def is_about_withdrawal(movement: Transaction) -> bool:
    """Return whether a transaction is a withdrawal or its fee. Its timeline ends with `ending`."""
    return movement.kind in _TITLES


def begin(movement: Transaction) -> str:
    """Return the first step of a return of a withdrawal or fee, or of a fee; empty for anything else."""
    if movement.kind == _Kind.FEE:
        return "For a withdrawal"
    original = movement.reverses
    return _RETURN_BEGINS.get(_Kind(original.kind), "") if original else ""


def titles(movement: Transaction) -> dict[Entry.Code, str]:
    """Return the titles of the entries of a withdrawal, its fee or a return that are not those of other entries."""
    original = movement.reverses
    return _RETURN_TITLES.get(original.kind, {}) if original else _TITLES.get(movement.kind, {})


def progress(movement: Transaction, payout: Payout) -> list[Step]:
    """Return the steps of a withdrawal between its entries: the decision of staff, and when it was sent."""
    steps = []
    if payout.decided_at and movement.failure_code != REFUSED_BY_STAFF:
        steps.append(Step("Approved by our staff", "done", payout.decided_at))
    if payout.sent_at:
        steps.append(Step("Sent to the payment provider", "done", payout.sent_at))
    return steps


def ending(movement: Transaction, payout: Payout | None) -> list[Step]:
    """Return the last steps of a withdrawal or its fee: what is still to come, or how it ended."""
    if movement.kind == _Kind.FEE:
        return _ending_of_fee(movement)
    back = "It is all back in your stash."
    if movement.status == _Status.PENDING:
        return [_waiting(payout), Step("Paid to your bank account", "todo")]
    if movement.status == _Status.FAILED:
        return [Step("Withdrawal failed", "bad", note=f"{_why_failed(movement, payout)} {back}")]
    if movement.status == _Status.ABANDONED:
        return [Step("Cancelled", "bad", note=back)]
    if movement.status == _Status.REVERSED:
        return [Step("It came back", "bad", note=f"The bank gave the money back. {back}")]
    return []


def _waiting(payout: Payout | None) -> Step:
    if payout is not None and payout.state == Payout.State.APPROVAL:
        note = "Our staff check it before it is sent. You can cancel it until then."
        return Step("Waits for approval", "now", note=note)
    if payout is not None and payout.state == Payout.State.WAITING:
        return Step("Waits to be sent", "now", note=_when_sent(payout))
    note = "The money is set aside until the bank takes it or sends it back."
    if payout is not None and payout.staff_note:
        note = f"{_LONGER} {note}"
    return Step("Waiting for the payment provider", "now", note=note)


def _when_sent(payout: Payout) -> str:
    if payout.staff_note:
        return f"{_LONGER} The money is set aside, and you can cancel the withdrawal until it is sent."
    at = " soon"
    if payout.send_at > payout.asked_at:
        at = date_format(timezone.localtime(payout.send_at), " \\a\\t H:i, j F Y")
    return f"It is sent{at}. You can cancel it until then."


def _why_failed(movement: Transaction, payout: Payout | None) -> str:
    why = _WHY_FAILED.get(movement.failure_code, "The payment provider could not pay it.")
    said = payout.provider_message if payout else ""
    return f"{why} The reason: {said.rstrip('.')}." if said else why


def _ending_of_fee(movement: Transaction) -> list[Step]:
    if movement.status == _Status.PENDING:
        return [Step("Charged when the withdrawal is paid", "todo")]
    if movement.status == _Status.FAILED:
        return [Step("Not charged", "bad", note="The withdrawal did not go through.")]
    if movement.status == _Status.ABANDONED:
        return [Step("Not charged", "bad", note="The withdrawal was cancelled.")]
    if movement.status == _Status.REVERSED:
        return [Step("Given back", "bad", note="The withdrawal came back.")]
    return []
