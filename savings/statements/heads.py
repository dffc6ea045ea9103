"""The head of a statement's file: the facts above its rows."""

from __future__ import annotations

import dataclasses

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format

from savings import money
from savings.models import Statement
from savings.statements import messages, verification
from savings.statements.formats import Head
from savings.statements.spans import Span
from savings.statements.subjects import Subject


def head_of(statement: Statement, subject: Subject, span: Span) -> Head:
    """Return the head of the statement's file."""
    return Head(
        holder=statement.user.name or statement.user.email,
        subject=subject.title,
        since=statement.since,
        until=statement.until,
        opening_kobo=span.opening_kobo,
        made_at=timezone.now(),
        code=verification.grouped(statement.code),
        verify_url=f"{settings.SITE_URL}/statements/verify/{statement.code}/",
        names_rows=subject.names_rows,
        issuer=settings.OPERATOR.issuer,
        operator=settings.OPERATOR.line,
        site=settings.SITE_URL.partition("://")[2],
        number=f"{statement.pk:08d}",
        details=_details(statement),
    )


def head_of_certificate(statement: Statement, subject: Subject, span: Span) -> Head:
    """Return the head of a certificate of interest and tax."""
    until, year = statement.until, statement.since.year
    is_over = (until.month, until.day) == (12, 31)
    about = messages.certificate_title(year, "" if is_over else date_format(until, "j F Y"))
    return dataclasses.replace(
        head_of(statement, subject, span),
        what=messages.CERTIFICATE,
        subject=about,
        details=certified(statement),
    )


def certified(statement: Statement) -> tuple[tuple[str, str], ...]:
    """Return the facts about the saver, and about the operator, who withheld the tax."""
    tax_id = settings.OPERATOR.tax_id
    withheld_by = ((messages.TAX_ID, tax_id),) if tax_id else ()
    return ((messages.EMAIL, statement.user.email), *withheld_by)


def _details(statement: Statement) -> tuple[tuple[str, str], ...]:
    """Return the facts about a statement's plan, as label and text; nothing for another subject."""
    plan = statement.plan
    if plan is None:
        return ()
    rate = messages.rate_before_tax(money.percent(plan.rate_bps))
    return (
        (messages.PLAN_REFERENCE, plan.reference),
        (messages.PRODUCT, plan.product_name),
        (messages.RATE, rate),
    )
