"""Cards that savers have saved at the payment provider, to be charged again without typing them."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class SavedCardQuerySet(models.QuerySet["SavedCard"]):
    def current(self) -> Self:
        """Cards that were not removed, the default first."""
        return self.filter(removed_at=None).order_by("-is_default", "id")


class SavedCard(models.Model):
    """A card that its owner chose to save when they paid with it. The number of the card is only at the provider.

    Every change is made under the lock of the owner's row.
    """

    class Trouble(models.TextChoices):
        """Why a card that was not removed cannot be charged; see also `expires_on`."""

        DISPUTED = "disputed", "A payment with it is disputed"
        REFUSED = "refused", "The bank does not let it be charged again"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="cards", db_index=False
    )
    provider = models.CharField(max_length=20, default="paystack")
    # The provider's name for the right to charge the card, and the email address with which it was given. The provider
    # accepts them only together.
    authorization_code = models.CharField(max_length=100)
    email = models.EmailField()
    # The provider's name for the number of the card: the same card saved twice has the same one. Empty if not told.
    signature = models.CharField(max_length=100, blank=True, default="")
    brand = models.CharField(max_length=20)
    last4 = models.CharField("last four digits", max_length=4)
    # The last day on which it can be charged. Empty where the provider does not name it.
    expires_on = models.DateField(null=True, blank=True)
    bank = models.CharField(max_length=100, blank=True, default="")
    # The two letters of the card's country; empty where the provider does not name it.
    country = models.CharField(max_length=2, blank=True, default="")
    # The name that its owner gave it. If it is empty, pages show brand and digits.
    name = models.CharField(max_length=40, blank=True, default="")
    is_default = models.BooleanField(default=False)
    # The payment with which it was saved, and what its owner agreed to then: the evidence in a dispute.
    payment = models.ForeignKey("savings.Payment", on_delete=models.PROTECT, related_name="+", db_index=False)
    mandate = models.TextField()
    mandate_at = models.DateTimeField()
    mandate_device = models.CharField(max_length=200, blank=True, default="")
    saved_at = models.DateTimeField(default=timezone.now)
    trouble = models.CharField(max_length=10, choices=Trouble, blank=True, default="")
    removed_at = models.DateTimeField(null=True, blank=True)
    # When the provider deleted it too. A removed card is never charged, whatever the provider says.
    deactivated_at = models.DateTimeField(null=True, blank=True)

    objects = SavedCardQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "signature"],
                condition=Q(removed_at__isnull=True) & ~Q(signature=""),
                name="card_once_per_user",
            ),
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(is_default=True, removed_at__isnull=True),
                name="card_one_default",
            ),
        ]
        indexes = [
            # A user's cards, removed ones too.
            models.Index(fields=["user", "-id"], name="card_by_user"),
            # The cards whose expiry has to be announced.
            models.Index(fields=["expires_on"], name="card_by_expiry", condition=Q(removed_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.name or self.digits

    @property
    def digits(self) -> str:
        """The brand and the last four digits."""
        return f"{self.brand} ··{self.last4}"

    @property
    def is_expired(self) -> bool:
        return self.expires_on is not None and self.expires_on < timezone.localdate()

    @property
    def is_usable(self) -> bool:
        """Whether it may be charged."""
        return self.removed_at is None and not self.trouble and not self.is_expired
