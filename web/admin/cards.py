"""Saved cards for staff: read-only, with the evidence of what their owners agreed to."""

from __future__ import annotations

from django.contrib import admin

from savings.models import SavedCard
from web.admin.base import OfUser, ReadOnlyAdmin


@admin.register(SavedCard)
class SavedCardAdmin(ReadOnlyAdmin):
    list_display = ("digits", "user", "expires_on", "trouble", "saved_at", "removed_at", "deactivated_at")
    list_filter = (OfUser,)
    relations = ("user", "payment__transaction")
    finds_by = ("email",)
    search_help_text = "Full email address"
    # Without the authorization and the signature: with them a card can be charged or recognised elsewhere.
    fields = (
        "user",
        "digits",
        "name",
        "expires_on",
        "bank",
        "country",
        "is_default",
        "trouble",
        "saved_with",
        "mandate",
        "mandate_at",
        "mandate_device",
        "saved_at",
        "removed_at",
        "deactivated_at",
        "provider",
        "email",
    )

    @admin.display(description="Card")
    def digits(self, card: SavedCard) -> str:
        return card.digits

    @admin.display(description="Saved with")
    def saved_with(self, card: SavedCard) -> str:
        return card.payment.transaction.reference
