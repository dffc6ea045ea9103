"""Rows that a task failed to process: the reason, and when they are tried again."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Postponement(models.Model):
    """One row that failed in one task. Deleted once the row is processed."""

    # The name of the work, such as `mature_plan`, and the id of the row: a plan, circle, payment, membership, ...
    task = models.CharField(max_length=40)
    row_id = models.BigIntegerField()
    failures = models.PositiveIntegerField(default=1)
    reason = models.CharField(max_length=300)
    first_failed_at = models.DateTimeField(default=timezone.now)
    retry_at = models.DateTimeField()

    class Meta:
        constraints = [
            # Also the index of a task's postponed rows.
            models.UniqueConstraint(fields=["task", "row_id"], name="postponement_once_per_row"),
        ]

    def __str__(self) -> str:
        return f"{self.task} {self.row_id}"
