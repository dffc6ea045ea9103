"""Answers of staff to a dispute: stored first, sent to the provider once, and ended by the provider's word alone."""

from __future__ import annotations

import datetime
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.transaction import atomic
from django.utils import timezone

from savings import outbox, tracing, typed_text
from savings.exceptions import ProviderRefused, ProviderUnavailable, Refused, UnclearAnswer
from savings.models import Dispute, Transaction, User
from savings.payments import messages, paystack, provider_money, runs
from savings.payments.disputes import AWAITING_ANSWER, update_dispute
from savings.payments.refunds import did_not_arrive
from savings.payments.rows import lock_payer

logger = logging.getLogger(__name__)

Answer = Dispute.Answer
_LEASE = datetime.timedelta(minutes=5)
# An answer or evidence whose outcome is unknown is not sent again before that, and only if the provider has none.
_SEND_AGAIN_AFTER = datetime.timedelta(minutes=15)
_MOST_AT_ONCE = 100
_LONGEST_MESSAGE, _LONGEST_DETAILS = 500, 2_000
_PHONE = re.compile(r"\+?[0-9][0-9 ()-]{5,18}[0-9]")
_TASK = "answer_dispute"


def accept_dispute(dispute: Dispute, *, by: User) -> Dispute:
    """Let the payer have the money back, and return the dispute. `send_dispute_answers` tells the provider.

    The chargeback is booked when the provider says so, not here. The same call again changes nothing. Raises Refused
    for a dispute that is over, was answered, does not wait for an answer or is too late, unless an active member of the
    staff answers, and for a dispute about one's own money.
    """
    return _store(dispute, by, {"answer": Answer.ACCEPTED, "answer_message": messages.CLAIM_ACCEPTED})


def contest_dispute(dispute: Dispute, *, by: User, phone: str, service_details: str, message: str) -> Dispute:
    """Turn a claim down with evidence, and return the dispute. `send_dispute_answers` tells the provider.

    `service_details` is what the payment was for, and `message` why the claim is wrong. The provider requires the
    payer's phone number, which we do not store. Errors as in `accept_dispute`, and Refused with the field for a text
    that is missing or too long, and when nobody knows who paid.
    """
    user = dispute.payment.transaction.user
    phone, message = typed_text.line(phone), typed_text.line(message)
    service_details = typed_text.paragraph(service_details)
    if not _PHONE.fullmatch(phone):
        raise Refused(messages.PHONE_INVALID, field="phone")
    _check_text("service_details", service_details, _LONGEST_DETAILS, messages.SAY_WHAT_WAS_PAID_FOR)
    _check_text("message", message, _LONGEST_MESSAGE, messages.SAY_WHY_CONTESTED)
    if user is None:
        raise Refused(messages.PAYER_UNKNOWN)
    evidence = {
        "customer_email": user.email,
        "customer_name": user.name,
        "customer_phone": phone,
        "service_details": service_details,
    }
    values = {"answer": Answer.CONTESTED, "answer_message": message, "answer_details": evidence}
    return _store(dispute, by, values)


def send_dispute_answers(now: datetime.datetime) -> int:
    """Send the answers that are due to the provider, and return how many it has now. Safe to run twice at once.

    An answer whose call fails is postponed with its reason and stops no other.
    """
    waiting = Dispute.objects.filter(answer_due_at__isnull=False)
    outbox.clear_other_postponements(_TASK, waiting)
    due = waiting.filter(answer_due_at__lte=now).order_by("due_at", "pk")
    ids = list(due.exclude(pk__in=outbox.waiting_row_ids(_TASK)).values_list("pk", flat=True)[:_MOST_AT_ONCE])
    return runs.for_each_id(_TASK, ids, lambda dispute_id: _process(dispute_id, now))


def _check_text(field: str, text: str, longest: int, missing: str) -> None:
    if not text:
        raise Refused(missing, field=field)
    if len(text) > longest:
        raise Refused(messages.text_too_long(longest), field=field)


def _store(dispute: Dispute, by: User, values: dict[str, Any]) -> Dispute:
    with atomic():
        lock_payer(dispute.payment)
        now = Dispute.objects.select_for_update().get(pk=dispute.pk)
        values = {"answer_details": None} | values | {"answered_by": by}
        _check(now, by)
        if now.answer:
            if any(getattr(now, name) != value for name, value in values.items()):
                raise Refused(messages.DISPUTE_ANSWERED)
            return now
        at = timezone.now()
        _change(now, **values, answered_at=at, answer_due_at=at, answer_error="")
    return now


def _check(dispute: Dispute, by: User) -> None:
    """Raise Refused when a dispute cannot be answered, or not by this person."""
    if dispute.resolved_at is not None:
        raise Refused(messages.DISPUTE_OVER)
    if not User.objects.filter(pk=by.pk, is_staff=True, is_active=True).exists():
        raise Refused(messages.DISPUTE_STAFF_ONLY)
    payment = dispute.payment.transaction
    credited = Transaction.objects.filter(part_of=payment).values_list("user", flat=True)
    if by.pk in {payment.user_id, *credited}:
        raise Refused(messages.OTHER_ANSWERS)
    if dispute.status != AWAITING_ANSWER:
        raise Refused(messages.DISPUTE_NOT_WAITING)
    if dispute.due_at is not None and dispute.due_at <= timezone.now():
        raise Refused(messages.DISPUTE_TOO_LATE)


def _process(dispute_id: int, now: datetime.datetime) -> bool:
    """Send one answer, or find out whether it arrived. Return False if another run has claimed it."""
    dispute = Dispute.objects.select_related("payment__transaction").get(pk=dispute_id)
    claimed = Dispute.objects.filter(
        pk=dispute_id, answer_due_at=dispute.answer_due_at, answer_due_at__lte=now
    )
    if not claimed.update(answer_due_at=now + _LEASE):
        return False
    with tracing.follower.following(_TASK, ""):
        # Asked before each try: an answer whose outcome is unknown may have arrived.
        if not _is_waiting(dispute):
            return True
        _refuse_soon(dispute.answer_sent_at, now)
        try:
            if dispute.answer == Answer.CONTESTED:
                _send_evidence(dispute, now)
            _send_answer(dispute, now)
        except ProviderRefused as error:
            if error.code == paystack.BAD_KEY:
                raise
            _take_refusal(dispute, error)
            return True
        _change(dispute, answer_due_at=None)
        update_dispute(dispute.provider_id)
    return True


def _is_waiting(dispute: Dispute) -> bool:
    """Ask the provider about a dispute; return whether it still waits for our answer. If not, nothing is sent."""
    update_dispute(dispute.provider_id)
    dispute.refresh_from_db()
    is_waiting = dispute.resolved_at is None and dispute.status == AWAITING_ANSWER
    if not is_waiting:
        _change(dispute, answer_due_at=None)
    return is_waiting


def _refuse_soon(sent_at: datetime.datetime | None, now: datetime.datetime) -> None:
    """Raise UnclearAnswer when something was sent a moment ago and the provider does not show it yet."""
    if sent_at is not None and now - sent_at < _SEND_AGAIN_AFTER:
        raise UnclearAnswer("The answer was sent a moment ago, and the provider does not show it yet.")


def _send_evidence(dispute: Dispute, now: datetime.datetime) -> None:
    """Send the evidence of a contested dispute, unless the provider has it already."""
    if dispute.evidence_id is not None:
        return
    number = None
    if dispute.evidence_sent_at is not None:
        number = provider_money.fetch_dispute(dispute.provider_id).evidence_id
        if number is None:
            _refuse_soon(dispute.evidence_sent_at, now)
    if number is None:
        with _noting(dispute, "evidence_sent_at", now):
            number = provider_money.send_evidence(dispute.provider_id, dispute.answer_details or {})
    _change(dispute, evidence_id=number)


def _send_answer(dispute: Dispute, now: datetime.datetime) -> None:
    is_accepted = dispute.answer == Answer.ACCEPTED
    file_name = provider_money.reserve_upload(dispute.provider_id)
    with _noting(dispute, "answer_sent_at", now):
        provider_money.resolve_dispute(
            dispute.provider_id,
            "merchant-accepted" if is_accepted else "declined",
            message=dispute.answer_message,
            amount_kobo=dispute.amount_kobo if is_accepted else 0,
            file_name=file_name,
            evidence_id=dispute.evidence_id,
        )


@contextmanager
def _noting(dispute: Dispute, name: str, now: datetime.datetime) -> Iterator[None]:
    """Commit the moment of a call before it is made, and forget it again if the call has certainly not arrived."""
    before = getattr(dispute, name)
    _change(dispute, **{name: now})
    try:
        yield
    except (ProviderRefused, ProviderUnavailable) as error:
        if did_not_arrive(error):
            _change(dispute, **{name: before})
        raise


def _take_refusal(dispute: Dispute, error: ProviderRefused) -> None:
    """Let staff answer again after a refusal, unless the provider does not wait for an answer any more."""
    if not _is_waiting(dispute):
        return
    logger.error("the provider refused the answer to dispute %s: %s", dispute.provider_id, error)
    _change(
        dispute,
        answer="",
        answered_by=None,
        answered_at=None,
        answer_message="",
        answer_details=None,
        answer_due_at=None,
        evidence_sent_at=None,
        evidence_id=None,
        answer_sent_at=None,
        answer_error=str(error)[:300],
    )


def _change(dispute: Dispute, **changes: Any) -> None:
    Dispute.objects.filter(pk=dispute.pk).update(**changes)
    for name, value in changes.items():
        setattr(dispute, name, value)
