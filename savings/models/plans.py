"""Savings products, which staff manage, and the plans that users open from them."""

from __future__ import annotations

import datetime
from typing import Self

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import ngettext

from savings import money, typed_text
from savings.models.installation import ShownToAllQuerySet, shown_to_all
from savings.models.interest import InterestPosting
from savings.models.keys import Keyed, KeyedQuerySet, KeyField


class EarlyExit(models.TextChoices):
    """The conditions for taking money out before maturity."""

    FREE = "free", "Any time"
    PENALTY = "penalty", "With a penalty"
    FORFEIT = "forfeit", "Without the interest on that amount"
    BLOCKED = "blocked", "Not before maturity"


class InterestPaid(models.TextChoices):
    MONTHLY = "monthly", "Monthly"
    AT_MATURITY = "maturity", "At maturity"


class ProductQuerySet(ShownToAllQuerySet["Product"]):
    def offered(self) -> Self:
        """Products from which a plan can be opened today: offered, and with a rate for the shortest term."""
        shortest_days = Coalesce(OuterRef("min_term_days"), 0)
        rates = ProductRate.objects.filter(product=OuterRef("pk"), from_days__lte=shortest_days)
        return self.filter(Exists(rates), is_offered=True)


@shown_to_all
class Product(models.Model):
    """A kind of plan that users can open, with its terms. Staff manage products."""

    class Kind(models.TextChoices):
        FLEXIBLE = "flexible", "Flexible"
        TARGET = "target", "Target"
        LOCKED = "locked", "Locked"
        EMERGENCY = "emergency", "Emergency"

    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(max_length=40, unique=True)
    description = models.CharField(max_length=120)
    # Days from start to maturity. Both empty: the plan has no maturity. The maximum is a hundred years: later dates can
    # exceed the calendar. Not a constraint, because SQLite cannot rebuild a table that triggers read.
    min_term_days = models.PositiveIntegerField(null=True, blank=True)
    max_term_days = models.PositiveIntegerField(null=True, blank=True, validators=[MaxValueValidator(36_525)])
    min_target_kobo = models.BigIntegerField(default=10_000_00)
    early_exit = models.CharField(max_length=10, choices=EarlyExit, default=EarlyExit.FREE)
    penalty_bps = models.PositiveIntegerField(default=0)
    # At most a year.
    notice_hours = models.PositiveIntegerField(default=0, validators=[MaxValueValidator(8_760)])
    interest_paid = models.CharField(max_length=10, choices=InterestPaid, default=InterestPaid.MONTHLY)
    is_offered = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)

    objects = ProductQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(min_term_days__isnull=True, max_term_days__isnull=True)
                | Q(min_term_days__gt=0, max_term_days__gte=models.F("min_term_days")),
                name="product_term_in_order",
            ),
            models.CheckConstraint(condition=Q(penalty_bps__lt=10_000), name="product_penalty_below_all"),
            # Posted interest is never taken back by an exit, so only a plan that posts at maturity can forfeit its own.
            models.CheckConstraint(
                condition=~Q(early_exit="forfeit") | Q(interest_paid="maturity"),
                name="product_forfeits_at_maturity",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_term(self) -> bool:
        return self.min_term_days is not None

    @property
    def needs_target(self) -> bool:
        return self.kind == self.Kind.TARGET


@shown_to_all
class ProductRate(models.Model):
    """The yearly rate of a product from a term on. The largest `from_days` within the term applies."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="rates")
    from_days = models.PositiveIntegerField(default=0)
    rate_bps = models.PositiveIntegerField()

    objects = ShownToAllQuerySet["ProductRate"].as_manager()

    class Meta:
        ordering = ["from_days"]
        constraints = [
            models.UniqueConstraint(fields=["product", "from_days"], name="product_rate_once_per_term"),
            models.CheckConstraint(
                condition=Q(rate_bps__lte=10_000), name="product_rate_at_most_100_percent"
            ),
        ]

    def __str__(self) -> str:
        days = ngettext("%(days)d day", "%(days)d days", self.from_days) % {"days": self.from_days}
        return f"{money.percent(self.rate_bps)} from {days}"


class CopiedTerms(models.Model):
    """A copy of the product's terms on the day the plan or circle started. Later edits of the product do not change it.

    A trigger copies the terms from the product when an INSERT omits them, as the release before these columns does.
    """

    product_name = models.CharField(max_length=40, blank=True, default="", db_default="")
    product_kind = models.CharField(
        max_length=10, choices=Product.Kind, blank=True, default="", db_default=""
    )
    # Days from start to maturity. Both empty: no maturity.
    min_term_days = models.PositiveIntegerField(null=True, blank=True)
    max_term_days = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def has_term(self) -> bool:
        return self.min_term_days is not None

    @property
    def needs_target(self) -> bool:
        return self.product_kind == Product.Kind.TARGET


class PlanQuerySet(KeyedQuerySet["Plan"]):
    def open(self) -> Self:
        return self.filter(closed_at__isnull=True)

    def closed(self) -> Self:
        return self.filter(closed_at__isnull=False)

    def running(self, today: datetime.date) -> Self:
        """Open plans that have not matured."""
        return self.open().filter(Q(matures_on__isnull=True) | Q(matures_on__gt=today))

    def matured(self, today: datetime.date) -> Self:
        """Open plans that have matured; those that begin a new term run again."""
        return self.open().filter(matures_on__lte=today)

    def with_balance(self) -> Self:
        """Join the ledger account, which stores the balance, and the membership and circle of the plan, if any."""
        return self.select_related("account", "membership__circle")

    def with_last_interest(self) -> Self:
        """Add the last interest that was posted and not reversed: `last_interest_kobo` and `last_interest_until`.

        They are the amount after tax and the ordinal of the day with which its period ended, None without a posting. As
        subqueries of the plan's own query, they cost a page no query more.
        """
        posted = InterestPosting.objects.filter(
            account__plan=OuterRef("pk"), interest__status="success"
        ).order_by("-period_end")
        return self.annotate(
            last_interest_kobo=Subquery(posted.values(net=F("gross_kobo") - F("tax_kobo"))[:1]),
            last_interest_until=Subquery(posted.values("period_end")[:1]),
        )


class Plan(CopiedTerms, Keyed):
    """The savings of one user under one name, on the product's terms of the day it started.

    A trigger refuses an update that moves `matures_on` to an earlier day.
    """

    class AtMaturity(models.TextChoices):
        STASH = "stash", "Move to my stash"
        # The interest of the term goes to the stash.
        ROLLOVER = "rollover", "Start again without the interest"
        COMPOUND = "compound", "Start again with the interest"

    # The plan begins a new term, as long as the last one and at the same rate.
    RENEWING = (AtMaturity.ROLLOVER, AtMaturity.COMPOUND)

    class InterestTo(models.TextChoices):
        PLAN = "plan", "Into the plan"
        STASH = "stash", "To my stash"

    # The idempotency key of the form that opened it: a form sent twice opens one plan.
    reference = models.CharField(max_length=20, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="plans")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="plans")
    name = models.CharField(max_length=60)
    # The key for comparing names; see `savings.typed_text`.
    name_key = KeyField("name", typed_text.key)
    target_kobo = models.BigIntegerField(null=True, blank=True)
    # The highest goal that the balance has reached so far; see `savings.plans.goals`.
    reached_kobo = models.BigIntegerField(null=True, blank=True, editable=False)
    rate_bps = models.PositiveIntegerField()
    early_exit = models.CharField(max_length=10, choices=EarlyExit)
    penalty_bps = models.PositiveIntegerField(default=0)
    notice_hours = models.PositiveIntegerField(default=0)
    interest_paid = models.CharField(max_length=10, choices=InterestPaid)
    at_maturity = models.CharField(max_length=10, choices=AtMaturity, default=AtMaturity.STASH)
    # Where monthly interest goes. That of a plan in a circle always goes to the stash.
    interest_to = models.CharField(
        max_length=10, choices=InterestTo, default=InterestTo.PLAN, db_default=InterestTo.PLAN
    )
    # Whether the owner wants interest on this plan; see also `User.earns_interest`.
    earns_interest = models.BooleanField(default=True, db_default=True)
    started_on = models.DateField()
    matures_on = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = PlanQuerySet.as_manager()

    # Set by `with_last_interest`.
    last_interest_kobo: int | None = None
    last_interest_until: int | None = None
    # Set by the annotations of `savings.autosave.filling_columns`.
    fill_on: datetime.date | None = None
    fill_day: int | None = None
    fill_kobo: int | None = None

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "name_key"],
                condition=Q(closed_at__isnull=True),
                name="plan_name_once_per_user",
            ),
            models.CheckConstraint(
                condition=Q(target_kobo__isnull=True) | Q(target_kobo__gt=0), name="plan_target_above_zero"
            ),
            models.CheckConstraint(
                condition=Q(matures_on__isnull=True) | Q(matures_on__gt=models.F("started_on")),
                name="plan_matures_after_start",
            ),
        ]
        indexes = [
            # The search of staff by the beginning of a name.
            models.Index(fields=["name_key"], name="plan_by_name", opclasses=["text_pattern_ops"]),
            # The filter of staff by state: closed plans, and those that may have matured.
            models.Index(fields=["-id"], name="plan_closed", condition=Q(closed_at__isnull=False)),
            models.Index(
                fields=["-id", "matures_on"],
                name="plan_with_maturity",
                condition=Q(closed_at__isnull=True, matures_on__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_closed(self) -> bool:
        return self.closed_at is not None

    @property
    def pays_monthly(self) -> bool:
        """Whether interest is posted each month. A plan without a maturity has no other day for it."""
        return self.interest_paid == InterestPaid.MONTHLY or self.matures_on is None

    def is_matured(self, today: datetime.date) -> bool:
        return self.matures_on is not None and self.matures_on <= today
