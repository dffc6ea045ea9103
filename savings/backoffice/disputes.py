"""What staff do about a dispute alone: look at its evidence, and contest it. Accepting one needs a second person."""

from __future__ import annotations

from django.db.transaction import atomic

from savings import payments
from savings.backoffice import audit
from savings.models import Dispute, User
from savings.payments import Evidence


def see_evidence(dispute: Dispute, *, by: User) -> Evidence:
    """Return the evidence about a dispute, and record that a member of staff has seen it."""
    audit.record(
        audit.Verb.EVIDENCE_SEEN,
        by=by,
        saver=dispute.payment.transaction.user_id,
        subject=f"dispute:{dispute.pk}",
    )
    return payments.dispute_evidence(dispute)


def contest_dispute(dispute: Dispute, *, by: User, phone: str, service_details: str, message: str) -> None:
    """Contest a dispute as `payments.contest_dispute` does, and record it. Nothing is posted by this."""
    with atomic():
        payments.contest_dispute(
            dispute, by=by, phone=phone, service_details=service_details, message=message
        )
        audit.record(
            audit.Verb.DISPUTE_CONTESTED,
            by=by,
            saver=dispute.payment.transaction.user_id,
            subject=f"dispute:{dispute.pk}",
        )
