"""The audit log and the notes of staff: read-only. Each search and filter of the log has an index."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from savings import typed_text
from savings.backoffice import Verb
from savings.models import AuditRow, StaffNote, User
from savings.models.audit import AuditRowQuerySet
from savings.models.local_days import end_of, start_of
from web import keyset
from web.admin.base import ConditionFilter, KeysetList, OfUser, ReadOnlyAdmin
from web.messages import admin as words
from web.pages.backoffice_cases import Fact
from web.pages.backoffice_requests import label

_MOST_STAFF = 100
_ACTIONS = "actions"
# Their text begins with the code of an action.
_OF_REQUESTS = {Verb.REQUEST_MADE, Verb.REQUEST_APPROVED}
# Looks that are one row in the list, if the next one follows soon.
_LOOKS = {Verb.SAVER_SEEN, Verb.PAGE_SEEN}
_SAME = ("verb", "staff_id", "saver_id", "subject", "text")
_SOON = datetime.timedelta(minutes=5)


class ByVerb(admin.SimpleListFilter):
    title = "what"
    parameter_name = "verb"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        return [(_ACTIONS, "Actions only"), *Verb.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == _ACTIONS:
            return cast("AuditRowQuerySet", queryset).actions()
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


class AuditList(KeysetList):
    """The audit log, in which looks at the same saver within minutes are one row with their number."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(_gathered(self.result_list))


@admin.register(AuditRow)
class AuditRowAdmin(ReadOnlyAdmin):
    """What staff looked at and did. A row names people by their number, and the database refuses changes."""

    list_display = ("at", "what", "staff", "saver", "about", "text")
    main_column = "what"
    second_lines = {"text": "what"}
    phone_parts = {"staff": "side", "about": "text"}
    list_filter = (AuditDay, ByVerb, ByStaff, OfSaver)
    relations = ("staff", "saver")
    finds_by = ("subject", "verb", "email")
    user_path = "saver"
    search_help_text = (
        "Such as withdrawal 12 or request 3, a saver’s full email address, or a day such as 2026-11-29"
    )
    # What and when are its title.
    fields = ("staff", "saver", "about", "text")
    head = ("staff", "saver", "about")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row: AuditRow = context["original"]
        all_lines = reverse("admin:savings_auditrow_changelist")
        if row.staff_id:
            context["facts"] = [Fact("More", words.SAME_STAFF, f"{all_lines}?staff={row.staff_id}")]
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="About")
    def about(self, row: AuditRow) -> str:
        # The column beside it names the person.
        return "" if row.saver_id and row.subject == f"user:{row.saver_id}" else words.subject(row.subject)

    @admin.display(description="What")
    def what(self, row: AuditRow) -> str:
        return words.times(Verb(row.verb).label, getattr(row, "looks", 1))

    @admin.display(description="Text")
    def text(self, row: AuditRow) -> str:
        """Return the text of a row, in which a request names its action, and an export its list, by its code."""
        if row.verb == Verb.LIST_EXPORTED:
            return words.exported(row.text)
        action, colon, rest = row.text.partition(":")
        return f"{label(action)}{colon}{rest}" if row.verb in _OF_REQUESTS else row.text

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return AuditList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditRow], search_term: str
    ) -> tuple[QuerySet[AuditRow], bool]:
        try:
            day = datetime.date.fromisoformat(typed_text.line(search_term))
        except ValueError:
            return super().get_search_results(request, queryset, words.code_of(search_term.strip()))
        return queryset.filter(at__gte=start_of(day), at__lt=end_of(day)), False


@admin.register(StaffNote)
class StaffNoteAdmin(ReadOnlyAdmin):
    list_display = ("written_at", "text", "author", "case", "saver")
    main_column = "text"
    phone_parts = {"saver": "side", "author": "text"}
    list_filter = (OfUser,)
    relations = ("author", "case", "saver")
    finds_by = ("email",)
    user_path = "saver"
    search_help_text = "A saver’s full email address"
    fields = ("written_at", "author", "case", "saver", "text")


def _gathered(rows: Iterable[AuditRow]) -> Iterator[AuditRow]:
    """Yield the rows of a page, with looks by one person at one saver, soon after each other, as the newest of them."""
    found: list[list[AuditRow]] = []
    for row in rows:
        if found and _is_same_look(found[-1][-1], row):
            found[-1].append(row)
        else:
            found.append([row])
    for newest, *older in found:
        newest.looks = 1 + len(older)  # type: ignore[attr-defined] # read by the column
        yield newest


def _is_same_look(newer: AuditRow, row: AuditRow) -> bool:
    is_same = all(getattr(newer, name) == getattr(row, name) for name in _SAME)
    return is_same and row.verb in _LOOKS and newer.at - row.at < _SOON


def _on_days(rows: QuerySet[Any], first: int, last: int) -> QuerySet[Any]:
    """Return the rows of the local days from so many days ago to so many days ago."""
    today = timezone.localdate()
    since, until = (today - datetime.timedelta(days=days) for days in (first, last))
    return rows.filter(at__gte=start_of(since), at__lt=end_of(until))
