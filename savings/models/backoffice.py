"""What staff work on: cases, their notes, requests that a second person approves, exports, and the audit log."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone


class CaseQuerySet(models.QuerySet["Case"]):
    def unsolved(self) -> Self:
        return self.filter(state=Case.State.OPEN)


class Case(models.Model):
    """One thing that a person has to decide, from the moment it is found until it is solved."""

    class Kind(models.TextChoices):
        PAYMENT = "payment", "Payment being checked"
        EVENT = "event", "Event of the provider"
        DISPUTE = "dispute", "Dispute"
        REFUND = "refund", "Refund"
        PAYOUT = "payout", "Withdrawal"
        QUESTION = "question", "Question of a saver"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        SOLVED = "solved", "Solved"

    kind = models.CharField(max_length=10, choices=Kind)
    # What it is about, such as `payment:12`: one case each, which opens again if there is something to decide again.
    key = models.CharField(max_length=60, unique=True)
    state = models.CharField(max_length=6, choices=State, default=State.OPEN)
    # Empty while nobody knows whose money it is.
    saver = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    payment = models.ForeignKey(
        "savings.Payment",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="cases",
        db_index=False,
    )
    event = models.ForeignKey(
        "savings.WebhookEvent",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="cases",
        db_index=False,
    )
    dispute = models.ForeignKey(
        "savings.Dispute",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="cases",
        db_index=False,
    )
    refund = models.ForeignKey(
        "savings.Refund",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="cases",
        db_index=False,
    )
    payout = models.ForeignKey(
        "savings.Payout",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="cases",
        db_index=False,
    )
    # What there is to decide, in a sentence.
    summary = models.CharField(max_length=300)
    opened_at = models.DateTimeField(default=timezone.now)
    # The provider's or our own deadline; empty if there is none.
    due_at = models.DateTimeField(null=True, blank=True)
    # When staff were alarmed that the deadline is near.
    alarmed_at = models.DateTimeField(null=True, blank=True)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    solved_at = models.DateTimeField(null=True, blank=True)
    # Empty when it was solved by the provider's word.
    solved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    # How it was solved.
    outcome = models.CharField(max_length=300, blank=True, default="")

    objects = CaseQuerySet.as_manager()

    class Meta:
        permissions = [("work_case", "Can assign, note and solve cases")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", solved_at__isnull=True)
                | Q(state="solved", solved_at__isnull=False),
                name="case_solved_with_its_time",
            ),
        ]
        indexes = [
            # The open cases by kind, the oldest first.
            models.Index(fields=["kind", "opened_at"], name="case_open", condition=Q(state="open")),
            models.Index(fields=["due_at"], name="case_due", condition=Q(state="open", due_at__isnull=False)),
            models.Index(fields=["assignee", "opened_at"], name="case_assigned", condition=Q(state="open")),
            models.Index(fields=["saver", "-id"], name="case_by_saver", condition=Q(saver__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"case {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN


class StaffNote(models.Model):
    """What a member of staff wrote about a case or about a saver. Never changed."""

    case = models.ForeignKey(Case, null=True, blank=True, on_delete=models.PROTECT, related_name="notes")
    saver = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    # Empty for a note that the site wrote itself.
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    text = models.TextField(max_length=2000)
    written_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(case__isnull=False) | Q(saver__isnull=False), name="note_is_about_something"
            ),
        ]
        indexes = [
            models.Index(fields=["saver", "-id"], name="note_by_saver", condition=Q(saver__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"note {self.pk}"


class StaffRequestQuerySet(models.QuerySet["StaffRequest"]):
    def waiting(self) -> Self:
        return self.filter(state=StaffRequest.State.WAITING)


class StaffRequest(models.Model):
    """An action that one member of staff asked for, and that another one approves or refuses."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waits for approval"
        DONE = "done", "Done"
        REFUSED = "refused", "Refused"
        WITHDRAWN = "withdrawn", "Withdrawn"
        VOID = "void", "Void"
        EXPIRED = "expired", "Expired"

    # A name in `savings.backoffice.ACTIONS`.
    action = models.CharField(max_length=30)
    # The idempotency key of what it posts.
    reference = models.CharField(max_length=20, unique=True)
    # What was asked for: ids, amounts in kobo and choices.
    values = models.JSONField(default=dict)
    # The facts it was made on. It is void once they have changed.
    facts = models.JSONField(default=dict)
    # What it posts: [debited account, credited account, kobo] of each entry.
    lines = models.JSONField(default=list)
    # What it changes, such as `transaction:12`: one waiting request each.
    subject = models.CharField(max_length=60)
    case = models.ForeignKey(Case, null=True, blank=True, on_delete=models.PROTECT, related_name="requests")
    # Whose money or account it changes; empty for the house's own.
    saver = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    asked_at = models.DateTimeField(default=timezone.now)
    reason = models.CharField(max_length=300)
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    # Who approved or refused it.
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    # Why it was refused or is void.
    answer = models.CharField(max_length=300, blank=True, default="")
    # What it posted; empty for actions that post nothing.
    transaction = models.OneToOneField(
        "savings.Transaction", null=True, blank=True, on_delete=models.PROTECT, related_name="staff_request"
    )

    objects = StaffRequestQuerySet.as_manager()

    class Meta:
        permissions = [
            ("ask_money", "Can ask for movements of savers’ money"),
            ("ask_treasury", "Can ask for postings of the house"),
            ("ask_product", "Can ask for changes of products"),
            ("decide_staffrequest", "Can approve and refuse requests"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("asked_by")),
                name="request_decided_by_another",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["done", "refused"]) | Q(decided_by__isnull=False),
                name="request_done_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", ended_at__isnull=True)
                | (~Q(state="waiting") & Q(ended_at__isnull=False)),
                name="request_ends_with_its_time",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="request_has_a_reason"),
            models.UniqueConstraint(
                fields=["subject"], condition=Q(state="waiting"), name="request_once_per_subject"
            ),
        ]
        indexes = [
            # The queue, and the sweep of those that expire.
            models.Index(fields=["expires_at"], name="request_waiting", condition=Q(state="waiting")),
            models.Index(fields=["saver", "-id"], name="request_by_saver", condition=Q(saver__isnull=False)),
            # What a member of staff has asked for, newest first.
            models.Index(fields=["asked_by", "-id"], name="request_by_asker"),
        ]

    def __str__(self) -> str:
        return f"request {self.pk}"

    @property
    def is_waiting(self) -> bool:
        return self.state == self.State.WAITING


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

    class Meta:
        indexes = [
            models.Index(fields=["staff", "-id"], name="audit_by_staff"),
            models.Index(fields=["saver", "-id"], name="audit_by_saver", condition=Q(saver__isnull=False)),
            models.Index(fields=["subject", "-id"], name="audit_by_subject", condition=~Q(subject="")),
            models.Index(fields=["verb", "-id"], name="audit_by_verb"),
            # The rows of a day.
            models.Index(fields=["at"], name="audit_by_day"),
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


class ProductChange(models.Model):
    """New terms of a product from a day on, which two people agreed on. Running plans keep theirs."""

    # Empty until a new product is made.
    product = models.ForeignKey(
        "savings.Product", null=True, blank=True, on_delete=models.PROTECT, related_name="changes"
    )
    # All terms by the name of the column, amounts in kobo and rates in basis points.
    terms = models.JSONField()
    # Pairs of the term in days from which a rate applies, and the rate in basis points.
    rates = models.JSONField()
    valid_from = models.DateField()
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    approved_at = models.DateTimeField(default=timezone.now)
    reason = models.CharField(max_length=300)
    applied_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(asked_by=F("approved_by")), name="product_change_by_two_people"
            ),
        ]
        indexes = [
            models.Index(
                fields=["valid_from", "id"], name="product_change_due", condition=Q(applied_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"product change {self.pk}"
