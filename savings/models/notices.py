"""Notices: money that a saver has asked for and that leaves its plan once the notice of the plan's terms is over."""

from __future__ import annotations

import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from savings.models.users import User


class NoticeQuerySet(models.QuerySet["Notice"]):
    def waiting(self) -> Self:
        return self.filter(status=Notice.Status.WAITING)

    def due(self, now: datetime.datetime) -> Self:
        """Waiting notices that are over, the longest first, but for those of savers whose movements are frozen."""
        due = self.waiting().filter(due_at__lte=now)
        return due.exclude(user__frozen=User.Frozen.MOVEMENTS).order_by("due_at", "id")

    def end(self) -> int:
        """End the waiting notices among these, because their plan has matured or was closed; return how many."""
        return self.waiting().update(status=Notice.Status.ENDED, decided_at=timezone.now())


class Notice(models.Model):
    """A saver's request to move money out of a plan, which a worker carries out when it is due.

    The money stays in the plan and earns until then. Every change is made under the lock of the owner's row.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DONE = "done", "Moved to the stash"
        CANCELLED = "cancelled", "Cancelled"
        ENDED = "ended", "Plan or term ended first"
        # The plan held nothing when the notice was due.
        REFUSED = "refused", "Plan was empty"

    # The idempotency key of the form: a form sent twice gives one notice. The movement has the same reference with
    # another prefix, so a notice moves money once.
    reference = models.CharField(max_length=20, unique=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="notices", db_index=False
    )
    plan = models.ForeignKey("savings.Plan", on_delete=models.PROTECT, related_name="notices", db_index=False)
    # Taken from the plan's balance, a penalty included. Less is taken when the plan holds less by then.
    amount_kobo = models.BigIntegerField()
    asked_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    # When it was carried out, cancelled, ended or refused.
    decided_at = models.DateTimeField(null=True, blank=True)
    transaction = models.OneToOneField(
        "savings.Transaction", null=True, blank=True, on_delete=models.PROTECT, related_name="notice"
    )

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_kobo__gt=0), name="notice_amount_above_zero"),
            models.CheckConstraint(condition=Q(due_at__gt=F("asked_at")), name="notice_due_after_asked"),
            models.CheckConstraint(
                condition=Q(status="waiting", decided_at__isnull=True)
                | (~Q(status="waiting") & Q(decided_at__isnull=False)),
                name="notice_waits_until_decided",
            ),
            models.CheckConstraint(
                condition=Q(status="done", transaction__isnull=False)
                | (~Q(status="done") & Q(transaction__isnull=True)),
                name="notice_moves_money_when_done",
            ),
        ]
        indexes = [
            # The worker: waiting notices whose time has come.
            models.Index(fields=["due_at"], name="notice_by_due_time", condition=Q(status="waiting")),
            # The waiting notices of a plan: for its page, and for the amount that is still free.
            models.Index(fields=["plan"], name="notice_waiting_in_plan", condition=Q(status="waiting")),
            # The notices of a user, newest first, for staff.
            models.Index(fields=["user", "-id"], name="notice_by_user"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def is_waiting(self) -> bool:
        return self.status == self.Status.WAITING
