"""Request a statement, and download, mail, revoke or delete it. The module `writing` writes the files."""

from __future__ import annotations

import datetime
import logging
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.files import File
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from savings import mails, outbox
from savings.exceptions import Refused
from savings.models import Circle, Membership, Plan, Statement, User
from savings.models.statements import Format, Scope, StatementQuerySet
from savings.statements import files, passwords, periods, verification
from savings.statements import rows as statement_rows

logger = logging.getLogger(__name__)

OUTBOX_KIND = "statement"
# The most unfinished statements of one user.
MOST_UNFINISHED = 10
# A second request within this time, such as a form sent twice, returns the first statement.
_DUPLICATE_SECONDS = 60
_signer = signing.TimestampSigner(salt="savings.statements")
State = Statement.State


def request(
    user: User,
    *,
    scope: str,
    plan: Plan | None = None,
    circle: Circle | None = None,
    since: datetime.date,
    until: datetime.date,
    format: str,  # noqa: A002 - the field's own name
    password: str = "",
) -> Statement:
    """Request a statement of the local days `since` to `until`, both included; a task writes the file.

    The same request within a minute returns the same statement. Raises Refused, with the field, for a plan or circle of
    another user, an invalid period, an invalid password, more rows than the format holds, and more than ten unfinished
    statements.
    """
    check_subject(user, scope, plan, circle)
    since, until = periods.checked_period(user, since, until)
    passwords.check_password(user, format, password)
    check_rows(user, format, scope=scope, plan=plan, circle=circle, since=since, until=until)
    fields = {
        "scope": scope,
        "plan": plan,
        "circle": circle,
        "since": since,
        "until": until,
        "format": format,
    }
    with transaction.atomic():
        User.objects.touch(user.pk)
        earlier = _recent_duplicate(user, fields, password)
        if earlier is not None:
            return earlier
        if user.statements.unfinished()[:MOST_UNFINISHED].count() >= MOST_UNFINISHED:
            raise Refused("You are waiting for ten statements already. Ask again when one is ready.")
        return create(user, fields, password)


def create(user: User, fields: dict[str, Any], password: str = "") -> Statement:
    """Create a statement and the outbox row that has it written, in the caller's transaction.

    `fields` are values of the model's fields. Nothing is checked here.
    """
    statement = Statement.objects.create(
        user=user,
        code=verification.new_code(),
        sealed_password=passwords.seal(password),
        has_password=bool(password),
        **fields,
    )
    outbox.add(
        OUTBOX_KIND,
        dedupe_key=f"{OUTBOX_KIND}:{statement.pk}",
        user=user,
        statement=statement,
        # The writer of the previous release reads the id from here.
        payload={"statement": statement.pk},
    )
    return statement


def ask_again(statement: Statement) -> Statement:
    """Request a statement of the same subject, period and format, without a password. Raises Refused as `request`."""
    return request(
        statement.user,
        scope=statement.scope,
        plan=statement.plan,
        circle=statement.circle,
        since=statement.since,
        until=statement.until,
        format=statement.format,
    )


def revoke(statement: Statement) -> bool:
    """Disable a statement's links and delete its file; an unfinished statement is cancelled.

    False if it had already failed, expired or been revoked.
    """
    with transaction.atomic():
        User.objects.touch(statement.user_id)
        active = Statement.objects.filter(
            pk=statement.pk, state__in=[State.QUEUED, State.WRITING, State.READY]
        )
        # The expiry is set to now, so that the periodic clean-up deletes the file if it cannot be deleted here.
        if not active.update(state=State.REVOKED, expires_at=timezone.now(), sealed_password=""):
            return False
    statement.refresh_from_db()
    remove_file(statement)
    return True


def delete(statement: Statement) -> None:
    """Delete a statement and its file; the verification code stops working. A second call changes nothing.

    Raises Refused if the storage cannot delete the file now.
    """
    revoke(statement)
    current = Statement.objects.filter(pk=statement.pk).first()
    if current is None:
        return
    remove_file(current)
    if current.file_name:
        # Without the row, the name of the file would be lost.
        raise Refused("Its file cannot be removed at the moment. Try again later.")
    with transaction.atomic():
        User.objects.touch(statement.user_id)
        Statement.objects.filter(pk=statement.pk).delete()


def resend_mail(statement: Statement) -> None:
    """Send the mail about a ready statement again, at most once a minute. Raises Refused if it is not available."""
    minute = int(timezone.now().timestamp()) // 60
    with transaction.atomic():
        User.objects.touch(statement.user_id)
        if not _available().filter(pk=statement.pk).exists():
            raise Refused("This statement is not there any more. Ask for it again.")
        mails.statement_ready(statement, again=str(minute))


def most_rows(file_format: str) -> int | None:
    """Return the most rows that a format may have; None for no limit."""
    return files.writer_class(file_format).MOST_ROWS


def expected_rows(
    user: User,
    *,
    scope: str,
    plan: Plan | None = None,
    circle: Circle | None = None,
    since: datetime.date,
    until: datetime.date,
    most: int,
) -> int:
    """Return how many rows a statement would have, at most `most` + 1, so that large accounts are not counted.

    Raises Refused, with the field, for an invalid period.
    """
    since, until = periods.checked_period(user, since, until)
    subject = statement_rows.subject_of(user, scope, plan=plan, circle=circle)
    return statement_rows.estimate_rows(subject, since, until, most=most)


def check_rows(user: User, file_format: str, **fields: Any) -> None:
    """Raise Refused on the field `format` if a statement would have more rows than its format may have.

    `fields` are the scope, subject and period. Counts only the newest 50,000 entries, because a user waits for the
    page; the writer counts exactly.
    """
    most = most_rows(file_format)
    if most is not None and most <= statement_rows.LOOKS_BACK_ROWS:
        check_count(file_format, expected_rows(user, **fields, most=most))


def check_count(file_format: str, rows: int) -> None:
    """Raise Refused on the field `format` for more rows than a format may have."""
    most = most_rows(file_format)
    if most is None or rows <= most:
        return
    others = "CSV" if file_format == Format.EXCEL else "Excel or CSV"
    name = Format(file_format).label
    raise Refused(
        f"{name} holds up to {most:,} rows, and this has more. Choose {others}, or fewer days.",
        field="format",
    )


def open_file(statement: Statement) -> File[Any]:
    """Open a statement's file for reading.

    Raises FileNotFoundError if there is no file, and another OSError while the storage does not answer.
    """
    return files.open_file(statement)


def count_download(statement: Statement) -> bool:
    """Count a download and return True; False, without counting, for a statement that is not available."""
    with transaction.atomic():
        User.objects.touch(statement.user_id)
        available = _available().filter(pk=statement.pk)
        return bool(available.update(downloads=F("downloads") + 1, downloaded_at=timezone.now()))


def link_token(statement: Statement) -> str:
    """Return the signed token of a link to the file, valid for `STATEMENT_LINK_HOURS` hours."""
    return _signer.sign(str(statement.pk))


def statement_of_token(token: str) -> Statement | None:
    """Return the statement of a link's token; None for an invalid or expired token, and without an available file."""
    try:
        value = _signer.unsign(token, max_age=datetime.timedelta(hours=settings.STATEMENT_LINK_HOURS))
    except signing.BadSignature:
        return None
    return _available().filter(pk=int(value)).select_related("user", "plan", "circle").first()


def _available() -> StatementQuerySet:
    """Return the statements whose file can be downloaded."""
    return Statement.objects.filter(state=State.READY, expires_at__gt=timezone.now())


def _recent_duplicate(user: User, fields: dict[str, Any], password: str) -> Statement | None:
    """Return the same statement that the user requested within the last minute, unless it failed or was revoked."""
    since = timezone.now() - datetime.timedelta(seconds=_DUPLICATE_SECONDS)
    duplicates = user.statements.filter(
        requested_at__gte=since,
        has_password=bool(password),
        state__in=[State.QUEUED, State.WRITING, State.READY],
        **fields,
    )
    for statement in duplicates.order_by("-id")[:MOST_UNFINISHED]:
        # The password of a written statement is deleted, so it cannot be compared: that one is no duplicate.
        if not password or (statement.sealed_password and passwords.unseal(statement) == password):
            return statement
    return None


def check_subject(user: User, scope: str, plan: Plan | None, circle: Circle | None) -> None:
    """Raise Refused, with the field, unless the plan or circle fits the scope and is the user's own."""
    if (scope == Scope.PLAN) != (plan is not None) or (plan is not None and plan.user_id != user.pk):
        raise Refused("Choose one of your plans.", field="plan")
    if (scope == Scope.CIRCLE) != (circle is not None) or (
        circle is not None and not Membership.objects.filter(circle=circle, user=user).exists()
    ):
        raise Refused("Choose a circle that you are in.", field="circle")


def remove_file(statement: Statement) -> None:
    """Delete the file of a statement that is no longer available. On an error, the periodic clean-up tries again."""
    try:
        discard_file(statement)
    except Exception as error:
        logger.warning("cannot delete the file of statement %s yet: %s", statement.pk, error)


def discard_file(statement: Statement) -> None:
    """Delete the file of a statement that is no longer available. Raises OSError if the storage cannot delete it."""
    if not statement.file_name:
        return
    files.delete_file(statement.file_name)
    same_file = Statement.objects.filter(pk=statement.pk, file_name=statement.file_name)
    same_file.exclude(state=State.READY).update(file_name="")
    statement.file_name = ""
