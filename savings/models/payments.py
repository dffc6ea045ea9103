"""Payments at the provider, and the webhook events that the provider sends."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Payment(models.Model):
    """One card payment at the provider; its transaction is the payment in our books."""

    transaction = models.OneToOneField(
        "savings.Transaction", on_delete=models.PROTECT, related_name="payment"
    )
    provider = models.CharField(max_length=20, default="paystack")
    # The plan that was to get the money. Set if it closed, matured or was full before: the money went to the stash.
    meant_for = models.ForeignKey(
        "savings.Plan", null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    # The provider's reference of a payment that we did not start, such as one of another shop on the same account.
    foreign_reference = models.CharField(max_length=100, blank=True, default="", db_default="")
    checkout_url = models.URLField(max_length=500, blank=True, default="")
    # When the provider accepted the request; empty until then.
    sent_at = models.DateTimeField(null=True, blank=True)
    # The provider's latest answer.
    provider_status = models.CharField(max_length=20, blank=True, default="")
    provider_message = models.CharField(max_length=200, blank=True, default="")
    paid_kobo = models.BigIntegerField(null=True, blank=True)
    fee_kobo = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True, default="")
    channel = models.CharField(max_length=20, blank=True, default="")
    card = models.CharField(max_length=30, blank=True, default="")
    # The two letters of the card's country; empty where the provider does not name it.
    card_country = models.CharField(max_length=2, blank=True, default="", db_default="")
    # The provider's own number of the payment, by which its refunds, disputes and settlements name it.
    provider_id = models.BigIntegerField(null=True, blank=True)
    # When the payer paid, as the provider says.
    paid_at = models.DateTimeField(null=True, blank=True)
    # The provider's payout to us in which this payment was.
    settlement = models.ForeignKey(
        "savings.Settlement",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="payments",
        db_index=False,
    )
    # The saved card that was charged; empty for a payment on the provider's page.
    saved_card = models.ForeignKey(
        "savings.SavedCard",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="payments",
        db_index=False,
    )
    # What the payer agreed to when they chose to save the card of this payment, and on which device; empty if they did
    # not choose so.
    mandate = models.TextField(blank=True, default="", db_default="")
    mandate_device = models.CharField(max_length=200, blank=True, default="", db_default="")
    review_reason = models.CharField(max_length=40, blank=True, default="")
    polls = models.PositiveSmallIntegerField(default=0)
    # When to ask the provider again; empty once no question is left.
    next_poll_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=(Q(paid_kobo__isnull=True) | Q(paid_kobo__gte=0))
                & (Q(fee_kobo__isnull=True) | Q(fee_kobo__gte=0)),
                name="payment_amounts_not_negative",
            ),
            # A checkout page exists only after the provider took the request.
            models.CheckConstraint(
                condition=Q(checkout_url="") | Q(sent_at__isnull=False), name="payment_page_was_sent"
            ),
            models.UniqueConstraint(
                fields=["provider", "provider_id"],
                condition=Q(provider_id__isnull=False),
                name="payment_once_per_provider_id",
            ),
        ]
        indexes = [
            # The sweep: payments whose time to be asked about has come.
            models.Index(
                fields=["next_poll_at"], name="payment_due_for_poll", condition=Q(next_poll_at__isnull=False)
            ),
            # The payments of a settlement.
            models.Index(
                fields=["settlement"], name="payment_by_settlement", condition=Q(settlement__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"payment {self.pk}"

    @property
    def provider_reference(self) -> str:
        """The reference under which the provider knows the payment."""
        return self.foreign_reference or self.transaction.reference


class Settlement(models.Model):
    """One payout of the provider to us: the payments it collected, less its fees and deductions."""

    provider = models.CharField(max_length=20, default="paystack")
    provider_id = models.BigIntegerField()
    # The local day on which the money reached the bank or the provider balance.
    settled_on = models.DateField()
    # The payments' amounts, the provider's fees, and its deductions for refunds and disputes. The net is gross -
    # fees - deductions.
    gross_kobo = models.BigIntegerField()
    fees_kobo = models.BigIntegerField()
    deductions_kobo = models.BigIntegerField(default=0)
    # The treasury transaction that booked what arrived; empty where nothing arrived.
    transaction = models.OneToOneField(
        "savings.Transaction", null=True, blank=True, on_delete=models.PROTECT, related_name="settlement"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "provider_id"], name="settlement_once_per_provider_id"
            ),
            models.CheckConstraint(
                condition=Q(gross_kobo__gte=0, fees_kobo__gte=0, deductions_kobo__gte=0),
                name="settlement_amounts_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"settlement {self.provider_id}"

    @property
    def net_kobo(self) -> int:
        return self.gross_kobo - self.fees_kobo - self.deductions_kobo


class Refund(models.Model):
    """A refund at the provider; its transaction is the refund in our books."""

    transaction = models.OneToOneField("savings.Transaction", on_delete=models.PROTECT, related_name="refund")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    provider = models.CharField(max_length=20, default="paystack")
    # Empty until the provider has accepted the refund.
    provider_id = models.BigIntegerField(null=True, blank=True)
    provider_status = models.CharField(max_length=20, blank=True, default="")
    # When it was last sent to the provider, noted before the call; empty until then.
    sent_at = models.DateTimeField(null=True, blank=True)
    # When to send it or to ask the provider about it; empty once it has ended.
    next_poll_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "provider_id"],
                condition=Q(provider_id__isnull=False),
                name="refund_once_per_provider_id",
            ),
        ]
        indexes = [
            # The sweep: refunds that have to be sent or asked about.
            models.Index(
                fields=["next_poll_at"], name="refund_due_for_poll", condition=Q(next_poll_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"refund {self.pk}"


class Dispute(models.Model):
    """A payer's claim at their bank that a payment must be given back. While it is open, its amount stays here."""

    class Answer(models.TextChoices):
        ACCEPTED = "accepted", "Accepted"
        CONTESTED = "contested", "Contested"

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="disputes")
    provider = models.CharField(max_length=20, default="paystack")
    provider_id = models.BigIntegerField()
    amount_kobo = models.BigIntegerField()
    # The provider's word; a dispute is open until `resolved_at`.
    status = models.CharField(max_length=40, blank=True, default="")
    opened_at = models.DateTimeField(default=timezone.now)
    # Evidence must be at the provider by then; it decides against us otherwise.
    due_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    # What staff answered, who did and when; empty where nobody has. The provider's word alone ends the dispute.
    answer = models.CharField(max_length=10, choices=Answer, blank=True, default="", db_default="")
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    answered_at = models.DateTimeField(null=True, blank=True)
    # What the provider is told with it, and for a contested dispute the fields of the evidence.
    answer_message = models.CharField(max_length=500, blank=True, default="", db_default="")
    answer_details = models.JSONField(null=True, blank=True)
    # When to send the answer, or to ask whether it arrived; empty once the provider has it.
    answer_due_at = models.DateTimeField(null=True, blank=True)
    # When the evidence and the answer were last sent, noted before the call, and the provider's number of the evidence.
    evidence_sent_at = models.DateTimeField(null=True, blank=True)
    evidence_id = models.BigIntegerField(null=True, blank=True)
    answer_sent_at = models.DateTimeField(null=True, blank=True)
    # Why the provider refused an answer. Staff have to answer again.
    answer_error = models.CharField(max_length=300, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "provider_id"], name="dispute_once_per_provider_id"),
            models.CheckConstraint(condition=Q(amount_kobo__gt=0), name="dispute_amount_above_zero"),
        ]
        indexes = [
            # The money of one user that must stay here, and the staff's list of open disputes.
            models.Index(fields=["payment"], name="dispute_open", condition=Q(resolved_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"dispute {self.provider_id}"


class WebhookEvent(models.Model):
    """One event from the provider, stored unchanged before it is processed."""

    # Derived from the body, since the provider sends no event id. A repeated event is the same row.
    key = models.CharField(max_length=64, unique=True)
    provider = models.CharField(max_length=20, default="paystack")
    event = models.CharField(max_length=60)
    reference = models.CharField(max_length=100, blank=True, default="", db_index=True)
    body = models.TextField()
    received_at = models.DateTimeField(default=timezone.now)
    # How many times the provider sent it.
    times_received = models.PositiveIntegerField(default=1)
    # When it may be processed (again); empty once it is processed or given up.
    due_at = models.DateTimeField(default=timezone.now, null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    processed_at = models.DateTimeField(null=True, blank=True)
    # The error of the last try; empty after a success.
    error = models.CharField(max_length=300, blank=True, default="")
    # The result of processing it, or the reason why nothing was done.
    note = models.CharField(max_length=300, blank=True, default="", db_default="")
    # Whether staff have to look at it: it was not acted on, or not with the result that it claims.
    needs_staff = models.BooleanField(default=False, db_default=False)
    # The trace of the request that delivered it; see OutboxRow.
    traceparent = models.CharField(max_length=55, blank=True, default="", db_default="")

    class Meta:
        indexes = [
            # The sweep: waiting events by due date.
            models.Index(fields=["due_at"], name="webhook_waiting", condition=Q(due_at__isnull=False)),
            # The staff's list of events that need them, newest first.
            models.Index(fields=["-id"], name="webhook_for_staff", condition=Q(needs_staff=True)),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.reference}"
