"""E-mails: one function each, and each a row of the outbox."""

from __future__ import annotations

from savings.models import OutboxRow, Transaction


def top_up_received(movement: Transaction) -> None:
    """Tell a person that their money has arrived; once per transaction."""
    OutboxRow.objects.get_or_create(
        dedupe_key=f"top_up_received:{movement.reference}",
        defaults={"kind": "top_up_received", "user": movement.user, "transaction": movement},
    )
