"""Statements: the request, the progress of writing, and the file."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Scope(models.TextChoices):
    """The accounts that a statement covers."""

    PLAN = "plan", "One plan"
    STASH = "stash", "Stash"
    CIRCLE = "circle", "One circle"
    EVERYTHING = "everything", "Everything"


class Format(models.TextChoices):
    PDF = "pdf", "PDF"
    EXCEL = "xlsx", "Excel"
    CSV = "csv", "CSV"


# A plan or a circle is set exactly when the scope is one.
_SUBJECT_FITS_SCOPE = (
    Q(scope=Scope.PLAN, plan__isnull=False, circle__isnull=True)
    | Q(scope=Scope.CIRCLE, plan__isnull=True, circle__isnull=False)
    | Q(scope__in=[Scope.STASH, Scope.EVERYTHING], plan__isnull=True, circle__isnull=True)
)


class StatementQuerySet(models.QuerySet["Statement"]):
    def unfinished(self) -> Self:
        """Statements that are waiting to be written, or being written."""
        return self.filter(state__in=[Statement.State.QUEUED, Statement.State.WRITING])


class Statement(models.Model):
    """One statement: requested, written in the background, and available until it expires."""

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        WRITING = "writing", "Being written"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"
        REVOKED = "revoked", "Revoked"
        EXPIRED = "expired", "Expired"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="statements", db_index=False
    )
    scope = models.CharField(max_length=10, choices=Scope)
    plan = models.ForeignKey(
        "savings.Plan", null=True, blank=True, on_delete=models.PROTECT, related_name="statements"
    )
    circle = models.ForeignKey(
        "savings.Circle", null=True, blank=True, on_delete=models.PROTECT, related_name="statements"
    )
    # Both days are included.
    since = models.DateField()
    until = models.DateField()
    format = models.CharField(max_length=4, choices=Format)
    # A certificate of the interest and tax of a year, from its first day on. Its scope is everything, because pages of
    # the release before certificates show no other one.
    is_certificate = models.BooleanField(default=False, db_default=False)
    # The password of a PDF, encrypted with the secret key; emptied as soon as the file is written.
    sealed_password = models.TextField(blank=True, default="")
    has_password = models.BooleanField(default=False)
    # The code for verifying the file, printed on each page. It proves nothing without the closing balance.
    code = models.CharField(max_length=20, unique=True)
    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    # Why it failed, in a sentence for the user; otherwise empty.
    reason = models.CharField(max_length=200, blank=True, default="")
    requested_at = models.DateTimeField(default=timezone.now)
    # The last ledger entry that it may contain, fixed when writing starts, so that later entries are left out.
    cutoff_entry_id = models.BigIntegerField(null=True, blank=True)
    rows_expected = models.PositiveIntegerField(null=True, blank=True)
    rows_written = models.PositiveIntegerField(default=0)
    # Where writing continues after a worker died: the last entry written, the length of the file, the totals so far.
    checkpoint = models.JSONField(default=dict, blank=True)
    opening_kobo = models.BigIntegerField(null=True, blank=True)
    closing_kobo = models.BigIntegerField(null=True, blank=True)
    # The file: its unguessable name in the storage (empty while there is none), its size and its hash.
    file_name = models.CharField(max_length=200, blank=True, default="")
    size_bytes = models.BigIntegerField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    ready_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    downloads = models.PositiveIntegerField(default=0)
    downloaded_at = models.DateTimeField(null=True, blank=True)

    objects = StatementQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=_SUBJECT_FITS_SCOPE, name="statement_subject_fits_scope"),
            models.CheckConstraint(
                condition=Q(until__gte=models.F("since")), name="statement_period_in_order"
            ),
            models.CheckConstraint(
                condition=~Q(state="ready")
                | (
                    ~Q(file_name="") & ~Q(sha256="") & Q(closing_kobo__isnull=False, expires_at__isnull=False)
                ),
                name="statement_ready_is_whole",
            ),
        ]
        indexes = [
            # A user's statements, newest first, in keyset pages.
            models.Index(fields=["user", "-id"], name="statement_shelf"),
            # A user's unfinished statements, the queue of the writers, and the staff's list of both.
            models.Index(
                fields=["user", "id"],
                name="statement_unfinished",
                condition=Q(state__in=["queued", "writing"]),
            ),
            # The statements that failed, for staff.
            models.Index(fields=["requested_at"], name="statement_failed", condition=Q(state="failed")),
            # The sweep that removes expired files.
            models.Index(fields=["expires_at"], name="statement_files", condition=~Q(file_name="")),
        ]

    def __str__(self) -> str:
        return f"{self.get_scope_display()}, {self.since} to {self.until}"


class StatementSubscription(models.Model):
    """A user's subscription to a monthly statement of the previous month."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="statement_subscriptions"
    )
    scope = models.CharField(max_length=10, choices=Scope)
    plan = models.ForeignKey(
        "savings.Plan", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    circle = models.ForeignKey(
        "savings.Circle", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    format = models.CharField(max_length=4, choices=Format, default=Format.PDF)
    # The first day of the month that the next statement covers.
    next_month = models.DateField("month of the next statement")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=_SUBJECT_FITS_SCOPE, name="subscription_subject_fits_scope"),
            models.UniqueConstraint(
                fields=["user", "plan"], condition=Q(scope=Scope.PLAN), name="subscription_once_per_plan"
            ),
            models.UniqueConstraint(
                fields=["user", "circle"],
                condition=Q(scope=Scope.CIRCLE),
                name="subscription_once_per_circle",
            ),
            models.UniqueConstraint(
                fields=["user", "scope"],
                condition=Q(scope__in=[Scope.STASH, Scope.EVERYTHING]),
                name="subscription_once_per_scope",
            ),
        ]
        indexes = [
            # The monthly run: subscriptions whose month is over.
            models.Index(fields=["next_month"], name="subscription_due"),
        ]

    def __str__(self) -> str:
        return f"{self.get_scope_display()}, each month"
