"""What this database was set up with and must keep: one row."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Installation(models.Model):
    """The settings that every amount and every day in this database depends on. Empty until there is money."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    currency = models.CharField(max_length=3, blank=True, default="", db_default="")
    time_zone = models.CharField(max_length=64, blank=True, default="", db_default="")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="installation_once")]

    def __str__(self) -> str:
        return "This installation"
