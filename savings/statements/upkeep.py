"""The clean-up of statements: delete expired files, and fail statements that no writer will finish."""

from __future__ import annotations

import datetime

from django.db import transaction
from django.db.models import BigIntegerField, Exists, OuterRef, Subquery
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from savings import outbox
from savings.models import OutboxRow, Statement, User
from savings.statements import failures, files, messages, removal, requests

State = Statement.State
_MOST_PER_RUN = 500
# Several times the rows that a busy site writes between two runs.
_UNLINKED_AMONG_NEWEST = 50_000


def expire_files(now: datetime.datetime) -> int:
    """Delete expired files and old drafts; return the number of statements that expired.

    A file that the storage cannot delete is postponed, and the others are deleted.
    """
    due = Statement.objects.filter(expires_at__lte=now).exclude(file_name="").order_by("expires_at", "id")
    expired = outbox.for_each_row("expire_statement", due, _expire, most=_MOST_PER_RUN)
    files.remove_old_drafts(now.timestamp())
    return expired


def _expire(statement_id: int) -> int:
    statement = Statement.objects.filter(pk=statement_id).first()
    if statement is None:
        # Its owner has deleted it since the list was read.
        return 0
    with transaction.atomic():
        User.objects.touch(statement.user_id)
        expired = Statement.objects.filter(pk=statement_id, state=State.READY).update(state=State.EXPIRED)
    removal.discard_file(statement)
    return expired


def fail_abandoned() -> int:
    """Fail the unfinished statements whose outbox rows have used up their tries, and return their number."""
    dead = OutboxRow.objects.filter(
        kind=requests.OUTBOX_KIND, statement=OuterRef("pk"), dead_at__isnull=False
    )
    unfinished = Statement.objects.unfinished().filter(Exists(dead)).order_by("id")
    return outbox.for_each_row("give_up_statement", unfinished, _fail_abandoned, most=_MOST_PER_RUN)


def _fail_abandoned(statement_id: int) -> int:
    statement = Statement.objects.select_related("user", "plan", "circle").filter(pk=statement_id).first()
    if statement is None:
        return 0
    with transaction.atomic():
        User.objects.touch(statement.user_id)
        reason = messages.failure(messages.NOT_WRITTEN, is_last=True)
        failures.fail_statement(statement, reason)
    return 1


def link_outbox_rows() -> int:
    """Link the newest outbox rows to the statements that their payloads name, and return the number of rows.

    Each release from migration 0039 on links a row as it writes it. These rows were written by the release before it,
    which runs beside this one during a deploy.
    """
    newest = OutboxRow.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    named = Cast(KeyTextTransform("statement", OuterRef("payload")), BigIntegerField())
    statements = Statement.objects.filter(pk=named)
    unlinked = OutboxRow.objects.filter(
        Exists(statements),
        pk__gt=newest - _UNLINKED_AMONG_NEWEST,
        kind__in=[requests.OUTBOX_KIND, "statement_ready", "statement_failed"],
        statement=None,
    )
    return unlinked.update(statement=Subquery(statements.values("pk")))
