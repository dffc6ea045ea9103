"""Statements: asking for one, and what may be done with it until its time is over. `statement_writing` writes them."""

from __future__ import annotations

import dataclasses
import datetime
import logging
import secrets
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.files import File
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from savings import mails, outbox, typed_text
from savings.exceptions import Refused
from savings.models import Circle, Membership, Plan, Statement, User
from savings.models.ledger import CROCKFORD
from savings.models.statements import Format, Scope, StatementQuerySet
from savings.statements import files, passwords, periods
from savings.statements import rows as statement_rows

logger = logging.getLogger(__name__)

OUTBOX_KIND = "statement"
# Nobody waits for more than these at a time.
MOST_UNFINISHED = 10
# A form sent twice, or a finger that was faster than the page, is one statement.
_SAME_SECONDS = 60
_CODE_LENGTH = 16
_MISREAD = str.maketrans("OIL", "011")
_signer = signing.TimestampSigner(salt="savings.statements")
State = Statement.State


@dataclasses.dataclass(frozen=True, slots=True)
class Verified:
    """What a verifier is told: nothing that the file in their hand does not say. The sum is in kobo."""

    since: datetime.date
    until: datetime.date
    closing_kobo: int
    made_at: datetime.datetime
    # Whether the file is the very one that we made; None where there was no file to compare.
    is_the_file: bool | None


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
    """Ask for a statement from one local day to another, both in it, and return it; it is written in the background.

    The same request within a minute returns the same statement. Raises Refused, with the field, for a plan or circle
    that is not the person's, a period out of order or not over, a password that is none, more rows than the format
    holds, and more statements at a time than anybody waits for.
    """
    check_subject(user, scope, plan, circle)
    since, until = periods.checked_period(user, since, until)
    passwords.check_password(user, format, password)
    check_rows(user, format, scope=scope, plan=plan, circle=circle, since=since, until=until)
    asked = {"scope": scope, "plan": plan, "circle": circle, "since": since, "until": until, "format": format}
    with transaction.atomic():
        User.objects.touch(user.pk)
        earlier = _same(user, asked, password)
        if earlier is not None:
            return earlier
        if user.statements.unfinished()[:MOST_UNFINISHED].count() >= MOST_UNFINISHED:
            raise Refused("You are waiting for ten statements already. Ask again when one is ready.")
        return create(user, asked, password)


def create(user: User, asked: dict[str, Any], password: str = "") -> Statement:
    """Write a statement down, and the row of the outbox that has it written, in the caller's transaction."""
    statement = Statement.objects.create(
        user=user,
        code="".join(secrets.choice(CROCKFORD) for _ in range(_CODE_LENGTH)),
        sealed_password=passwords.seal(password),
        has_password=bool(password),
        **asked,
    )
    outbox.add(OUTBOX_KIND, dedupe_key=row_key(statement.pk), user=user, payload={"statement": statement.pk})
    return statement


def row_key(statement_id: int) -> str:
    """Return the dedupe key of the outbox row that has a statement written."""
    return f"{OUTBOX_KIND}:{statement_id}"


def ask_again(statement: Statement) -> Statement:
    """Ask for the same statement once more: subject, period and format, without its password. Raises Refused."""
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
    """Make a statement's links lead nowhere and remove its file; one that is unfinished is not finished any more.

    False when it was over already: failed, expired or revoked.
    """
    with transaction.atomic():
        User.objects.touch(statement.user_id)
        going_on = Statement.objects.filter(
            pk=statement.pk, state__in=[State.QUEUED, State.WRITING, State.READY]
        )
        # Expired from now on as well: should the file not go at once, the sweep removes it.
        if not going_on.update(state=State.REVOKED, expires_at=timezone.now(), sealed_password=""):
            return False
    statement.refresh_from_db()
    remove_file(statement)
    return True


def delete(statement: Statement) -> None:
    """Take a statement off the shelf, file and all; a code in a copy of the file is not known any more.

    One that is off the shelf already stays so.
    Raises Refused while the storage does not let the file go.
    """
    revoke(statement)
    now = Statement.objects.filter(pk=statement.pk).first()
    if now is None:
        return
    remove_file(now)
    if now.file_name:
        # The row is all that knows of the file.
        raise Refused("Its file cannot be removed at the moment. Try again later.")
    with transaction.atomic():
        User.objects.touch(statement.user_id)
        Statement.objects.filter(pk=statement.pk).delete()


def resend_mail(statement: Statement) -> None:
    """Send the mail that a statement is ready once more, at most once a minute. Raises Refused when it is not ready."""
    minute = int(timezone.now().timestamp()) // 60
    with transaction.atomic():
        User.objects.touch(statement.user_id)
        if not _open().filter(pk=statement.pk).exists():
            raise Refused("This statement is not there any more. Ask for it again.")
        mails.statement_ready(statement, again=str(minute))


def most_rows(file_format: str) -> int | None:
    """Return the most rows that a format is offered for; None for as many as there are."""
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
    """Return how many rows a statement would have, and `most` + 1 for all that are more: nothing large is counted.

    Raises Refused, with the field, for a period out of order or not over.
    """
    since, until = periods.checked_period(user, since, until)
    subject = statement_rows.subject_of(user, scope, plan=plan, circle=circle)
    return statement_rows.expected(subject, since, until, most=most)


def check_rows(user: User, file_format: str, **asked: Any) -> None:
    """Raise Refused, with the field, where a statement would have more rows than its format is offered for.

    Looks at the newest 50,000 entries and no further, since somebody waits: the writer itself counts.
    """
    most = most_rows(file_format)
    if most is not None and most <= statement_rows.LOOKS_BACK_ROWS:
        check_count(file_format, expected_rows(user, **asked, most=most))


def check_count(file_format: str, rows: int) -> None:
    """Raise Refused, with the field, for more rows than a format is offered for."""
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
    """Return a statement's file, to read.

    Raises FileNotFoundError when there is none (any more), and another OSError while the storage does not answer.
    """
    return files.open_file(statement)


def count_download(statement: Statement) -> bool:
    """Count one more download. False, and nothing counted, when it is not ready, revoked or over."""
    with transaction.atomic():
        User.objects.touch(statement.user_id)
        here = _open().filter(pk=statement.pk)
        return bool(here.update(downloads=F("downloads") + 1, downloaded_at=timezone.now()))


def link_token(statement: Statement) -> str:
    """Return what makes a link to the file: signed, and good for `STATEMENT_LINK_HOURS`."""
    return _signer.sign(str(statement.pk))


def statement_of_token(token: str) -> Statement | None:
    """Return the statement that a link leads to; None when the token is not ours or too old, or the file is gone."""
    try:
        value = _signer.unsign(token, max_age=datetime.timedelta(hours=settings.STATEMENT_LINK_HOURS))
    except signing.BadSignature:
        return None
    return _open().filter(pk=int(value)).select_related("user", "plan", "circle").first()


def verify(code: str, closing_kobo: int, sha256: str | None = None) -> Verified | None:
    """Return what we know of a statement with that code and closing balance (kobo); None where there is none.

    A code that is wrong and a sum that is wrong look alike. The file may be gone by now: what it said stays true.
    """
    found = Statement.objects.filter(
        code=cleaned_code(code), closing_kobo=closing_kobo, ready_at__isnull=False
    ).first()
    if found is None or found.ready_at is None or found.closing_kobo is None:
        return None
    is_the_file = None if sha256 is None else secrets.compare_digest(found.sha256, sha256.lower())
    return Verified(found.since, found.until, found.closing_kobo, found.ready_at, is_the_file)


def cleaned_code(code: str) -> str:
    """Return a code as it is stored, however it was typed: in groups, in small letters, with O for 0."""
    typed = typed_text.code(code).upper().translate(_MISREAD)
    return "".join(char for char in typed if char in CROCKFORD)[:_CODE_LENGTH]


def _open() -> StatementQuerySet:
    """Return the statements whose file can be had."""
    return Statement.objects.filter(state=State.READY, expires_at__gt=timezone.now())


def _same(user: User, asked: dict[str, Any], password: str) -> Statement | None:
    """Return what the same person asked for in the same words a moment ago, unless nothing can come of it."""
    since = timezone.now() - datetime.timedelta(seconds=_SAME_SECONDS)
    same = user.statements.filter(
        requested_at__gte=since,
        has_password=bool(password),
        state__in=[State.QUEUED, State.WRITING, State.READY],
        **asked,
    )
    for statement in same.order_by("-id")[:MOST_UNFINISHED]:
        # Once it is written nobody knows its password, so it is not the same for sure.
        if not password or (statement.sealed_password and passwords.unseal(statement) == password):
            return statement
    return None


def check_subject(user: User, scope: str, plan: Plan | None, circle: Circle | None) -> None:
    if (scope == Scope.PLAN) != (plan is not None) or (plan is not None and plan.user_id != user.pk):
        raise Refused("Choose one of your plans.", field="plan")
    if (scope == Scope.CIRCLE) != (circle is not None) or (
        circle is not None and not Membership.objects.filter(circle=circle, user=user).exists()
    ):
        raise Refused("Choose a circle that you are in.", field="circle")


def remove_file(statement: Statement) -> None:
    """Remove what is stored of a statement that is over. What cannot be removed now, the sweep removes."""
    try:
        discard_file(statement)
    except Exception as error:
        logger.warning("the file of statement %s is not removed yet: %s", statement.pk, error)


def discard_file(statement: Statement) -> None:
    """Remove what is stored of a statement that is over. Raises OSError where the storage does not let it go."""
    if not statement.file_name:
        return
    files.delete_file(statement.file_name)
    here = Statement.objects.filter(pk=statement.pk, file_name=statement.file_name)
    here.exclude(state=State.READY).update(file_name="")
    statement.file_name = ""
