"""Requests of statements: check one, and store it with the outbox row that has it written (`writing`)."""

from __future__ import annotations

import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from savings import outbox
from savings.exceptions import Refused
from savings.models import Circle, Membership, Plan, Statement, User
from savings.models.statements import Format, Scope
from savings.statements import certificates, limits, messages, passwords, periods, verification

OUTBOX_KIND = "statement"
# The most unfinished statements of one user.
MOST_UNFINISHED = 10
# A second request within this time, such as a form sent twice, returns the first statement.
_DUPLICATE_SECONDS = 60
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
    since, until = periods.checked_period(user, since=since, until=until)
    passwords.check_password(user, file_format=format, password=password)
    limits.check_rows(user, format, scope=scope, plan=plan, circle=circle, since=since, until=until)
    fields = {
        "scope": scope,
        "plan": plan,
        "circle": circle,
        "since": since,
        "until": until,
        "format": format,
        "is_certificate": False,
    }
    return _request(user, fields, password)


def request_certificate(user: User, *, year: int, format: str) -> Statement:  # noqa: A002 - as in `request`
    """Request a certificate of the interest and tax of a year, up to today if the year is not over.

    Raises Refused, with the field, for a year without a posting and a format other than PDF and CSV.
    """
    if year not in certificates.years(user):
        raise Refused(messages.no_interest_in(year), field="year")
    if format not in {Format.PDF, Format.CSV}:
        raise Refused(messages.CERTIFICATE_FORMATS, field="format")
    fields = {
        "scope": Scope.EVERYTHING,
        "since": datetime.date(year, 1, 1),
        "until": min(datetime.date(year, 12, 31), timezone.localdate()),
        "format": format,
        "is_certificate": True,
    }
    return _request(user, fields)


def _request(user: User, fields: dict[str, Any], password: str = "") -> Statement:
    with transaction.atomic():
        User.objects.touch(user.pk)
        earlier = _recent_duplicate(user, fields, password)
        if earlier is not None:
            return earlier
        if user.statements.unfinished()[:MOST_UNFINISHED].count() >= MOST_UNFINISHED:
            raise Refused(messages.too_many_unfinished(MOST_UNFINISHED))
        return create(user, fields, password)


def ask_again(statement: Statement) -> Statement:
    """Request a statement of the same subject, period and format, without a password. Raises Refused as `request`."""
    if statement.is_certificate:
        return request_certificate(statement.user, year=statement.since.year, format=statement.format)
    return request(
        statement.user,
        scope=statement.scope,
        plan=statement.plan,
        circle=statement.circle,
        since=statement.since,
        until=statement.until,
        format=statement.format,
    )


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


def check_subject(user: User, scope: str, plan: Plan | None, circle: Circle | None) -> None:
    """Raise Refused, with the field, unless the plan or circle fits the scope and is the user's own."""
    if (scope == Scope.PLAN) != (plan is not None) or (plan is not None and plan.user_id != user.pk):
        raise Refused(messages.CHOOSE_OWN_PLAN, field="plan")
    if (scope == Scope.CIRCLE) != (circle is not None) or (
        circle is not None and not Membership.objects.filter(circle=circle, user=user).exists()
    ):
        raise Refused(messages.CHOOSE_OWN_CIRCLE, field="circle")


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
