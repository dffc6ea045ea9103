"""References calculated from the provider's own names of things, so that a repeat always finds the same one."""

from __future__ import annotations

from savings.models import Transaction
from savings.models.ledger import derived_reference
from savings.payments import paystack

_Kind = Transaction.Kind


def suspense(foreign_reference: str) -> str:
    """Return our reference for a payment that has only a reference of the provider's."""
    return _derive(_Kind.ADJUSTMENT, foreign_reference)


def settlement(settlement_id: int) -> str:
    """Return our reference for a settlement of the provider."""
    return _derive(_Kind.TREASURY, f"settlement:{settlement_id}")


def balance_row(row_id: int) -> str:
    """Return our reference for a movement of the provider balance."""
    return _derive(_Kind.TREASURY, f"balance:{row_id}")


def chargeback(dispute_id: int) -> str:
    """Return our reference for the chargeback of a lost dispute."""
    return _derive(_Kind.CHARGEBACK, f"dispute:{dispute_id}")


def _derive(kind: str, name: str) -> str:
    return derived_reference(kind, f"{paystack.PROVIDER}:{name}")
