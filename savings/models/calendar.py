"""The private calendar feeds of savers."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone


class CalendarFeed(models.Model):
    """A saver's feed for their calendar program. Its URL is the key; a new `nonce` is a new URL, no row is no feed."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="calendar_feed"
    )
    nonce = models.CharField(max_length=32)
    shows_amounts = models.BooleanField("amounts in the calendar", default=False)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"feed of {self.user_id}"
