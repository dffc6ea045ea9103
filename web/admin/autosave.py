"""Auto-save rules and their dates for staff: read-only."""

from __future__ import annotations

from django.contrib import admin

from savings import autosave
from savings.models import AutosaveRule, AutosaveRun, Plan, User
from web.admin import shown
from web.admin.base import ConditionFilter, OfUser, ReadOnlyAdmin
from web.messages import lists


@admin.register(AutosaveRule)
class AutosaveRuleAdmin(ReadOnlyAdmin):
    list_display = ("every", "amount", "user", "into", "status", "why", "next_on", "reference")
    second_lines = {"why": "status"}
    phone_parts = {"reference": ""}
    list_filter = (OfUser,)
    relations = ("user", "plan", "card")
    finds_by = ("reference", "email")
    search_help_text = "Full reference or full email address"

    @admin.display
    def amount(self, rule: AutosaveRule) -> str:
        return shown.naira(rule.amount_kobo) if rule.amount_kobo else lists.REST_OF_GOAL

    @admin.display
    def into(self, rule: AutosaveRule) -> Plan | str:
        return rule.plan or lists.STASH

    @admin.display(description="Reason")
    def why(self, rule: AutosaveRule) -> str:
        return rule.get_reason_display()


class RunState(ConditionFilter):
    title = "state"
    parameter_name = "state"
    # Each has an index. Most dates end with the money saved.
    conditions = {
        "open": ("Not ended yet", lambda rows: rows.filter(next_try_at__isnull=False)),
        "failed": ("Failed", lambda rows: rows.filter(status=AutosaveRun.Status.FAILED)),
        "skipped": ("Skipped", lambda rows: rows.filter(status=AutosaveRun.Status.SKIPPED)),
    }


@admin.register(AutosaveRun)
class AutosaveRunAdmin(ReadOnlyAdmin):
    list_display = (
        "due_on",
        "amount_kobo",
        "status",
        "user",
        "into",
        "source",
        "why",
        "tries",
        "next_try_at",
    )
    second_lines = {"why": "status"}
    list_filter = (RunState,)
    relations = ("rule__user", "rule__plan", "card")
    finds_by = ("rule__reference", "email")
    user_path = "rule__user"
    search_help_text = "Full reference of the rule or full email address"

    @admin.display(description="Saver")
    def user(self, run: AutosaveRun) -> User:
        return run.rule.user

    @admin.display
    def into(self, run: AutosaveRun) -> Plan | str:
        return run.rule.plan or lists.STASH

    @admin.display(description="Reason")
    def why(self, run: AutosaveRun) -> str:
        return autosave.why_failed(run.reason) if run.reason else ""
