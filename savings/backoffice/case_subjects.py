"""What cases are about: the rows that wait for a person, and how each of them came out."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from django.db.models import Q
from django.utils import timezone

from savings import payments
from savings.backoffice import messages
from savings.models import Case, Dispute, Payment, Payout, Refund, Transaction, WebhookEvent

Kind = Case.Kind
Ids = Sequence[int] | None
_MOST = 5_000


@dataclasses.dataclass(frozen=True)
class Subject:
    """One row that a person has to decide about. `rows` are the columns of the case that link to it."""

    kind: str
    key: str
    saver_id: int | None
    summary: str
    since: datetime.datetime
    due_at: datetime.datetime | None
    rows: dict[str, Any]


def _payments(ids: Ids = None) -> Iterator[Subject]:
    rows = Payment.objects.filter(transaction__status=Transaction.Status.REVIEW)
    for payment in _some(rows.select_related("transaction"), ids):
        movement = payment.transaction
        yield Subject(
            Kind.PAYMENT,
            f"payment:{payment.pk}",
            movement.user_id,
            messages.payment_in_review(movement, payment),
            movement.created_on,
            None,
            {"payment": payment},
        )


def _events(ids: Ids = None) -> Iterator[Subject]:
    events = list(_some(WebhookEvent.objects.filter(needs_staff=True).defer("body"), ids))
    named = {event.reference.upper() for event in events if event.reference}
    movements = Transaction.objects.select_related("payment").filter(reference__in=named)
    by_reference = {movement.reference: movement for movement in movements}
    covered = _covered(named)
    for event in events:
        reference = event.reference.upper()
        if any(
            (kind, reference) in covered and event.event.startswith(begins) for kind, begins in _EVENTS_OF
        ):
            continue
        movement = by_reference.get(reference)
        yield Subject(
            Kind.EVENT,
            f"event:{event.pk}",
            movement.user_id if movement else None,
            messages.event_needs_staff(event),
            event.received_at,
            None,
            {"event": event, "payment": getattr(movement, "payment", None)},
        )


def _disputes(ids: Ids = None) -> Iterator[Subject]:
    rows = Dispute.objects.filter(resolved_at=None).select_related("payment__transaction")
    for dispute in _some(rows, ids):
        yield Subject(
            Kind.DISPUTE,
            f"dispute:{dispute.pk}",
            dispute.payment.transaction.user_id,
            payments.what_to_do(dispute),
            dispute.opened_at,
            dispute.due_at,
            {"dispute": dispute, "payment": dispute.payment},
        )


def _refunds(ids: Ids = None) -> Iterator[Subject]:
    rows = Refund.objects.filter(next_poll_at__isnull=False, provider_status=payments.NEEDS_ATTENTION)
    for refund in _some(rows.select_related("transaction", "payment"), ids):
        yield _of_refund(refund, f"refund:{refund.pk}", messages.refund_needs_staff(refund.transaction))


def _payouts(ids: Ids = None) -> Iterator[Subject]:
    rows = Payout.objects.filter(~Q(staff_note="")).select_related("transaction")
    waiting = Payout.objects.filter(state=Payout.State.APPROVAL, staff_note="").select_related("transaction")
    for payout in (*_some(rows, ids), *_some(waiting, ids)):
        yield _of_payout(payout, f"payout:{payout.pk}", messages.payout_needs_staff(payout))


# What waits as long as it is in a certain state, by the first part of a case's key. Each has an index.
# Events come last: one that is about the subject of another case has none of its own.
WAITING: dict[str, Callable[..., Iterable[Subject]]] = {
    Kind.PAYMENT: _payments,
    Kind.DISPUTE: _disputes,
    Kind.REFUND: _refunds,
    Kind.PAYOUT: _payouts,
    Kind.EVENT: _events,
}


def _failed_refund(refund_id: int) -> Subject | None:
    refund = Refund.objects.select_related("transaction", "payment").filter(pk=refund_id).first()
    if refund is None:
        return None
    return _of_refund(refund, f"refund-failed:{refund.pk}", messages.refund_failed(refund.transaction))


def _failed_payout(payout_id: int) -> Subject | None:
    payout = Payout.objects.select_related("transaction").filter(pk=payout_id).first()
    if payout is None:
        return None
    return _of_payout(payout, f"payout-failed:{payout.pk}", messages.payout_failed(payout))


# What failed for good: its case is opened once, by a row of the outbox.
FAILED: dict[str, Callable[[int], Subject | None]] = {
    Kind.REFUND: _failed_refund,
    Kind.PAYOUT: _failed_payout,
}
# The first part of the keys of cases that staff solve by a sentence.
BY_HAND = {"question", "event", "refund-failed", "payout-failed", "payout-lost"}


def outcome(case: Case) -> str:
    """Return how the subject of a case came out, in a sentence."""
    if case.kind == Kind.PAYMENT and case.payment:
        return messages.came_out(case.payment.transaction.get_status_display())
    if case.kind == Kind.PAYOUT and case.payout:
        return messages.came_out(case.payout.get_state_display())
    if case.kind == Kind.REFUND and case.refund:
        return messages.came_out(case.refund.transaction.get_status_display())
    if case.kind == Kind.DISPUTE and case.dispute:
        return messages.DISPUTE_LOST if payments.is_lost(case.dispute) else messages.DISPUTE_WON
    return messages.NEEDS_NOBODY


def release(case: Case) -> None:
    """Let the events that a solved case covers wait for nobody any more."""
    waiting = WebhookEvent.objects.filter(needs_staff=True)
    if case.event_id is not None and case.kind == Kind.EVENT:
        waiting.filter(pk=case.event_id).update(needs_staff=False)
    row = case.payout or case.payment
    begins = dict(_EVENTS_OF).get(case.kind)
    if row is not None and begins is not None:
        movement = row.transaction
        about = Q(reference=movement.reference) | Q(reference=movement.reference.lower())
        waiting.filter(about, event__startswith=begins).update(needs_staff=False)


# The events that a case about a dispute, payment, refund or payout covers, by the beginning of their name.
_EVENTS_OF: list[tuple[str, str]] = [
    (Kind.DISPUTE, "charge.dispute."),
    (Kind.PAYMENT, "charge.success"),
    (Kind.REFUND, "refund."),
    (Kind.PAYOUT, "transfer."),
]


def _covered(references: set[str]) -> set[tuple[str, str]]:
    """Return the kinds of the open cases about transactions with these references."""
    about = Q(payment__transaction__reference__in=references) | Q(
        payout__transaction__reference__in=references
    )
    rows = Case.objects.unsolved().exclude(kind=Kind.EVENT).filter(about)
    return {
        (kind, payment or payout)
        for kind, payment, payout in rows.values_list(
            "kind", "payment__transaction__reference", "payout__transaction__reference"
        )
    }


def _of_refund(refund: Refund, key: str, summary: str) -> Subject:
    movement = refund.transaction
    rows = {"refund": refund, "payment": refund.payment}
    return Subject(Kind.REFUND, key, movement.user_id, summary, movement.created_on, None, rows)


def _of_payout(payout: Payout, key: str, summary: str) -> Subject:
    since = payout.asked_at if key.startswith("payout:") else timezone.now()
    return Subject(Kind.PAYOUT, key, payout.user_id, summary, since, None, {"payout": payout})


def _some(rows: Any, ids: Ids) -> Any:
    return rows.filter(pk__in=ids) if ids is not None else rows.order_by("pk")[:_MOST]
