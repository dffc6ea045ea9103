"""Calendar feeds for staff: who has one, without its URL."""

from __future__ import annotations

from django.contrib import admin

from savings.models import CalendarFeed
from web.admin.base import ReadOnlyAdmin


@admin.register(CalendarFeed)
class CalendarFeedAdmin(ReadOnlyAdmin):
    # Without the nonce: whoever knows it, and the secret key, can read the feed.
    list_display = ("user", "shows_amounts", "created_at")
    relations = ("user",)
    finds_by = ("email",)
    search_help_text = "Full email address"
    fields = list_display
