"""The outbox: a row for every mail and export, written in the transaction of its cause."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class OutboxRow(models.Model):
    """Work to do after a commit: claimed with a lease and retried until it is done or given up."""

    kind = models.CharField(max_length=30)
    # The idempotency key: the same cause cannot write a second row.
    dedupe_key = models.CharField(max_length=100, unique=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="outbox_rows",
        db_index=False,
    )
    transaction = models.ForeignKey(
        "savings.Transaction", null=True, blank=True, on_delete=models.PROTECT, related_name="outbox_rows"
    )
    # The statement that the row writes or mails about. Deleting the statement clears it: its mails were sent and stay
    # on the Messages page, and the writer of an unfinished one stops automatically. Deleting the row changes no
    # statement.
    # The database clears the column too (migration 0039), because the release before it deletes statements without
    # knowing of the column.
    statement = models.ForeignKey(
        "savings.Statement",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="outbox_rows",
        db_index=False,
    )
    payload = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    # When it may be tried (again). A claim sets this to the end of the lease, so that another worker takes over from a
    # worker that died.
    due_at = models.DateTimeField(default=timezone.now, null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    done_at = models.DateTimeField(null=True, blank=True)
    dead_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True, default="")
    # The trace of the request or task that wrote this row, so that its work appears in that trace.
    traceparent = models.CharField(max_length=55, blank=True, default="", db_default="")
    # The text of a mail, fixed at the first try, so that each retry sends the same text.
    to = models.EmailField(blank=True, default="")
    subject = models.CharField(max_length=200, blank=True, default="")
    text = models.TextField(blank=True, default="")
    html = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(due_at__isnull=False, done_at__isnull=True, dead_at__isnull=True)
                | Q(due_at__isnull=True, done_at__isnull=False, dead_at__isnull=True)
                | Q(due_at__isnull=True, done_at__isnull=True, dead_at__isnull=False),
                name="outbox_waiting_done_or_dead",
            ),
        ]
        indexes = [
            # The sweep, and the age of the oldest unsent row: waiting rows by due date.
            models.Index(fields=["due_at"], name="outbox_waiting", condition=Q(due_at__isnull=False)),
            # A user's mails, newest first.
            models.Index(fields=["user", "-id"], name="outbox_by_user"),
            # The row that writes a statement, and the newest mail about a statement.
            models.Index(
                fields=["statement", "-id"], name="outbox_by_statement", condition=Q(statement__isnull=False)
            ),
            # The staff's list of rows that were given up, newest first.
            models.Index(fields=["-id"], name="outbox_given_up", condition=Q(dead_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
