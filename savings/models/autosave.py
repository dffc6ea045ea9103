"""Auto-save: the rules by which savers set money aside, and the runs that carry them out."""

from __future__ import annotations

import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Source(models.TextChoices):
    """Where the money of a rule comes from."""

    STASH = "stash", "My stash"
    CARD = "card", "A saved card"


class AutosaveRuleQuerySet(models.QuerySet["AutosaveRule"]):
    def active(self) -> Self:
        return self.filter(status=AutosaveRule.Status.ACTIVE)

    def current(self) -> Self:
        """Rules that have not ended, in the order in which they were made."""
        return self.exclude(status=AutosaveRule.Status.ENDED).order_by("id")

    def due_by(self, day: datetime.date) -> Self:
        """Active rules whose next date is a day or before, by date."""
        return self.active().filter(next_on__lte=day).order_by("next_on", "id")


class AutosaveRule(models.Model):
    """A saver's instruction to pay an amount into a plan, or the stash, again and again or once.

    Every change is made under the lock of the owner's row.
    """

    class Every(models.TextChoices):
        ONCE = "once", "Once"
        DAY = "day", "Every day"
        WEEK = "week", "Every week"
        MONTH = "month", "Every month"

    class Status(models.TextChoices):
        ACTIVE = "active", "On"
        PAUSED = "paused", "Paused"
        ENDED = "ended", "Ended"

    class Reason(models.TextChoices):
        """Why a rule is paused or has ended."""

        SAVER = "saver", "Its saver chose so"
        DATE = "date", "Its last date has passed"
        GOAL = "goal", "The plan has reached its goal"
        CLOSED = "closed", "The plan is closed"
        MATURED = "matured", "The plan has matured"
        FULL = "full", "The plan is full"
        LEFT = "left", "Its saver left the circle"
        CIRCLE_ENDED = "circle_ended", "The circle has ended"
        CARD = "card", "The card cannot be charged"
        OWES = "owes", "Its saver owes money"
        DISPUTE = "dispute", "A payment of its saver is disputed"
        FAILED = "failed", "Three dates in a row failed"
        INACTIVE = "inactive", "The account of its saver was closed"
        FROZEN = "frozen", "The account of its saver is frozen"

    # The idempotency key of the form: a form sent twice makes one rule.
    reference = models.CharField(max_length=20, unique=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="autosave_rules", db_index=False
    )
    # Empty for the stash.
    plan = models.ForeignKey(
        "savings.Plan",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="autosave_rules",
        db_index=False,
    )
    source = models.CharField(max_length=5, choices=Source)
    card = models.ForeignKey(
        "savings.SavedCard",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="autosave_rules",
        db_index=False,
    )
    # Empty for a rule that pays in what the plan needs each month to reach its goal in time.
    amount_kobo = models.BigIntegerField(null=True, blank=True)
    every = models.CharField(max_length=5, choices=Every)
    # 0 is Monday. Set for a weekly rule.
    weekday = models.PositiveSmallIntegerField(null=True, blank=True)
    # 1 to 31, in shorter months the last day. Set for a monthly rule.
    month_day = models.PositiveSmallIntegerField("day of the month", null=True, blank=True)
    # The last possible date. Both may be set; what comes first ends the rule.
    until_on = models.DateField("until", null=True, blank=True)
    # The last payment is what is left to the goal, and ends the rule.
    until_goal = models.BooleanField("until the goal", default=False)
    status = models.CharField(max_length=6, choices=Status, default=Status.ACTIVE)
    reason = models.CharField(max_length=12, choices=Reason, blank=True, default="")
    # The next date that is not announced; empty while its last date runs, while it is paused, and after it has ended.
    next_on = models.DateField(null=True, blank=True)
    # The dates in a row that failed.
    failures = models.PositiveSmallIntegerField(default=0)
    # A goal that its saver knows to be reached: they resumed the rule after it. Kobo.
    past_goal_kobo = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = AutosaveRuleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_kobo__isnull=False, amount_kobo__gt=0)
                | Q(amount_kobo__isnull=True, every="month", plan__isnull=False),
                name="autosave_amount_or_what_is_missing",
            ),
            models.CheckConstraint(
                condition=Q(source="card", card__isnull=False)
                | Q(source="stash", card__isnull=True, plan__isnull=False),
                name="autosave_from_card_or_stash",
            ),
            models.CheckConstraint(
                condition=(
                    Q(every="week", weekday__isnull=False, weekday__lte=6)
                    | (~Q(every="week") & Q(weekday__isnull=True))
                )
                & (
                    Q(every="month", month_day__isnull=False, month_day__gte=1, month_day__lte=31)
                    | (~Q(every="month") & Q(month_day__isnull=True))
                ),
                name="autosave_day_fits_rhythm",
            ),
            models.CheckConstraint(
                condition=Q(status="active", reason="")
                | (Q(status__in=["paused", "ended"], next_on__isnull=True) & ~Q(reason="")),
                name="autosave_stopped_has_reason",
            ),
        ]
        indexes = [
            # The worker: active rules by their next date. With the id, so that the rows themselves are not read.
            models.Index(fields=["next_on", "id"], name="autosave_due", condition=Q(status="active")),
            # A user's rules, ended ones too.
            models.Index(fields=["user", "-id"], name="autosave_by_user"),
            # The rules of a plan that have not ended.
            models.Index(fields=["plan"], name="autosave_of_plan", condition=~Q(status="ended")),
            # The rules of a card that have not ended.
            models.Index(fields=["card"], name="autosave_of_card", condition=~Q(status="ended")),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def is_active(self) -> bool:
        return self.status == self.Status.ACTIVE

    @property
    def is_ended(self) -> bool:
        return self.status == self.Status.ENDED


class AutosaveRunQuerySet(models.QuerySet["AutosaveRun"]):
    def open(self) -> Self:
        """Runs that still wait, or whose transaction is on its way."""
        return self.filter(next_try_at__isnull=False)

    def due(self, now: datetime.datetime) -> Self:
        """Runs that have to be tried or looked at by a moment, the longest due first."""
        return self.open().filter(next_try_at__lte=now).order_by("next_try_at", "id")


class AutosaveRun(models.Model):
    """One date of a rule, with what was announced for it: that is what is charged, whatever becomes of the rule."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Announced"
        # A transaction is on its way, perhaps only its answer is missing.
        TRYING = "trying", "On its way"
        DONE = "done", "Saved"
        FAILED = "failed", "Failed"
        SKIPPED = "skipped", "Skipped"

    class Reason(models.TextChoices):
        """Why a run was skipped or failed. One that failed at the provider has the failure code of its transaction."""

        SAVER = "saver", "Skipped by its saver"
        STOPPED = "stopped", "The rule was paused or stopped"
        LATER = "later", "The next date came first"
        SHORT = "short", "Not enough in the stash"
        NOT_ALLOWED = "not_allowed", "Card or plan did not allow it"
        CHECKED = "checked", "The payment is being checked"
        CARD = "card", "The announced card can no longer be charged"

    rule = models.ForeignKey(AutosaveRule, on_delete=models.PROTECT, related_name="runs", db_index=False)
    due_on = models.DateField()
    amount_kobo = models.BigIntegerField()
    source = models.CharField(max_length=5, choices=Source)
    card = models.ForeignKey(
        "savings.SavedCard", null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    status = models.CharField(max_length=7, choices=Status, default=Status.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    # The day of the first try, from which the later ones are counted.
    tried_on = models.DateField(null=True, blank=True)
    # When to try, or to look at the transaction on its way; empty once it has ended.
    next_try_at = models.DateTimeField(null=True, blank=True)
    # Why the last try failed, or why it was skipped: a `Reason`, or the failure code of its transaction.
    reason = models.CharField(max_length=40, blank=True, default="")
    # When its saver was told of it; empty where that was not possible, after an outage.
    announced_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = AutosaveRunQuerySet.as_manager()

    class Meta:
        constraints = [
            # The same date never runs twice. Also the index for the history of a rule.
            models.UniqueConstraint(fields=["rule", "due_on"], name="autosave_once_per_date"),
            models.CheckConstraint(condition=Q(amount_kobo__gt=0), name="autosave_run_amount_above_zero"),
            models.CheckConstraint(
                condition=Q(source="card", card__isnull=False) | Q(source="stash", card__isnull=True),
                name="autosave_run_from_card_or_stash",
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=["waiting", "trying"], next_try_at__isnull=False, ended_at__isnull=True
                )
                | Q(
                    status__in=["done", "failed", "skipped"], next_try_at__isnull=True, ended_at__isnull=False
                ),
                name="autosave_run_open_is_tried",
            ),
        ]
        indexes = [
            # The worker: runs to try or to look at.
            models.Index(
                fields=["next_try_at"], name="autosave_run_due", condition=Q(next_try_at__isnull=False)
            ),
            # The filter of staff by state, newest first.
            models.Index(
                fields=["status", "-id"],
                name="autosave_run_not_done",
                condition=Q(status="failed") | Q(status="skipped"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.due_on}"

    @property
    def is_open(self) -> bool:
        return self.next_try_at is not None
