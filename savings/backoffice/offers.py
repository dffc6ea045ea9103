"""The actions that fit a case, a transaction, a plan or a saver now, and why the others do not."""

from __future__ import annotations

import dataclasses
from typing import Any

from savings import ledger
from savings.backoffice import messages
from savings.backoffice.actions import ACTIONS
from savings.models import Case, Dispute, Payment, Plan, StaffRequest, Transaction, User

Kind = Case.Kind
Status = Transaction.Status
_FROM_SUSPENSE = ("release", "allocate", "send_back")


@dataclasses.dataclass(frozen=True)
class Offer:
    """One action for something: its name and label, the ids that it takes, and why it is not possible now."""

    action: str
    label: str
    ids: dict[str, int]
    # Empty if it is possible.
    why_not: str


def offers_for_case(case: Case, by: User) -> list[Offer]:
    """Return the actions that fit the kind of a case, whose payment comes with its transaction."""
    if case.kind == Kind.QUESTION and case.saver is not None:
        found = offers_for_saver(case.saver, by)
    elif case.payment is not None and case.kind != Kind.PAYOUT:
        found = [
            *_about_provider(case, by),
            *offers_for_transaction(case.payment.transaction, by, payment=case.payment),
        ]
    else:
        return []
    if case.is_open:
        return found
    return [dataclasses.replace(offer, why_not=offer.why_not or messages.SOLVED_ALREADY) for offer in found]


def offers_for_transaction(movement: Transaction, by: User, *, payment: Payment | None = None) -> list[Offer]:
    """Return the actions that fit a transaction: of a payment, or of a movement inside the house."""
    first_id = movement.part_of_id or movement.pk
    payment = payment or Payment.objects.filter(transaction=first_id).first()
    if payment is None:
        return _reversal(movement, by)
    is_disputed = Dispute.objects.filter(payment=payment, resolved_at=None).exists()
    waits = _waits(f"payment:{first_id}")
    ids = {"transaction": movement.pk}
    if movement.status != Status.REVIEW:
        why_not = messages.DISPUTED if is_disputed else _why_no_refund(movement)
        return [_offer("refund", ids, by, movement.user_id, why_not or waits)]
    in_suspense_kobo = ledger.left_in_suspense(first_id)
    why_nots = {
        "release": _why_no_release(movement),
        "allocate": "",
        "send_back": messages.DISPUTED if is_disputed else "",
    }
    nothing = "" if in_suspense_kobo > 0 else messages.NOTHING_IN_SUSPENSE
    return [
        # An allocation is for another person, whom nobody has named yet.
        _offer(
            action,
            ids,
            by,
            None if action == "allocate" else movement.user_id,
            nothing or why_nots[action] or waits,
        )
        for action in _FROM_SUSPENSE
    ]


def offers_for_plan(plan: Plan, by: User) -> list[Offer]:
    """Return the actions that fit a plan."""
    waits = _waits(f"plan:{plan.pk}")
    return [_offer("correct_interest", {"plan": plan.pk}, by, plan.user_id, waits)]


def offers_for_saver(saver: User, by: User) -> list[Offer]:
    """Return the actions that fit a saver: goodwill, and paying or writing off what they owe."""
    ids = {"user": saver.pk}
    owes = "" if ledger.receivable_kobo(saver) > 0 else messages.OWES_NOTHING
    why_no_debt = owes or _waits(f"debt:{saver.pk}")
    # Asked only of savers who owe, because each look costs queries.
    has_nothing = not why_no_debt and ledger.available(saver).stash_kobo <= 0
    return [
        _offer("adjust", ids, by, saver.pk, _waits(f"goodwill:{saver.pk}")),
        _offer("repay_debt", ids, by, saver.pk, messages.STASH_EMPTY if has_nothing else why_no_debt),
        _offer("write_off", ids, by, saver.pk, why_no_debt),
    ]


def _about_provider(case: Case, by: User) -> list[Offer]:
    """Return the answer to the dispute of a case, or the booking of a refund that was made at the provider."""
    payment, dispute, event = case.payment, case.dispute, case.event
    assert payment is not None  # noqa: S101 - tells the type checker what the caller has checked
    movement = payment.transaction
    if dispute is not None:
        why_not = ""
        if dispute.resolved_at is not None:
            why_not = messages.DISPUTE_OVER
        elif dispute.answer:
            why_not = messages.DISPUTE_ANSWERED
        ids = {"dispute": dispute.pk}
        waits = _waits(f"dispute:{dispute.pk}")
        return [_offer("accept_dispute", ids, by, movement.user_id, why_not or waits)]
    if event is not None and event.event.startswith("refund."):
        ids = {"event": event.pk, "transaction": movement.pk}
        return [_offer("book_outside_refund", ids, by, movement.user_id, _waits(f"payment:{movement.pk}"))]
    return []


def _reversal(movement: Transaction, by: User) -> list[Offer]:
    if movement.kind not in ledger.REVERSIBLE_KINDS:
        return []
    why_not = "" if movement.status == Status.SUCCESS else messages.NOT_REVERSIBLE_NOW
    waits = _waits(f"transaction:{movement.part_of_id or movement.pk}")
    return [_offer("reverse", {"transaction": movement.pk}, by, movement.user_id, why_not or waits)]


def _why_no_release(movement: Transaction) -> str:
    if movement.user is None:
        return messages.PAYER_UNKNOWN
    return messages.CLOSED_ALREADY if movement.user.closed_at else ""


def _why_no_refund(movement: Transaction) -> str:
    return "" if movement.status == Status.SUCCESS else messages.NOTHING_TO_REFUND


def _waits(subject: str) -> str:
    return messages.SUBJECT_WAITS if StaffRequest.objects.waiting().filter(subject=subject).exists() else ""


def _offer(action: str, ids: dict[str, int], by: User, saver_id: Any, why_not: str) -> Offer:
    found = ACTIONS[action]
    if not by.has_perm(found.permission):
        why_not = messages.NOT_ALLOWED
    elif saver_id is not None and saver_id == by.pk:
        why_not = messages.OWN_MONEY
    return Offer(action, found.label, ids, why_not)
