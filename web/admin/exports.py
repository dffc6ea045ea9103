"""Lists that staff exported as CSV files."""

from __future__ import annotations

from django.contrib import admin

from savings.models import StaffExport
from web.admin.base import ReadOnlyAdmin


@admin.register(StaffExport)
class StaffExportAdmin(ReadOnlyAdmin):
    list_display = ("id", "listed", "asked_by", "state", "rows_written", "requested_at", "expires_at")
    relations = ("asked_by",)
    user_path = ""
    fields = (
        "listed",
        "filters",
        "asked_by",
        "state",
        "requested_at",
        "rows_written",
        "size_bytes",
        "sha256",
        "ready_at",
        "expires_at",
        "reason",
    )
