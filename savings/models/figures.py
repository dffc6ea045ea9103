"""What staff read without counting: the money of each day, and the proofs of the books."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class MoneyDay(models.Model):
    """The money that came in and went out on a local day, and how its payments and withdrawals ended."""

    day_on = models.DateField(unique=True)
    counted_at = models.DateTimeField()
    # What the provider collected, and what went to banks and back to cards.
    in_kobo = models.BigIntegerField(default=0)
    out_kobo = models.BigIntegerField(default=0)
    # Card payments that were begun on the day, by how they ended. Those on their way are in neither.
    payments_paid = models.PositiveIntegerField(default=0)
    payments_failed = models.PositiveIntegerField(default=0)
    # Withdrawals that were asked for on the day. Those that were cancelled are in neither.
    payouts_paid = models.PositiveIntegerField(default=0)
    payouts_failed = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = "money of a day"
        verbose_name_plural = "money by day"
        constraints = [
            models.CheckConstraint(
                condition=Q(in_kobo__gte=0, out_kobo__gte=0), name="money_day_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"money of {self.day_on}"


class LedgerProofQuerySet(models.QuerySet["LedgerProof"]):
    def ended(self) -> Self:
        return self.filter(ended_at__isnull=False)


class LedgerProof(models.Model):
    """One run of all checks of the ledger: what started it, how far it is, and what it found."""

    # The page of staff; any other command is a command line.
    PAGE = "Ledger health"

    began_at = models.DateTimeField(default=timezone.now)
    # Empty while it runs.
    ended_at = models.DateTimeField(null=True, blank=True)
    # What started it: a command line, or the page of staff.
    command = models.CharField(max_length=60)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    # The checks in the order of the run: the name, when it ended, its seconds, and the first rows that break the rule.
    results: models.JSONField[Any, list[dict[str, Any]]] = models.JSONField(default=list, blank=True)
    wrong = models.PositiveIntegerField(default=0)
    # Why it stopped before its last check; empty if it did not.
    error = models.CharField(max_length=300, blank=True, default="")

    objects = LedgerProofQuerySet.as_manager()

    class Meta:
        constraints = [
            # Each reads every entry, so the page starts one at a time.
            models.UniqueConstraint(
                fields=["command"],
                condition=Q(ended_at__isnull=True, command="Ledger health"),
                name="proof_one_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"proof {self.pk}"

    @property
    def is_right(self) -> bool:
        """Whether all checks ran and found nothing."""
        return self.ended_at is not None and not self.wrong and not self.error
