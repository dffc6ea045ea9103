"""The upkeep of statements: files whose time is over go, and what nobody will write any more says so."""

from __future__ import annotations

import datetime

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Value
from django.db.models.functions import Cast, Concat

from savings import outbox
from savings.models import OutboxRow, Statement, User
from savings.statements import files, requests, writing

State = Statement.State
_AT_A_TIME = 500


def expire_files(now: datetime.datetime) -> int:
    """Remove the files whose time is over, and drafts of writers that died; return how many statements expired.

    A file that the storage does not let go is postponed, and the others go.
    """
    over = Statement.objects.filter(expires_at__lte=now).exclude(file_name="").order_by("expires_at", "id")
    expired = outbox.for_each_row("expire_statement", over, _expire, most=_AT_A_TIME)
    files.remove_old_drafts(now.timestamp())
    return expired


def _expire(statement_id: int) -> int:
    statement = Statement.objects.filter(pk=statement_id).first()
    if statement is None:
        # Its owner deleted it since it was found.
        return 0
    with transaction.atomic():
        User.objects.touch(statement.user_id)
        expired = Statement.objects.filter(pk=statement_id, state=State.READY).update(state=State.EXPIRED)
    requests.discard_file(statement)
    return expired


def fail_abandoned() -> int:
    """Give up the statements whose writers died until nobody tries any more, and return how many those were."""
    key = Concat(Value(f"{requests.OUTBOX_KIND}:"), Cast(OuterRef("pk"), CharField()))
    dead = OutboxRow.objects.filter(dedupe_key=key, dead_at__isnull=False)
    unfinished = Statement.objects.unfinished().filter(Exists(dead)).order_by("id")
    return outbox.for_each_row("give_up_statement", unfinished, _fail_abandoned, most=_AT_A_TIME)


def _fail_abandoned(statement_id: int) -> int:
    statement = Statement.objects.select_related("user", "plan", "circle").filter(pk=statement_id).first()
    if statement is None:
        return 0
    with transaction.atomic():
        User.objects.touch(statement.user_id)
        reason = "Something went wrong while it was written. Ask for it again later."
        writing.fail_statement(statement, reason)
    return 1
