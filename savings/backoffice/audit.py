"""The audit log: what members of staff looked at and did. Rows are only added; a trigger refuses any change."""

from __future__ import annotations

from django.db import models

from savings.models import AuditRow, User

_LONGEST_TEXT = 500


class Verb(models.TextChoices):
    """What can stand in the audit log."""

    SAVER_SEEN = "saver_seen", "Looked at a saver"
    PAGE_SEEN = "page_seen", "Looked at a saver’s own page"
    EVIDENCE_SEEN = "evidence_seen", "Looked at the evidence of a dispute"
    SEARCHED = "searched", "Searched"
    CASE_OPENED = "case_opened", "Opened a case"
    CASE_ASSIGNED = "case_assigned", "Assigned a case"
    CASE_SOLVED = "case_solved", "Solved a case"
    NOTE_WRITTEN = "note_written", "Wrote a note"
    REQUEST_MADE = "request_made", "Asked for an action"
    REQUEST_APPROVED = "request_approved", "Approved an action"
    REQUEST_REFUSED = "request_refused", "Refused an action"
    REQUEST_WITHDRAWN = "request_withdrawn", "Withdrew a request"
    REQUEST_ENDED = "request_ended", "A request became void or expired"
    DISPUTE_CONTESTED = "dispute_contested", "Contested a dispute"
    PAYOUT_DECIDED = "payout_decided", "Decided about a withdrawal"
    PROVIDER_ASKED = "provider_asked", "Asked the provider again"
    FROZEN = "frozen", "Froze a saver"
    UNFROZEN = "unfrozen", "Ended a freeze"
    SIGN_IN_HELPED = "sign_in_helped", "Changed how a saver signs in"
    ACCOUNT_CLOSED = "account_closed", "Closed an account"
    DATA_EXPORTED = "data_exported", "Exported a saver’s data"
    DATA_ERASED = "data_erased", "Erased a saver’s data"
    LIST_EXPORTED = "list_exported", "Exported a list"
    FILE_DOWNLOADED = "file_downloaded", "Downloaded a file"
    MAIL_SENT_AGAIN = "mail_sent_again", "Sent a mail again"
    WORK_REPEATED = "work_repeated", "Had work done again"
    PROVED = "proved", "Had the books proved"
    CHANGED = "changed", "Changed a row"


def record(
    verb: str, *, by: User | None, saver: User | int | None = None, subject: str = "", text: str = ""
) -> AuditRow:
    """Add a row to the audit log, in the transaction of what it is about.

    `subject` names a row, such as `payout:12`, and `text` holds the reason. Neither may contain a name, an email
    address or anything else that has to go when a person's data is erased.
    """
    return AuditRow.objects.create(
        verb=Verb(verb),
        staff=by,
        saver_id=saver.pk if isinstance(saver, User) else saver,
        subject=subject,
        text=text[:_LONGEST_TEXT],
    )
