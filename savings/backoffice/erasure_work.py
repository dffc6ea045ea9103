"""What the worker does after an erasure: it deletes files, and bank accounts at the payment provider."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import batched

from django.core.files.storage import storages
from django.db.models import QuerySet
from django.db.transaction import atomic

from savings import outbox, payments
from savings.backoffice import audit, messages
from savings.exceptions import ProviderRefused
from savings.models import AuditRow, OutboxRow, Recipient, User

ERASE_FILES = "erase_files"
ERASE_RECIPIENT = "erase_recipient"
_FILES_AT_ONCE = 500


def add_files(user: User, files: list[str]) -> None:
    """Have files deleted after the commit."""
    for number, names in enumerate(batched(files, _FILES_AT_ONCE, strict=False)):
        outbox.add(
            ERASE_FILES, dedupe_key=f"{ERASE_FILES}:{user.pk}:{number}", payload={"files": list(names)}
        )


def erase_files(row: OutboxRow) -> dict[str, object]:
    """Delete the files that a row of the outbox names. A missing file is no error; another error tries again."""
    for name in row.payload["files"]:
        storages["statements"].delete(name)
    return {}


def add_recipients(user: User, recipients: Iterable[Recipient]) -> int:
    """Have bank accounts deleted at the provider after the commit, and return how many it knows.

    A bank account that was removed and added again is one there. Their codes are gone from the rows of the person by
    then, so the rows of the outbox have them until they are done.
    """
    ids = {recipient.code: recipient.pk for recipient in recipients}
    for code, recipient_id in ids.items():
        payload = {"code": code, "recipient": recipient_id, "person": user.pk}
        outbox.add(ERASE_RECIPIENT, dedupe_key=f"{ERASE_RECIPIENT}:{recipient_id}", payload=payload)
    return len(ids)


def erase_recipient(row: OutboxRow) -> dict[str, object]:
    """Delete the bank account that a row of the outbox names at the provider, and note it on the erasure's report.

    The provider has one recipient for a bank account: it stays if another saver withdraws to it. Raises the provider's
    error, so that the row is tried again.
    """
    recipient_id = row.payload["recipient"]
    # Without an index: there are few bank accounts, and few erasures.
    is_shared = Recipient.objects.current().filter(code=row.payload["code"]).exists()
    if not is_shared:
        try:
            payments.delete_recipient(row.payload["code"])
        except ProviderRefused as error:
            if error.code != payments.NOT_FOUND:
                raise
    subject = f"recipient:{recipient_id}"
    with atomic():
        # The worker may have died after this commit.
        if not AuditRow.objects.filter(verb=audit.Verb.DATA_ERASED, subject=subject).exists():
            text = messages.RECIPIENT_SHARED if is_shared else messages.RECIPIENT_DELETED
            audit.record(
                audit.Verb.DATA_ERASED, by=None, saver=row.payload["person"], subject=subject, text=text
            )
    return {"payload": {}}


def erasure_report(user: User) -> QuerySet[AuditRow]:
    """Return the rows of the audit log that say what was erased of a person, the oldest first."""
    return AuditRow.objects.filter(saver=user, verb=audit.Verb.DATA_ERASED).order_by("id")
