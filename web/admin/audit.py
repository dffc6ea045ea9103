"""The audit log and the notes of staff: read-only. Each search and filter of the log has an index."""

from __future__ import annotations

import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from savings import typed_text
from savings.backoffice import Verb
from savings.models import AuditRow, StaffNote, User
from savings.models.local_days import end_of, start_of
from web import keyset
from web.admin.base import ConditionFilter, OfUser, ReadOnlyAdmin
from web.messages import admin as words

_MOST_STAFF = 100


class ByVerb(admin.SimpleListFilter):
    title = "what"
    parameter_name = "verb"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        return list(Verb.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(verb=self.value()) if self.value() in Verb.values else queryset


class ByStaff(admin.SimpleListFilter):
    title = "staff"
    parameter_name = "staff"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        people = User.objects.filter(is_staff=True).order_by("-id")[:_MOST_STAFF]
        return [(str(user.pk), user.name) for user in people]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = str(self.value() or "")
        return queryset.filter(staff=value) if keyset.is_id(value) else queryset


class OfSaver(OfUser):
    """The rows about one saver."""

    parameter_name = "saver"


class AuditDay(ConditionFilter):
    title = "day"
    parameter_name = "day"
    conditions = {
        "today": ("Today", lambda rows: _on_days(rows, 0, 0)),
        "yesterday": ("Yesterday", lambda rows: _on_days(rows, 1, 1)),
        "week": ("Last 7 days", lambda rows: _on_days(rows, 6, 0)),
    }


@admin.register(AuditRow)
class AuditRowAdmin(ReadOnlyAdmin):
    """What staff looked at and did. A row names people by their number, and the database refuses changes."""

    list_display = ("at", "what", "staff", "saver", "about", "text")
    main_column = "what"
    phone_parts = {"staff": "side", "text": "text"}
    list_filter = (AuditDay, ByVerb, ByStaff, OfSaver)
    relations = ("staff", "saver")
    finds_by = ("subject", "verb", "email")
    user_path = "saver"
    search_help_text = (
        "What it was done to, such as payout:12, a saver’s full email address, or a day such as 2026-11-29"
    )
    fields = ("at", "staff", "what", "saver", "subject", "text")

    @admin.display(description="About")
    def about(self, row: AuditRow) -> str:
        return words.subject(row.subject)

    @admin.display(description="What")
    def what(self, row: AuditRow) -> str:
        return Verb(row.verb).label

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditRow], search_term: str
    ) -> tuple[QuerySet[AuditRow], bool]:
        try:
            day = datetime.date.fromisoformat(typed_text.line(search_term))
        except ValueError:
            return super().get_search_results(request, queryset, search_term)
        return queryset.filter(at__gte=start_of(day), at__lt=end_of(day)), False


@admin.register(StaffNote)
class StaffNoteAdmin(ReadOnlyAdmin):
    list_display = ("written_at", "text", "author", "case", "saver")
    main_column = "text"
    phone_parts = {"author": "side"}
    list_filter = (OfUser,)
    relations = ("author", "case", "saver")
    finds_by = ("email",)
    user_path = "saver"
    search_help_text = "A saver’s full email address"
    fields = ("written_at", "author", "case", "saver", "text")


def _on_days(rows: QuerySet[Any], first: int, last: int) -> QuerySet[Any]:
    """Return the rows of the local days from so many days ago to so many days ago."""
    today = timezone.localdate()
    since, until = (today - datetime.timedelta(days=days) for days in (first, last))
    return rows.filter(at__gte=start_of(since), at__lt=end_of(until))
