"""Decisions about withdrawals that wait for approval, with their row in the audit log and their case."""

from __future__ import annotations

from django.db.transaction import atomic

from savings import payments
from savings.backoffice import audit, cases, messages
from savings.models import Case, Payout, User


def approve_payout(payout: Payout, *, by: User) -> None:
    """Approve a withdrawal as `payments.approve_payout` does, and record it."""
    with atomic():
        payments.approve_payout(payout, by=by)
        _record(payout, by, messages.APPROVED)
    _refresh_case(payout)


def refuse_payout(payout: Payout, *, by: User, reason: str) -> None:
    """Refuse a withdrawal as `payments.refuse_payout` does, and record it with the reason."""
    with atomic():
        payments.refuse_payout(payout, by=by, reason=reason)
        _record(payout, by, messages.refused_because(reason.strip()))
    _refresh_case(payout)


def _record(payout: Payout, by: User, text: str) -> None:
    audit.record(
        audit.Verb.PAYOUT_DECIDED, by=by, saver=payout.user_id, subject=f"payout:{payout.pk}", text=text
    )


def _refresh_case(payout: Payout) -> None:
    case = Case.objects.filter(key=f"payout:{payout.pk}").first()
    if case is not None:
        cases.refresh(case)
