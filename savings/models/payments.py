"""Payments at the provider, and the webhook events that the provider sends."""

from __future__ import annotations

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
    # Set by earlier releases for money that arrived under a reference of the provider's own.
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
        ]
        indexes = [
            # The sweep: payments whose time to be asked about has come.
            models.Index(
                fields=["next_poll_at"], name="payment_due_for_poll", condition=Q(next_poll_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"payment {self.pk}"


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
