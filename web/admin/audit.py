"""The audit log and the notes of staff: read-only."""

from __future__ import annotations

from django.contrib import admin

from savings.backoffice import Verb
from savings.models import AuditRow, StaffNote
from web.admin.base import ReadOnlyAdmin


@admin.register(AuditRow)
class AuditRowAdmin(ReadOnlyAdmin):
    """What staff looked at and did. A row names people by their number, and the database refuses changes."""

    list_display = ("at", "staff", "what", "saver", "subject", "text")
    relations = ("staff", "saver")
    finds_by = ("subject", "verb", "email")
    user_path = "saver"
    search_help_text = "What it was done to, such as payout:12, or a saver’s full email address"
    fields = ("at", "staff", "what", "saver", "subject", "text")

    @admin.display(description="What")
    def what(self, row: AuditRow) -> str:
        return Verb(row.verb).label


@admin.register(StaffNote)
class StaffNoteAdmin(ReadOnlyAdmin):
    list_display = ("written_at", "author", "case", "saver", "text")
    relations = ("author", "case", "saver")
    finds_by = ("email",)
    user_path = "saver"
    search_help_text = "A saver’s full email address"
    fields = ("written_at", "author", "case", "saver", "text")
