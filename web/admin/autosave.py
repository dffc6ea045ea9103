"""Auto-save rules and their dates for staff: read-only."""

from __future__ import annotations

from django.contrib import admin

from savings import autosave
from savings.models import AutosaveRule, AutosaveRun
from web.admin.base import OfUser, ReadOnlyAdmin


@admin.register(AutosaveRule)
class AutosaveRuleAdmin(ReadOnlyAdmin):
    list_display = ("reference", "amount_kobo", "every", "user", "plan", "status", "why", "next_on")
    main_column = "every"
    list_filter = (OfUser,)
    relations = ("user", "plan", "card")
    finds_by = ("reference",)
    search_help_text = "Full reference"

    @admin.display(description="Reason")
    def why(self, rule: AutosaveRule) -> str:
        return rule.get_reason_display()


@admin.register(AutosaveRun)
class AutosaveRunAdmin(ReadOnlyAdmin):
    list_display = ("due_on", "amount_kobo", "status", "rule", "source", "why", "tries", "next_try_at")
    relations = ("rule", "card")
    finds_by = ("rule__reference",)
    search_help_text = "Full reference of the rule"

    @admin.display(description="Reason")
    def why(self, run: AutosaveRun) -> str:
        return autosave.why_failed(run.reason) if run.reason else ""
