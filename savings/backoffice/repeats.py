"""Work that staff have done again: mails, statements, leaderboards, and a new owner for a circle. Each is logged."""

from __future__ import annotations

from django.db.transaction import atomic
from django.utils import timezone

from savings import circles, mails, outbox, statements
from savings.backoffice import audit, messages
from savings.exceptions import Refused
from savings.models import AuditRow, Circle, Membership, OutboxRow, Statement, User

# Mails about sign-in and email addresses: they go where they went before, and no other.
_ACCOUNT = "account"


def resend_mail(row: OutboxRow, *, by: User) -> OutboxRow | None:
    """Send a mail that was sent once more, with the same text, to the present address of its user.

    Within a minute a second call sends nothing, and returns None. Raises Refused for a row that is no sent mail, and
    for one whose link or code was removed after sending.
    """
    if row.kind not in mails.KINDS or row.done_at is None or not row.text:
        raise Refused(messages.NOT_A_SENT_MAIL)
    if row.payload.get("secret") or mails.REMOVED in row.text:
        raise Refused(messages.MAIL_HAD_A_LINK)
    minute = int(timezone.now().timestamp()) // 60
    with atomic():
        again = outbox.add(
            row.kind,
            dedupe_key=f"again:{row.pk}:{minute}",
            user=row.user,
            movement=row.transaction,
            statement=row.statement,
            to=row.user.email if row.user and row.kind != _ACCOUNT else row.to,
            payload=row.payload,
            subject=row.subject,
            text=row.text,
            html=row.html,
        )
        if again is not None:
            _log(audit.Verb.MAIL_SENT_AGAIN, by, f"mail:{row.pk}", saver_id=row.user_id)
    return again


def retry_mail(row: OutboxRow, *, by: User) -> None:
    """Let a row of the outbox that was given up be tried again. Raises Refused for any other."""
    with atomic():
        if not outbox.retry_dead_row(row):
            raise Refused(messages.NOT_GIVEN_UP)
        _log(audit.Verb.WORK_REPEATED, by, f"mail:{row.pk}", saver_id=row.user_id)


def make_statement_again(statement: Statement, *, by: User) -> Statement:
    """Ask for a statement once more, without a password, and return the new one. Raises Refused as for the saver."""
    with atomic():
        made = statements.ask_again(statement)
        _log(
            audit.Verb.WORK_REPEATED,
            by,
            f"statement:{statement.pk}",
            saver_id=statement.user_id,
            text=f"as statement {made.pk}",
        )
    return made


def appoint_owner(membership: Membership, *, by: User) -> None:
    """Make a member the owner of a circle whose owner's account is closed. Raises Refused as `circles.make_owner`."""
    with atomic():
        circles.make_owner(membership)
        _log(
            audit.Verb.CHANGED,
            by,
            f"circle:{membership.circle_id}",
            saver_id=membership.user_id,
            text="made owner of the circle",
        )


def record_rebuild(circle: Circle, *, by: User) -> None:
    """Note that a member of staff has a leaderboard rebuilt. The caller queues the task."""
    _log(audit.Verb.WORK_REPEATED, by, f"circle:{circle.pk}", text="leaderboard")


def _log(verb: str, by: User, subject: str, *, saver_id: int | None = None, text: str = "") -> AuditRow:
    return audit.record(verb, by=by, saver=saver_id, subject=subject, text=text)
