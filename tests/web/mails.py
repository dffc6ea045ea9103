"""Reads mails from the outbox."""

from __future__ import annotations

from savings.models import OutboxRow


def newest(email: str) -> OutboxRow:
    """The newest mail to an email address."""
    return OutboxRow.objects.filter(to=email).latest("id")


def code_sent_to(email: str) -> str:
    """The code in the newest mail to an email address that contains one."""
    row = OutboxRow.objects.filter(to=email, payload__has_key="secret").latest("id")
    code = str(row.payload["secret"])
    assert code in row.text
    return code


def subjects(email: str) -> list[str]:
    """The subjects of all mails to an email address, oldest first."""
    return list(OutboxRow.objects.filter(to=email).order_by("id").values_list("subject", flat=True))
