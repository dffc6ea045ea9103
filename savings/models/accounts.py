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
    # gross_kobo x rate_bps of tax that was not a whole kobo yet: 0 to 9,999. The next posting adds it.
    tax_remainder = models.PositiveSmallIntegerField(default=0, db_default=0)
    # The first of the month, as an ordinal, up to whose start interest is posted next. NULL where the next posting is
    # at maturity, and where none is to come: closed, matured, or not caught up yet (`post_missed_interest`).
    interest_due = models.IntegerField(null=True, blank=True)

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
                condition=Q(tax_remainder__lt=10_000), name="account_tax_remainder_below_one_kobo"
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
        indexes = [
            # The monthly posting of interest: the accounts of the earliest due day, in chunks.
            models.Index(
                fields=["interest_due", "id"],
                name="account_by_interest_due",
                condition=Q(interest_due__isnull=False),
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
