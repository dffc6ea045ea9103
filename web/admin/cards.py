"""Saved cards for staff: read-only, with the evidence of what their owners agreed to."""

from __future__ import annotations

from django.contrib import admin
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString

from savings.models import SavedCard
from web.admin import shown
from web.admin.base import OfUser, ReadOnlyAdmin
from web.pages import badges
from web.pages.cards import expires_soon


@admin.register(SavedCard)
class SavedCardAdmin(ReadOnlyAdmin):
    list_display = ("digits", "user", "state", "expires_on", "saved_at")
    list_filter = (OfUser,)
    relations = ("user", "payment__transaction")
    finds_by = ("email",)
    search_help_text = "Full email address"
    # Without the authorization and the signature: with them a card can be charged or recognised elsewhere.
    fields = (
        "state",
        "user",
        "digits",
        "name",
        "expires",
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

    head = ("state", "expires", "user")

    @admin.display
    def expires(self, card: SavedCard) -> str:
        if card.expires_on is None:
            return shown.NONE
        day = date_format(card.expires_on, "j M Y")
        today = timezone.localdate()
        if card.expires_on == today:
            return f"Today, {day}"
        return f"Expired on {day}" if card.expires_on < today else day

    @admin.display
    def state(self, card: SavedCard) -> SafeString:
        if card.removed_at:
            return badges.badge("removed", "Removed")
        trouble = card.get_trouble_display()
        if trouble:
            return badges.badge("failed", trouble)
        if card.is_expired:
            return badges.badge("expired", "Expired")
        if expires_soon(card):
            return badges.badge("waiting", "Expires this month")
        return badges.badge("ready", "Can be charged")

    @admin.display(description="Card")
    def digits(self, card: SavedCard) -> str:
        return card.digits

    @admin.display(description="Saved with")
    def saved_with(self, card: SavedCard) -> str:
        return card.payment.transaction.reference
