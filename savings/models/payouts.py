"""Bank accounts of savers, and the payouts to them: withdrawals as the provider carries them out."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import CharField, F, Func, Q
from django.utils import timezone

# The last four digits of an account number, which has ten. Written with its number, and not as a parameter, so that
# both databases match it with the index.
LAST_DIGITS = Func(F("account_number"), template="SUBSTR(%(expressions)s, 7)", output_field=CharField())


class RecipientQuerySet(models.QuerySet["Recipient"]):
    def current(self) -> Self:
        """Recipients that were not removed, the default first."""
        return self.filter(removed_at=None).order_by("-is_default", "id")


class Recipient(models.Model):
    """A bank account to which a saver can withdraw. Registered at the provider, which also said whose account it is."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="recipients", db_index=False
    )
    provider = models.CharField(max_length=20, default="paystack")
    # The provider's name for it.
    code = models.CharField(max_length=100)
    bank_code = models.CharField(max_length=20)
    bank_name = models.CharField(max_length=100)
    account_number = models.CharField(max_length=10)
    # The name that the bank has for the account.
    account_name = models.CharField(max_length=150)
    is_default = models.BooleanField(default=False)
    added_at = models.DateTimeField(default=timezone.now)
    # The first moment at which money can be sent to it.
    usable_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = RecipientQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "bank_code", "account_number"],
                condition=Q(removed_at__isnull=True),
                name="recipient_once_per_user",
            ),
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(is_default=True, removed_at__isnull=True),
                name="recipient_one_default",
            ),
        ]
        indexes = [
            # A user's bank accounts, removed ones too.
            models.Index(fields=["user", "-id"], name="recipient_by_user"),
            # The same bank account at other users, for staff.
            models.Index(fields=["account_number", "bank_code"], name="recipient_by_account"),
            # The search of staff by the last digits.
            models.Index(LAST_DIGITS, name="recipient_by_last_digits"),
        ]

    def __str__(self) -> str:
        return f"{self.bank_name} ··{self.account_number[-4:]}"

    def is_usable(self) -> bool:
        """Whether it has waited long enough after it was added."""
        return self.usable_at <= timezone.now()


class PayoutQuerySet(models.QuerySet["Payout"]):
    def in_flight(self) -> Self:
        """Payouts whose money is on hold, the newest first."""
        return self.filter(state__in=Payout.IN_FLIGHT).order_by("-id")


class Payout(models.Model):
    """One withdrawal as the provider carries it out; its transaction is the withdrawal in the books.

    Every change is made under the lock of the owner's row. The reference of the transaction is the provider's reference
    too, and is never sent for a second transfer.
    """

    class State(models.TextChoices):
        # Not sent yet: it can be cancelled.
        WAITING = "waiting", "Waits to be sent"
        APPROVAL = "approval", "Waits for approval"
        # Sent, or perhaps sent: only the provider's word ends it.
        SENT = "sent", "With the provider"
        PAID = "paid", "Paid"
        RETURNED = "returned", "Returned"
        CANCELLED = "cancelled", "Cancelled"
        # It was paid, and the provider gave the money back afterwards.
        CAME_BACK = "came_back", "Came back after it was paid"

    UNSENT = (State.WAITING, State.APPROVAL)
    IN_FLIGHT = (*UNSENT, State.SENT)

    transaction = models.OneToOneField("savings.Transaction", on_delete=models.PROTECT, related_name="payout")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="payouts", db_index=False
    )
    recipient = models.ForeignKey(Recipient, on_delete=models.PROTECT, related_name="payouts")
    provider = models.CharField(max_length=20, default="paystack")
    # What the saver pays besides the amount of the transaction.
    fee_kobo = models.BigIntegerField(default=0)
    vat_kobo = models.BigIntegerField(default=0)
    duty_kobo = models.BigIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    asked_at = models.DateTimeField(default=timezone.now)
    # It is not sent before this.
    send_at = models.DateTimeField(default=timezone.now)
    # When it was first sent, stored before the call; empty until then.
    sent_at = models.DateTimeField(null=True, blank=True)
    # When to send it, or to ask the provider about it or about its cost; empty when nothing is left to do.
    next_try_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)
    # The provider's name for the transfer, its latest status and its reason.
    transfer_code = models.CharField(max_length=100, blank=True, default="")
    provider_status = models.CharField(max_length=20, blank=True, default="")
    provider_message = models.CharField(max_length=200, blank=True, default="")
    transferred_at = models.DateTimeField(null=True, blank=True)
    # What the provider took for it, duty included; empty until it has said so.
    cost_kobo = models.BigIntegerField(null=True, blank=True)
    # Why staff have to look at it; empty if they need not.
    staff_note = models.CharField(max_length=200, blank=True, default="")
    # Who approved or refused it, and when, if it waited for approval.
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = PayoutQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(fee_kobo__gte=0, vat_kobo__gte=0, duty_kobo__gte=0)
                & (Q(cost_kobo__isnull=True) | Q(cost_kobo__gte=0)),
                name="payout_amounts_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "approval", "cancelled"], sent_at__isnull=True)
                | Q(state__in=["sent", "paid", "came_back"], sent_at__isnull=False)
                | Q(state="returned"),
                name="payout_sent_before_paid",
            ),
            # Money on hold is never forgotten.
            models.CheckConstraint(
                condition=~Q(state__in=["waiting", "sent"]) | Q(next_try_at__isnull=False),
                name="payout_in_flight_is_tried_again",
            ),
        ]
        indexes = [
            # The worker: payouts to send or to ask about.
            models.Index(fields=["next_try_at"], name="payout_due", condition=Q(next_try_at__isnull=False)),
            # A user's payouts, newest first: the stash, the limit of a day, and the staff's list of a user.
            models.Index(fields=["user", "-id"], name="payout_by_user"),
            # The payouts that staff have to look at, the newest first.
            models.Index(fields=["-id"], name="payout_for_staff", condition=~Q(staff_note="")),
            # The staff's list by state, the oldest first.
            models.Index(fields=["state", "asked_at"], name="payout_by_state"),
            # The search of staff by the provider's name for the transfer.
            models.Index(fields=["transfer_code"], name="payout_by_transfer", condition=~Q(transfer_code="")),
        ]

    def __str__(self) -> str:
        return self.transaction.reference

    @property
    def fees_kobo(self) -> int:
        """What the saver pays besides the amount."""
        return self.fee_kobo + self.vat_kobo + self.duty_kobo

    @property
    def total_kobo(self) -> int:
        """What leaves the stash: the amount and the fees."""
        return int(self.transaction.amount_kobo) + self.fees_kobo

    @property
    def is_in_flight(self) -> bool:
        return self.state in self.IN_FLIGHT

    @property
    def can_be_cancelled(self) -> bool:
        return self.state in self.UNSENT
