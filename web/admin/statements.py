"""Statements for staff: the request, its progress and the reason of a failure; never the content."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from savings import backoffice
from savings.models import Statement, StatementSubscription
from web import date_formats
from web.admin.base import EVERYWHERE, ConditionFilter, OfUser, ReadOnlyAdmin
from web.messages import lists
from web.staff_site import staff


class StatementState(ConditionFilter):
    title = "state"
    parameter_name = "state"
    conditions = {
        "unfinished": ("Not written yet", lambda rows: rows.filter(state__in=["queued", "writing"])),
        "failed": ("Failed", lambda rows: rows.filter(state="failed")),
    }


@admin.register(Statement)
class StatementAdmin(ReadOnlyAdmin):
    list_display = (
        "what",
        "user",
        "format",
        "state",
        "reason",
        "requested_at",
    )
    list_filter = (StatementState, OfUser)
    relations = ("user", "plan", "circle")
    finds_by = ("id", "code", "email")
    search_help_text = "Full verification code, number or full email address"
    actions = ("make_again",)
    # Without the file's name and its password: with access to the storage, the name would be enough to open a file.
    head = ("state", "period", "format", "size_bytes", "user")
    folded = ("rows_expected", "rows_written")
    fields = (
        "state",
        "period",
        "user",
        "scope",
        "plan",
        "circle",
        "format",
        "size_bytes",
        "is_certificate",
        "has_password",
        "code",
        "reason",
        "requested_at",
        "rows_expected",
        "rows_written",
        "ready_at",
        "expires_at",
        "downloads",
        "downloaded_at",
    )

    @admin.display
    def period(self, statement: Statement) -> str:
        return date_formats.period(statement.since, statement.until)

    @admin.display(description="Statement")
    def what(self, statement: Statement) -> str:
        return lists.statement(_about(statement), statement.since, statement.until)

    def has_make_again_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("savings.change_statement")

    @admin.action(
        description="Make again, without a password", permissions=["make_again"], location=EVERYWHERE
    )
    def make_again(self, request: HttpRequest, chosen: QuerySet[Statement]) -> None:
        def act(statement: Statement) -> str:
            made = backoffice.make_statement_again(statement, by=staff(request))
            return f"is being written as statement {made.pk}"

        self.do_to_each(request, chosen, act)


@admin.register(StatementSubscription)
class StatementSubscriptionAdmin(ReadOnlyAdmin):
    list_display = ("about", "user", "format", "next_month")
    relations = ("user", "plan", "circle")
    finds_by = ("id", "email")
    search_help_text = "Number or full email address"
    fields = ("next_month", "format", "user", "scope", "plan", "circle", "created_at")
    head = ("next_month", "format", "user")

    @admin.display
    def about(self, subscription: StatementSubscription) -> str:
        return _about(subscription)


def _about(row: Statement | StatementSubscription) -> str:
    """Return what a statement is about: the plan or circle by its name, or the stash, or everything."""
    return str(row.plan or row.circle or row.get_scope_display())
