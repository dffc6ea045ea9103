"""The scheduled jobs as staff see them, and the balances that one of them stores each night."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class JobRun(models.Model):
    """The latest run of a scheduled job, and how often it has run and failed."""

    job = models.CharField(max_length=60, unique=True)
    started_at = models.DateTimeField()
    # Empty while it runs, and after a run that was killed.
    ended_at = models.DateTimeField(null=True, blank=True)
    duration_ms = models.PositiveBigIntegerField(default=0)
    # What the latest run got done; empty for a job that does not count.
    rows_done = models.BigIntegerField(null=True, blank=True)
    runs = models.PositiveBigIntegerField(default=0)
    failures = models.PositiveBigIntegerField(default=0)
    failed_at = models.DateTimeField(null=True, blank=True)
    # The error of the latest failure.
    error = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["job"]

    def __str__(self) -> str:
        return self.job

    @property
    def has_failed(self) -> bool:
        """Whether the latest run failed. A run that goes on has not failed yet."""
        return self.failed_at is not None and self.failed_at >= self.started_at


class BalanceDay(models.Model):
    """The balances of the plans of one product, or of all stashes, at the end of a local day."""

    day_on = models.DateField()
    # Empty for the stashes.
    product = models.ForeignKey(
        "savings.Product", null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    # The accounts that held money.
    accounts = models.BigIntegerField()
    balance_kobo = models.BigIntegerField()

    class Meta:
        verbose_name = "balances of a day"
        verbose_name_plural = "balances by day"
        constraints = [
            models.UniqueConstraint(
                fields=["day_on", "product"],
                condition=Q(product__isnull=False),
                name="balance_day_once_per_product",
            ),
            models.UniqueConstraint(
                fields=["day_on"], condition=Q(product__isnull=True), name="balance_day_once_for_stashes"
            ),
            models.CheckConstraint(
                condition=Q(accounts__gte=0, balance_kobo__gte=0), name="balance_day_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product or 'stashes'} on {self.day_on}"
