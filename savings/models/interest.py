"""Interest: the rates of accounts and of tax by day, the postings of each period, and interest that is forfeited."""

from __future__ import annotations

import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from savings import money
from savings.models.accounts import Account
from savings.models.installation import ShownToAllQuerySet, shown_to_all


class RatePeriod(models.Model):
    """The rate at which a plan's account earns from a day on, until its next period begins.

    A change of the rate is a new row, so the interest of the past can be calculated again. An account without a row,
    which the release before this table opened, has earned at its `rate_bps` since it was opened.
    """

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="rate_periods", db_index=False
    )
    # An ordinal, as `Account.accrued_to`.
    from_day = models.IntegerField()
    rate_bps = models.PositiveIntegerField()

    class Meta:
        constraints = [
            # Also the index for an account's periods in order.
            models.UniqueConstraint(fields=["account", "from_day"], name="rate_period_once_per_day"),
            models.CheckConstraint(condition=Q(rate_bps__lte=10_000), name="rate_period_at_most_100_percent"),
        ]

    def __str__(self) -> str:
        return f"{money.percent(self.rate_bps)} from {datetime.date.fromordinal(self.from_day)}"


class ForfeitedInterest(models.Model):
    """Interest that a plan's account has earned and is not owed: that of money which was paid back or taken out early.

    Of money that was paid back it is in addition to what the value date of the entry itself takes away, so it is
    negative where that was too much. Of an early exit of a forfeiting plan it is the share of the interest not posted
    yet (`ledger.forfeit_share`), and negative in the exit's reversal. All of it was taken from
    `Account.accrued_numerator`, after the days before were added there. A correction of interest by staff has a row of
    the interest before tax, negative where it was given: it was posted without having been earned.
    """

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="forfeited_interest", db_index=False
    )
    # The refund or chargeback; the first transaction of an early exit, or its reversal. For tax that was remitted and
    # stays paid, the correction of interest.
    transaction = models.ForeignKey(
        "savings.Transaction", on_delete=models.PROTECT, related_name="forfeited_interest", db_index=False
    )
    # balance_kobo x rate_bps x days, as `Account.accrued_numerator`.
    numerator = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "forfeited interest"
        constraints = [
            models.CheckConstraint(condition=~Q(numerator=0), name="forfeited_interest_not_zero"),
        ]
        indexes = [
            # A refund that failed gives back what it took; a correction of interest reads what an account forfeited.
            models.Index(fields=["transaction"], name="forfeited_by_transaction"),
            models.Index(fields=["account"], name="forfeited_by_account"),
        ]

    def __str__(self) -> str:
        return money.naira(money.interest(self.numerator))


@shown_to_all
class TaxRate(models.Model):
    """The rate of withholding tax on interest posted from a day on, until the next rate begins.

    The rate of the day of posting applies: it is no term of a plan. Days before the first row have no tax.
    """

    from_on = models.DateField("first day", unique=True)
    rate_bps = models.PositiveIntegerField()

    objects = ShownToAllQuerySet["TaxRate"].as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(rate_bps__lte=10_000), name="tax_rate_at_most_100_percent"),
        ]

    def __str__(self) -> str:
        return f"{money.percent(self.rate_bps)} from {self.from_on}"

    def clean(self) -> None:
        """Refuse to change the rate of a day that has come: interest was posted at it."""
        today = timezone.localdate()
        if self.pk is not None and TaxRate.objects.filter(pk=self.pk, from_on__lte=today).exists():
            raise ValidationError("This rate has begun, and stays as it is. Add a rate from a later day.")
        is_first = not TaxRate.objects.exclude(pk=self.pk).exists()
        if self.from_on is not None and self.from_on <= today and not is_first:
            raise ValidationError(
                {"from_on": "Enter a day after today: interest was posted at the old rate."}
            )

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        if self.from_on <= timezone.localdate():
            raise ValidationError("This rate has begun, and stays as it is.")
        return super().delete(*args, **kwargs)


class InterestPosting(models.Model):
    """The interest of one account for one period: what was taken from its numerator, and the tax withheld from it.

    Each due period has one row, also when it comes to 0 kobo, so a period cannot be posted twice or left out unseen.
    """

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="interest_postings", db_index=False
    )
    # Ordinals, as `Account.accrued_to`. The period ends with the start of the day `period_end`.
    period_start = models.IntegerField()
    period_end = models.IntegerField()
    # The numerator accrued and not posted at the end of the period; what of it was posted, before tax; and the rest.
    numerator = models.BigIntegerField()
    gross_kobo = models.BigIntegerField()
    remainder = models.IntegerField()
    # The rate that was valid on the value day, the tax, and `Account.tax_remainder` after it.
    tax_rate_bps = models.PositiveIntegerField()
    tax_kobo = models.BigIntegerField()
    tax_remainder = models.PositiveSmallIntegerField()
    # NULL for an amount of 0 kobo.
    interest = models.OneToOneField(
        "savings.Transaction", null=True, on_delete=models.PROTECT, related_name="interest_posting"
    )
    tax = models.OneToOneField(
        "savings.Transaction", null=True, on_delete=models.PROTECT, related_name="tax_of_posting"
    )
    posted_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            # Also the index for an account's postings in order.
            models.UniqueConstraint(fields=["account", "period_end"], name="interest_once_per_period"),
            models.CheckConstraint(
                condition=Q(period_start__lte=F("period_end")), name="interest_period_in_order"
            ),
            models.CheckConstraint(
                condition=Q(
                    numerator=F("gross_kobo") * money.INTEREST_DENOMINATOR + F("remainder"),
                    gross_kobo__gte=0,
                    remainder__gte=0,
                    remainder__lt=money.INTEREST_DENOMINATOR,
                ),
                name="interest_numerator_divided",
            ),
            models.CheckConstraint(
                condition=Q(tax_kobo__gte=0, tax_kobo__lte=F("gross_kobo"), tax_remainder__lt=10_000),
                name="interest_tax_within_gross",
            ),
            models.CheckConstraint(
                condition=(
                    Q(interest__isnull=True, gross_kobo=0) | Q(interest__isnull=False, gross_kobo__gt=0)
                )
                & (Q(tax__isnull=True, tax_kobo=0) | Q(tax__isnull=False, tax_kobo__gt=0)),
                name="interest_transactions_fit_amounts",
            ),
        ]

    def __str__(self) -> str:
        return f"{money.naira(self.gross_kobo)} before {datetime.date.fromordinal(self.period_end)}"
