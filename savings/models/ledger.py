"""The transactions that users see, and the entries between accounts that carry them out."""

from __future__ import annotations

import datetime
import hashlib
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Case, F, OuterRef, Q, Subquery, When
from django.db.models.functions import Coalesce
from django.db.models.lookups import IsNull
from django.utils import timezone

from savings import money
from savings.models.accounts import Account
from savings.models.local_days import end_of, start_of

# A superset of the stash's transactions: card payments into a plan and penalties never touch the stash. The condition
# of an index can only use columns of its own row; for the other kinds `of_stash` looks at the entries. Not `kind__in`,
# because SQLite does not match a list of parameters with the condition of an index.
_NEAR_STASH = Q(plan__isnull=True) | ~Q(kind="top_up") & ~Q(kind="penalty")


class TransactionQuerySet(models.QuerySet["Transaction"]):
    def successful(self) -> Self:
        return self.filter(status=Transaction.Status.SUCCESS)

    def pending(self) -> Self:
        return self.filter(status=Transaction.Status.PENDING)

    def in_review(self) -> Self:
        return self.filter(status=Transaction.Status.REVIEW)

    def of_stash(self) -> Self:
        """Transactions that move, or will move, money into or out of the stash, with reversals and diversions."""
        on_stash = Entry.objects.filter(transaction=OuterRef("pk")).filter(
            Q(debit_account__kind=Account.Kind.STASH) | Q(credit_account__kind=Account.Kind.STASH)
        )
        moves = [Transaction.Kind.PLAN_TO_STASH, Transaction.Kind.STASH_TO_PLAN]
        # A scalar subquery and not EXISTS, for which PostgreSQL may read the stash entries of all users.
        has_entry = IsNull(Subquery(on_stash.values("pk")[:1]), False)  # noqa: FBT003 - Django's
        return self.filter(_NEAR_STASH).filter(Q(plan__isnull=True) | Q(kind__in=moves) | Q(has_entry))

    def with_moved(self) -> Self:
        """Transactions with `moved_kobo`: the amount, and of a fee and of its return also the VAT and stamp duty."""
        of_fee = Q(kind=Transaction.Kind.FEE) | Q(reverses__kind=Transaction.Kind.FEE)
        moved = Entry.objects.filter(transaction=OuterRef("pk"), code__in=Entry.SETS_ASIDE)
        in_all = Coalesce(Subquery(moved.order_by("id").values("amount_kobo")[:1]), F("amount_kobo"))
        return self.annotate(moved_kobo=Case(When(of_fee, then=in_all), default=F("amount_kobo")))

    def between(self, since: datetime.date | None, until: datetime.date | None) -> Self:
        """Transactions created from the start of one local day to the end of another. Either may be None."""
        rows = self
        if since is not None:
            rows = rows.filter(created_on__gte=start_of(since))
        if until is not None:
            rows = rows.filter(created_on__lt=end_of(until))
        return rows


class Transaction(models.Model):
    """A movement of money as users see it: requested, pending or done."""

    class Kind(models.TextChoices):
        TOP_UP = "top_up", "Card top-up"
        STASH_DEPOSIT = "stash_deposit", "Added to stash"
        STASH_WITHDRAWAL = "stash_withdrawal", "Withdrawal"
        PLAN_TO_STASH = "plan_to_stash", "Plan to stash"
        STASH_TO_PLAN = "stash_to_plan", "Stash to plan"
        AUTOSAVE = "autosave", "Auto-save"
        INTEREST = "interest", "Interest"
        TAX_WITHHELD = "tax_withheld", "Tax withheld"
        PENALTY = "penalty", "Early exit penalty"
        FEE = "fee", "Fee"
        REVERSAL = "reversal", "Reversal"
        REFUND = "refund", "Refund"
        CHARGEBACK = "chargeback", "Chargeback"
        INTEREST_CORRECTION = "interest_correction", "Interest correction"
        # A saver's debt paid from the stash.
        REPAYMENT = "repayment", "Repayment"
        WRITE_OFF = "write_off", "Write-off"
        # Money between accounts of the house alone.
        TREASURY = "treasury", "Treasury"
        ADJUSTMENT = "adjustment", "Adjustment"

    class Status(models.TextChoices):
        PENDING = "pending", "On its way"
        SUCCESS = "success", "Done"
        FAILED = "failed", "Failed"
        ABANDONED = "abandoned", "Not finished"
        REVIEW = "review", "Being checked"
        REVERSED = "reversed", "Reversed"
        # A review whose money in suspense is all credited or given back, by transactions that are parts of it.
        CLOSED = "closed", "Checked"

    # The unique constraint is also the index for the lookup of every webhook and receipt.
    reference = models.CharField(max_length=20, unique=True)
    kind = models.CharField(max_length=20, choices=Kind)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    amount_kobo = models.BigIntegerField()
    # Empty only for incoming money without a known owner, which is in suspense.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="transactions",
        db_index=False,
    )
    plan = models.ForeignKey(
        "savings.Plan",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="transactions",
        db_index=False,
    )
    created_on = models.DateTimeField(default=timezone.now)
    settled_on = models.DateTimeField(null=True, blank=True)
    failure_code = models.CharField(max_length=40, blank=True, default="")
    reverses = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="reversed_by"
    )
    # The transaction whose payment a refund or chargeback gives back, in whole or in part.
    refunds = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="refunded_by", db_index=False
    )
    # The first transaction of a family: these settle in one commit, and are reversed in one.
    part_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="parts", db_index=False
    )

    # The date of an auto-save rule for which this transaction is a try.
    autosave_run = models.ForeignKey(
        "savings.AutosaveRun",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="transactions",
        db_index=False,
    )

    objects = TransactionQuerySet.as_manager()

    class Meta:
        constraints = [
            # A date of an auto-save rule saves once: a further try follows only one that is known to have failed. Also
            # the index for the transaction of a run.
            models.UniqueConstraint(
                fields=["autosave_run"],
                condition=Q(autosave_run__isnull=False)
                & Q(status__in=["pending", "success", "review", "closed", "reversed"]),
                name="transaction_once_per_autosave_run",
            ),
            models.CheckConstraint(condition=Q(amount_kobo__gt=0), name="transaction_amount_above_zero"),
            models.CheckConstraint(
                condition=Q(status__in=["success", "reversed"], settled_on__isnull=False)
                | (~Q(status__in=["success", "reversed"]) & Q(settled_on__isnull=True)),
                name="transaction_settled_when_successful",
            ),
        ]
        indexes = [
            # A user's activity, newest first, in keyset pages.
            models.Index(fields=["user", "-id"], name="transaction_by_user"),
            # The stash's activity, newest first. The index above would read all other transactions of the user, too.
            models.Index(fields=["user", "-id"], name="transaction_near_stash", condition=_NEAR_STASH),
            # A plan's activity, newest first, in keyset pages.
            models.Index(fields=["plan", "-id"], name="transaction_by_plan"),
            # The sweep that asks the provider about payments without an event.
            models.Index(
                fields=["created_on"], name="transaction_pending_by_age", condition=Q(status="pending")
            ),
            # The staff's list of transactions in review, newest first.
            models.Index(fields=["-id"], name="transaction_in_review", condition=Q(status="review")),
            # The refunds and chargebacks of a payment.
            models.Index(fields=["refunds"], name="transaction_refunds", condition=Q(refunds__isnull=False)),
            # The tries of a date of an auto-save rule.
            models.Index(
                fields=["autosave_run"],
                name="transaction_autosave_tries",
                condition=Q(autosave_run__isnull=False),
            ),
            # A family, which is reversed together.
            models.Index(fields=["part_of"], name="transaction_parts", condition=Q(part_of__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def is_settled(self) -> bool:
        return self.status in {self.Status.SUCCESS, self.Status.REVERSED}


class Entry(models.Model):
    """One balanced posting: a debit and a credit of one amount in one row. A trigger makes the table append-only."""

    class Code(models.TextChoices):
        PRIMARY = "primary", "Posting"
        HOLD = "hold", "Hold"
        RELEASE = "release", "Release of the hold"
        SUSPENSE = "suspense", "Suspense"
        COST = "cost", "Provider's fee"
        VAT = "vat", "VAT"
        DUTY = "duty", "Stamp duty"

    # The steps that set aside what leaves, or give it back: of a fee with its VAT and stamp duty.
    SETS_ASIDE = (Code.HOLD, Code.RELEASE)

    transaction = models.ForeignKey(
        Transaction, on_delete=models.PROTECT, related_name="entries", db_index=False
    )
    # The step of the transaction. Unique together with it, so that each step happens at most once.
    code = models.CharField(max_length=10, choices=Code)
    debit_account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="debits", db_index=False
    )
    credit_account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="credits", db_index=False
    )
    amount_kobo = models.BigIntegerField()
    # The balance of each customer account after this entry; empty for a house account.
    debit_balance_kobo = models.BigIntegerField(null=True, blank=True)
    credit_balance_kobo = models.BigIntegerField(null=True, blank=True)
    posted_at = models.DateTimeField(default=timezone.now)
    # The day from which the entry counts for interest. NULL in rows that the release before this column wrote: the
    # local day of `posted_at`.
    value_on = models.DateField("value date", null=True, blank=True)

    class Meta:
        verbose_name_plural = "entries"
        constraints = [
            # Also the index for the entries of a transaction.
            models.UniqueConstraint(fields=["transaction", "code"], name="entry_once_per_step"),
            models.CheckConstraint(condition=Q(amount_kobo__gt=0), name="entry_amount_above_zero"),
            models.CheckConstraint(
                condition=~Q(debit_account=F("credit_account")), name="entry_between_two_accounts"
            ),
        ]
        indexes = [
            # An account's entries in order: balance over time, proof tables, the ledger check.
            models.Index(fields=["debit_account", "id"], name="entry_by_debit_account"),
            models.Index(fields=["credit_account", "id"], name="entry_by_credit_account"),
        ]

    def __str__(self) -> str:
        return f"{self.get_code_display()} {money.naira(self.amount_kobo)}"

    @property
    def value_day(self) -> datetime.date:
        """The day from which the entry counts for interest."""
        return self.value_on or timezone.localdate(self.posted_at)


# The alphabet of references and of the codes of statements: Crockford base 32.
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# The first three letters of a reference, by the kind of its transaction.
REFERENCE_PREFIXES = {
    Transaction.Kind.TOP_UP: "TOP",
    Transaction.Kind.STASH_DEPOSIT: "STD",
    Transaction.Kind.STASH_WITHDRAWAL: "STW",
    Transaction.Kind.PLAN_TO_STASH: "PTS",
    Transaction.Kind.STASH_TO_PLAN: "STP",
    Transaction.Kind.AUTOSAVE: "AUT",
    Transaction.Kind.INTEREST: "INT",
    Transaction.Kind.TAX_WITHHELD: "TAX",
    Transaction.Kind.PENALTY: "PEN",
    Transaction.Kind.FEE: "FEE",
    Transaction.Kind.REVERSAL: "REV",
    Transaction.Kind.REFUND: "RFD",
    Transaction.Kind.CHARGEBACK: "CHB",
    Transaction.Kind.INTEREST_CORRECTION: "INC",
    Transaction.Kind.REPAYMENT: "RPY",
    Transaction.Kind.WRITE_OFF: "WOF",
    Transaction.Kind.TREASURY: "TRE",
    Transaction.Kind.ADJUSTMENT: "ADJ",
}


def derived_reference(kind: str, name: str) -> str:
    """Return the reference that a name always has: the prefix of a kind, then 17 digits of the name's SHA-256."""
    # Hexadecimal digits are part of the alphabet of references.
    digest = hashlib.sha256(name.encode()).hexdigest()
    return REFERENCE_PREFIXES[Transaction.Kind(kind)] + digest[:17].upper()
