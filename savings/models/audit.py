"""The audit log, and the lists that staff export."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

# What staff only looked at; the other rows are actions.
LOOKS = ("saver_seen", "page_seen", "evidence_seen", "searched")


def _without_looks() -> Q:
    """Return the condition of actions, term by term: SQLite finds the index only when the query has the same terms."""
    condition = Q()
    for look in LOOKS:
        condition &= ~Q(verb=look)
    return condition


class AuditRowQuerySet(models.QuerySet["AuditRow"]):
    def actions(self) -> Self:
        """What staff did, without what they only looked at."""
        return self.filter(_without_looks())


class AuditRow(models.Model):
    """One thing that a member of staff looked at or did. A trigger refuses every change and deletion.

    It names people by id alone, so that erasing a person needs no change here.
    """

    at = models.DateTimeField(default=timezone.now)
    # Empty for what the site or an operator on the command line did.
    staff = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    # A name in `savings.backoffice.AUDITED`, such as `saver_seen`.
    verb = models.CharField(max_length=30)
    saver = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    # What it was done to, such as `payout:12`.
    subject = models.CharField(max_length=80, blank=True, default="")
    # The reason, and what was changed.
    text = models.CharField(max_length=500, blank=True, default="")

    objects = AuditRowQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["staff", "-id"], name="audit_by_staff"),
            models.Index(fields=["saver", "-id"], name="audit_by_saver", condition=Q(saver__isnull=False)),
            models.Index(fields=["subject", "-id"], name="audit_by_subject", condition=~Q(subject="")),
            models.Index(fields=["verb", "-id"], name="audit_by_verb"),
            # The rows of a day.
            models.Index(fields=["at"], name="audit_by_day"),
            # The filter of staff: actions without looks.
            models.Index(fields=["-id"], name="audit_actions", condition=_without_looks()),
        ]

    def __str__(self) -> str:
        return f"audit row {self.pk}"


class StaffExport(models.Model):
    """A list of the admin as a CSV file: requested, written in the background, and available until it expires."""

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        WRITING = "writing", "Being written"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"
        EXPIRED = "expired", "Expired"

    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    # The model of the list, and its filters and search as in the address of the list.
    listed = models.CharField(max_length=60)
    filters = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    requested_at = models.DateTimeField(default=timezone.now)
    rows_written = models.PositiveIntegerField(default=0)
    file_name = models.CharField(max_length=200, blank=True, default="")
    size_bytes = models.BigIntegerField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    ready_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="ready")
                | (~Q(file_name="") & ~Q(sha256="") & Q(ready_at__isnull=False, expires_at__isnull=False)),
                name="export_ready_is_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["asked_by", "-id"], name="export_by_staff"),
            models.Index(fields=["expires_at"], name="export_files", condition=~Q(file_name="")),
        ]

    def __str__(self) -> str:
        return f"export {self.pk}"
