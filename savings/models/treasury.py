"""Postings that staff make for the house, closed months, and the daily coverage."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from savings import money


class ManualPosting(models.Model):
    """Why a transaction was posted by hand, who asked for it and who approved it: two different people."""

    transaction = models.OneToOneField(
        "savings.Transaction", on_delete=models.PROTECT, related_name="manual_posting"
    )
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300)
    # The number of a receipt, a bank statement's line or a ticket.
    document = models.CharField(max_length=100, blank=True, default="")
    # The first day of the month that a remittance of tax, VAT or duty is for.
    period_on = models.DateField("month of the remittance", null=True, blank=True)
    posted_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(asked_by=F("approved_by")), name="manual_posting_by_two_people"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="manual_posting_has_a_reason"),
        ]

    def __str__(self) -> str:
        return self.reason


class ClosedMonth(models.Model):
    """A month whose entries are final: nothing may be posted into it, and its sums are stored with a hash."""

    # The first day of the month.
    month_on = models.DateField("month", unique=True)
    # The first moment after the month. A trigger refuses entries with an earlier `posted_at`.
    ends_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(default=timezone.now)
    # The newest entry of the month.
    last_entry_id = models.BigIntegerField()
    # For each account of the house, and for each product's plans, the stashes and the holds: [key, opening, debits,
    # credits, closing] in kobo, positive on the normal side. The key is that of a line of the trial balance.
    lines = models.JSONField()
    # SHA-256 of the lines and of the hash of the month before.
    digest = models.CharField("hash", max_length=64)

    def __str__(self) -> str:
        return f"{self.month_on:%Y-%m}"


class CoverageDay(models.Model):
    """The money owed at the end of a day, and the money there was to pay it. Kobo."""

    day_on = models.DateField("day", unique=True)
    as_of = models.DateTimeField()
    owed_kobo = models.BigIntegerField()
    held_kobo = models.BigIntegerField()
    # [name, kobo] of each line, owed ones first.
    owed = models.JSONField()
    held = models.JSONField()

    class Meta:
        verbose_name = verbose_name_plural = "daily coverage"

    def __str__(self) -> str:
        return f"{self.day_on}"

    @property
    def covered_bps(self) -> int | None:
        """The covered share of what is owed in basis points, rounded down; None while nothing is owed."""
        return money.ratio_bps(self.held_kobo, self.owed_kobo) if self.owed_kobo else None
