"""The installation's currency, time zone and epoch for staff: read-only."""

from __future__ import annotations

from django.contrib import admin

from savings.models import Installation
from web.admin.base import ReadOnlyAdmin
from web.messages import admin as words


@admin.register(Installation)
class InstallationAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "currency", "time_zone", "epoch", "version")
    fields = ("currency", "time_zone", "epoch", "version")
    user_path = ""
    head = ("currency", "time_zone", "epoch", "version")

    def meaning(self, row: Installation) -> str:
        return words.INSTALLATION
