"""The two people behind a posting by hand: one of the staff asks for it, and another approves it."""

from __future__ import annotations

from typing import Any

from savings.exceptions import Refused
from savings.ledger import messages
from savings.models import ManualPosting, Transaction, User


def check_people(asked_by: User, approved_by: User) -> None:
    """Raise Refused unless two different active people of the staff ask for a posting and approve it."""
    if asked_by.pk == approved_by.pk:
        raise Refused(messages.OTHER_APPROVER)
    people = User.objects.filter(pk__in=[asked_by.pk, approved_by.pk], is_staff=True, is_active=True)
    if people.count() != 2:
        raise Refused(messages.STAFF_ONLY)


def check_reason(reason: str) -> None:
    """Raise Refused for a posting by hand that does not say why."""
    if not reason.strip():
        raise Refused(messages.REASON_MISSING, field="reason")


def check_takes_money(user_id: int) -> None:
    """Raise Refused for a person whose account was closed for good: nobody could withdraw the money.

    Call it under the lock of the person.
    """
    if User.objects.filter(pk=user_id, closed_at__isnull=False).exists():
        raise Refused(messages.ACCOUNT_CLOSED, field="user")


def is_posted_by(transaction: Transaction, details: dict[str, Any]) -> bool:
    """Return whether a transaction was posted by hand with these people and this reason."""
    return ManualPosting.objects.filter(transaction=transaction, **details).exists()
