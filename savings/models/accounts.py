"""The accounts of the ledger: what customers own, and what the house has, owes, earns and spends."""

from __future__ import annotations

import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from savings.money import MOST_KOBO


class Account(models.Model):
    """A ledger account.

    Customers' accounts store their balance. The balances of house accounts are summed from entries, so that no row
    becomes a write hotspot.
    """

    class Kind(models.TextChoices):
        STASH = "stash", "Stash"
        PLAN = "plan", "Plan"
        HOLD = "hold", "Hold"
        CLEARING = "clearing", "Clearing"
        INTEREST_EXPENSE = "interest_expense", "Interest expense"
        TAX_PAYABLE = "tax_payable", "Tax payable"
        PENALTY_INCOME = "penalty_income", "Penalty income"
        FEE_INCOME = "fee_income", "Fee income"
        SUSPENSE = "suspense", "Suspense"
        ADJUSTMENTS = "adjustments", "Adjustments"

    CUSTOMER_KINDS = (Kind.STASH, Kind.PLAN, Kind.HOLD)

    kind = models.CharField(max_length=20, choices=Kind)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="accounts"
    )
    plan = models.OneToOneField(
        "savings.Plan", null=True, blank=True, on_delete=models.PROTECT, related_name="account"
    )
    # The payment provider of a clearing account; empty for every other kind.
    provider = models.CharField(max_length=20, blank=True, default="")
    balance_kobo = models.BigIntegerField(null=True, blank=True)
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
