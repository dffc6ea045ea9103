"""Downloads of a ready statement: signed links to its file, their count, and the mail with the link."""

from __future__ import annotations

import datetime

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from savings import mails
from savings.exceptions import Refused
from savings.models import Statement, User
from savings.models.statements import StatementQuerySet
from savings.statements import messages

_signer = signing.TimestampSigner(salt="savings.statements")


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


def count_download(statement: Statement) -> bool:
    """Count a download and return True; False, without counting, for a statement that is not available."""
    with transaction.atomic():
        User.objects.touch(statement.user_id)
        available = _available().filter(pk=statement.pk)
        return bool(available.update(downloads=F("downloads") + 1, downloaded_at=timezone.now()))


def resend_mail(statement: Statement) -> None:
    """Send the mail about a ready statement again, at most once a minute. Raises Refused if it is not available."""
    minute = int(timezone.now().timestamp()) // 60
    with transaction.atomic():
        User.objects.touch(statement.user_id)
        if not _available().filter(pk=statement.pk).exists():
            raise Refused(messages.GONE)
        mails.statement_ready(statement, again=str(minute))


def _available() -> StatementQuerySet:
    """Return the statements whose file can be downloaded."""
    return Statement.objects.filter(state=Statement.State.READY, expires_at__gt=timezone.now())
