"""Requests, which a second person approves, and the new terms of products that two people agreed on."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone


class StaffRequestQuerySet(models.QuerySet["StaffRequest"]):
    def waiting(self) -> Self:
        return self.filter(state=StaffRequest.State.WAITING)


class StaffRequest(models.Model):
    """An action that one member of staff asked for, and that another one approves or refuses."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waits for approval"
        DONE = "done", "Done"
        REFUSED = "refused", "Refused"
        WITHDRAWN = "withdrawn", "Withdrawn"
        VOID = "void", "Void"
        EXPIRED = "expired", "Expired"

    # A name in `savings.backoffice.ACTIONS`.
    action = models.CharField(max_length=30)
    # The idempotency key of what it posts.
    reference = models.CharField(max_length=20, unique=True)
    # What was asked for: ids, amounts in kobo and choices.
    values = models.JSONField(default=dict)
    # The facts it was made on. It is void once they have changed.
    facts = models.JSONField(default=dict)
    # What it posts: [debited account, credited account, kobo] of each entry.
    lines = models.JSONField(default=list)
    # What it changes, such as `transaction:12`: one waiting request each.
    subject = models.CharField(max_length=60)
    case = models.ForeignKey(
        "savings.Case", null=True, blank=True, on_delete=models.PROTECT, related_name="requests"
    )
    # Whose money or account it changes; empty for the house's own.
    saver = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    asked_at = models.DateTimeField(default=timezone.now)
    reason = models.CharField(max_length=300)
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    # Who approved or refused it.
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    # Why it was refused or is void.
    answer = models.CharField(max_length=300, blank=True, default="")
    # What it posted; empty for actions that post nothing.
    transaction = models.OneToOneField(
        "savings.Transaction", null=True, blank=True, on_delete=models.PROTECT, related_name="staff_request"
    )

    objects = StaffRequestQuerySet.as_manager()

    class Meta:
        permissions = [
            ("ask_money", "Can ask for movements of savers’ money"),
            ("ask_treasury", "Can ask for postings of the house"),
            ("ask_product", "Can ask for changes of products"),
            ("decide_staffrequest", "Can approve and refuse requests"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("asked_by")),
                name="request_decided_by_another",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["done", "refused"]) | Q(decided_by__isnull=False),
                name="request_done_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", ended_at__isnull=True)
                | (~Q(state="waiting") & Q(ended_at__isnull=False)),
                name="request_ends_with_its_time",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="request_has_a_reason"),
            models.UniqueConstraint(
                fields=["subject"], condition=Q(state="waiting"), name="request_once_per_subject"
            ),
        ]
        indexes = [
            # The queue, and the sweep of those that expire.
            models.Index(fields=["expires_at"], name="request_waiting", condition=Q(state="waiting")),
            models.Index(fields=["saver", "-id"], name="request_by_saver", condition=Q(saver__isnull=False)),
            # What a member of staff has asked for, newest first.
            models.Index(fields=["asked_by", "-id"], name="request_by_asker"),
        ]

    def __str__(self) -> str:
        return f"request {self.pk}"

    @property
    def is_waiting(self) -> bool:
        return self.state == self.State.WAITING


class ProductChange(models.Model):
    """New terms of a product from a day on, which two people agreed on. Running plans keep theirs."""

    # Empty until a new product is made.
    product = models.ForeignKey(
        "savings.Product", null=True, blank=True, on_delete=models.PROTECT, related_name="changes"
    )
    # All terms by the name of the column, amounts in kobo and rates in basis points.
    terms = models.JSONField()
    # Pairs of the term in days from which a rate applies, and the rate in basis points.
    rates = models.JSONField()
    valid_from = models.DateField()
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    approved_at = models.DateTimeField(default=timezone.now)
    reason = models.CharField(max_length=300)
    applied_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(asked_by=F("approved_by")), name="product_change_by_two_people"
            ),
        ]
        indexes = [
            models.Index(
                fields=["valid_from", "id"], name="product_change_due", condition=Q(applied_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"product change {self.pk}"
