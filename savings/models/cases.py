"""Cases, which a person has to decide, and the notes of staff about them and about savers."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
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
