"""The accounts of the ledger: what customers own, and what the house has, owes, earns and spends."""

from __future__ import annotations

import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from savings.money import MOST_KOBO


class Account(models.Model):
    """A ledger account.

    Customers' accounts store their balance. The balances of house accounts are summed from entries, so that no row
    becomes a write hotspot. A balance is positive on the account's normal side.
    """

    class Kind(models.TextChoices):
        # Owed to customers.
        STASH = "stash", "Stash"
        PLAN = "plan", "Plan"
        HOLD = "hold", "Hold"
        # Assets of the house. Clearing: collected by the provider and not yet settled, less its fees. Provider balance:
        # the money from which the provider makes transfers. Receivable: owed by savers.
        CLEARING = "clearing", "Clearing"
        PROVIDER_BALANCE = "provider_balance", "Provider balance"
        BANK = "bank", "Bank"
        RECEIVABLE = "receivable", "Receivable"
        # Owed to others, or to customers who are not known or paid yet.
        SUSPENSE = "suspense", "Suspense"
        REFUNDS_DUE = "refunds_due", "Refunds due"
        INTEREST_PAYABLE = "interest_payable", "Interest payable"
        TAX_PAYABLE = "tax_payable", "Tax payable"
        VAT_PAYABLE = "vat_payable", "VAT payable"
        STAMP_DUTY_PAYABLE = "stamp_duty_payable", "Stamp duty payable"
        UNCLAIMED = "unclaimed", "Unclaimed money"
        # The house's own funds, its income and its expenses.
        CAPITAL = "capital", "Capital"
        PENALTY_INCOME = "penalty_income", "Penalty income"
        FEE_INCOME = "fee_income", "Fee income"
        INVESTMENT_INCOME = "investment_income", "Investment income"
        INTEREST_EXPENSE = "interest_expense", "Interest expense"
        PROVIDER_FEES = "provider_fees", "Provider fees"
        TRANSFER_COSTS = "transfer_costs", "Transfer costs"
        BANK_CHARGES = "bank_charges", "Bank charges"
        BAD_DEBTS = "bad_debts", "Bad debts"
        GOODWILL = "goodwill", "Goodwill"
        # Opening balances and errors: zero at the end of every month.
        ADJUSTMENTS = "adjustments", "Adjustments"

    CUSTOMER_KINDS = (Kind.STASH, Kind.PLAN, Kind.HOLD)
    ASSET_KINDS = (Kind.CLEARING, Kind.PROVIDER_BALANCE, Kind.BANK, Kind.RECEIVABLE)
    EXPENSE_KINDS = (
        Kind.INTEREST_EXPENSE,
        Kind.PROVIDER_FEES,
        Kind.TRANSFER_COSTS,
        Kind.BANK_CHARGES,
        Kind.BAD_DEBTS,
        Kind.GOODWILL,
    )
    # The kinds that a debit increases. A credit increases all others.
    DEBIT_KINDS = (*ASSET_KINDS, *EXPENSE_KINDS)

    kind = models.CharField(max_length=20, choices=Kind)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="accounts"
    )
    plan = models.OneToOneField(
        "savings.Plan", null=True, blank=True, on_delete=models.PROTECT, related_name="account"
    )
    # Where the house's money is: the provider of a clearing account or a provider balance, the name of a bank account;
    # empty for every other kind.
    provider = models.CharField(max_length=20, blank=True, default="")
    balance_kobo = models.BigIntegerField(null=True, blank=True)
    # The rate from the day `accrued_to` on. The rates of the days before are in `rate_periods`.
    rate_bps = models.PositiveIntegerField(default=0)
    # balance_kobo x rate_bps x days not yet posted as interest, up to the start of the day `accrued_to`. The day is an
    # ordinal (`date.toordinal()`), so that both databases can subtract it.
    accrued_numerator = models.BigIntegerField(default=0)
    accrued_to = models.IntegerField(default=0)
    # The first day without interest: a plan's maturity, or the last date there is.
    accrues_until = models.IntegerField(default=datetime.date.max.toordinal())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(balance_kobo__isnull=True) | Q(balance_kobo__gte=0),
                name="account_balance_not_negative",
            ),
            # SQLite silently turns an overflowing integer into a float. These two constraints refuse it.
            models.CheckConstraint(
                condition=Q(balance_kobo__isnull=True) | Q(balance_kobo__lte=MOST_KOBO),
                name="account_balance_exact",
            ),
            models.CheckConstraint(
                condition=Q(accrued_numerator__gte=0, accrued_numerator__lte=9 * 10**18),
                name="account_accrual_exact",
            ),
            models.CheckConstraint(
                condition=Q(kind="plan", user__isnull=False, plan__isnull=False, balance_kobo__isnull=False)
                | Q(
                    kind__in=["stash", "hold"],
                    user__isnull=False,
                    plan__isnull=True,
                    balance_kobo__isnull=False,
                )
                | (
                    ~Q(kind__in=["plan", "stash", "hold"])
                    & Q(user__isnull=True, plan__isnull=True, balance_kobo__isnull=True)
                ),
                name="account_owner_fits_kind",
            ),
            models.UniqueConstraint(
                fields=["user", "kind"],
                condition=Q(plan__isnull=True, user__isnull=False),
                name="account_once_per_user",
            ),
            models.UniqueConstraint(
                fields=["kind", "provider"], condition=Q(user__isnull=True), name="account_once_for_the_house"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"

    @property
    def is_customers(self) -> bool:
        return self.kind in self.CUSTOMER_KINDS

    @property
    def is_debit_normal(self) -> bool:
        """Whether a debit increases the account: what the house has, and what it spends."""
        return self.kind in self.DEBIT_KINDS


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
        return f"{self.rate_bps} bps from {datetime.date.fromordinal(self.from_day)}"


class ForfeitedInterest(models.Model):
    """Interest that a plan's account has earned and is not owed: that of money which was paid back.

    It is in addition to what the value date of the entry itself takes away, so it is negative where that was too much.
    """

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="forfeited_interest", db_index=False
    )
    # The refund or chargeback. For tax that was remitted and stays paid, the correction of interest.
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
        return f"{self.numerator}"


class TaxRate(models.Model):
    """The rate of withholding tax on interest posted from a day on, until the next rate begins.

    The rate of the day of posting applies: it is no term of a plan. Days before the first row have no tax.
    """

    from_on = models.DateField(unique=True)
    rate_bps = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(rate_bps__lte=10_000), name="tax_rate_at_most_100_percent"),
        ]

    def __str__(self) -> str:
        return f"{self.rate_bps} bps from {self.from_on}"

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
