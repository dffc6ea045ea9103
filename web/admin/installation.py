"""The installation for staff: which history the database holds; `manage.py restored` changes it."""

from __future__ import annotations

from django.contrib import admin

from savings.models import Installation
from web.admin.base import ReadOnlyAdmin


@admin.register(Installation)
class InstallationAdmin(ReadOnlyAdmin):
    list_display = ("epoch", "version")
    user_path = ""
