"""The outbox: every mail and every export, written in the transaction of its cause."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class OutboxRow(models.Model):
    """Something to do after a commit: claimed with a lease, tried again until done, never forgotten."""

    kind = models.CharField(max_length=30)
    # What makes this happen once: the same cause cannot write a second row.
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
    payload = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    # When it may be tried (again). A claim moves this past the lease, so a worker that died is overtaken.
    due_at = models.DateTimeField(default=timezone.now, null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    done_at = models.DateTimeField(null=True, blank=True)
    dead_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True, default="")
    # The request or task that wrote this, where it is followed: the work is shown beside it, whoever finds the row.
    traceparent = models.CharField(max_length=55, blank=True, default="", db_default="")
    # A mail as it was written: fixed at its first try, so that each further one sends the same.
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
            # The sweep, and the age of the oldest unsent row: what waits, by when it is due.
            models.Index(fields=["due_at"], name="outbox_waiting", condition=Q(due_at__isnull=False)),
            # A person's messages, newest first.
            models.Index(fields=["user", "-id"], name="outbox_by_user"),
            # The staff's list of what was given up, newest first.
            models.Index(fields=["-id"], name="outbox_given_up", condition=Q(dead_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
