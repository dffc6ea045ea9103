"""Makes statements in any state without writing their files."""

from __future__ import annotations

import datetime
import hashlib
import secrets
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import transaction
from django.utils import timezone

from savings.models import Statement, User
from savings.statements import requests

CONTENT = b"\xef\xbb\xbfDate,Amount\r\n2026-10-01,100.00\r\n"


def asked_for(user: User, *, password: str = "", **fields: Any) -> Statement:
    """A queued statement of the stash for October 2026 as CSV."""
    usual: dict[str, Any] = {
        "scope": "stash",
        "since": datetime.date(2026, 10, 1),
        "until": datetime.date(2026, 10, 31),
        "format": "csv",
    }
    with transaction.atomic():
        return requests.create(user, usual | fields, password)


def written(user: User, content: bytes = CONTENT, **fields: Any) -> Statement:
    """A ready statement with a file of this content, valid for a week."""
    statement = asked_for(user, **fields)
    now = timezone.now()
    Statement.objects.filter(pk=statement.pk).update(
        state=Statement.State.READY,
        rows_expected=1,
        rows_written=1,
        opening_kobo=0,
        closing_kobo=1_250_400_00,
        file_name=storages["statements"].save(f"{secrets.token_hex(16)}.csv", ContentFile(content)),
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        ready_at=now,
        expires_at=now + datetime.timedelta(days=7),
    )
    statement.refresh_from_db()
    return statement
