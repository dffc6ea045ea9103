"""Stored facts about leaderboards: their past days, the first ranks at the last check, and lines of the weekly mail."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from savings.models.circles import Circle, Membership


class BoardDay(models.Model):
    """A circle's leaderboard at the end of a day: enough of it to estimate any member's rank, in one small row."""

    circle = models.ForeignKey(Circle, on_delete=models.CASCADE, related_name="board_days", db_index=False)
    day = models.DateField()
    # The moment of the snapshot, soon after the end of the day. A member's own amount is calculated up to it.
    taken_at = models.DateTimeField()
    size = models.PositiveIntegerField()
    # Pairs of a rank and its score (kobo), best first: every score of the first ranks, then fewer and fewer.
    marks = models.JSONField()

    class Meta:
        constraints = [
            # Also the index of a circle's days in order.
            models.UniqueConstraint(fields=["circle", "day"], name="board_day_once"),
        ]
        verbose_name = "leaderboard of a day"
        verbose_name_plural = "leaderboards by day"

    def __str__(self) -> str:
        return f"{self.day} of circle {self.circle_id}"


class ToldPlaces(models.Model):
    """The first ranks of a circle when its members were last mailed. The next mail reports the changes since."""

    circle = models.OneToOneField(Circle, on_delete=models.CASCADE, related_name="told_places")
    # For each line of the leaderboard, best first: the membership's id, its rank, its amount in kobo.
    lines = models.JSONField(default=list)

    class Meta:
        verbose_name = verbose_name_plural = "ranks at the last mail"

    def __str__(self) -> str:
        return f"ranks of circle {self.circle_id}"


class DigestLine(models.Model):
    """One circle in a user's next weekly mail. Deleted as soon as that mail is in the outbox."""

    # The index on `user` serves the batches: users in order, each with all their circles.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="digest_lines")
    membership = models.OneToOneField(Membership, on_delete=models.CASCADE, related_name="digest_line")
    week = models.DateField()
    # The ranks at the end and at the start of the week. NULL without savings or off the leaderboard.
    place = models.IntegerField("rank", null=True)
    place_before = models.IntegerField("rank before", null=True)
    change_kobo = models.BigIntegerField()

    class Meta:
        verbose_name = "line of a weekly mail"
        verbose_name_plural = "lines of weekly mails"

    def __str__(self) -> str:
        return f"week of {self.week}, membership {self.membership_id}"
