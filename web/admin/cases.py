"""Cases and requests for staff: lists here, and a page of our own for each case and request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from savings.models import Case, StaffRequest
from web.admin.base import ConditionFilter, KeysetList, OfUser, ReadOnlyAdmin

_Rows = QuerySet[Case]


def _open_of(kind: Case.Kind) -> tuple[str, Callable[[_Rows], _Rows]]:
    return str(kind.label), lambda rows: rows.filter(state=Case.State.OPEN, kind=kind)


class CaseState(ConditionFilter):
    title = "state"
    parameter_name = "state"
    conditions = {
        "open": ("Open", lambda rows: rows.filter(state=Case.State.OPEN)),
        "due": ("With a deadline", lambda rows: rows.filter(state=Case.State.OPEN, due_at__isnull=False)),
    }


class CaseList(KeysetList):
    """The list of cases, which leads to our own page of each."""

    def url_for_result(self, result: Model) -> str:
        return reverse("admin:case", args=[result.pk])


class OpenKind(ConditionFilter):
    """The open cases of one kind, to which the front page leads."""

    title = "open, by kind"
    parameter_name = "open"
    conditions = {kind.value: _open_of(kind) for kind in Case.Kind}


@admin.register(Case)
class CaseAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "summary", "due_at", "opened_at", "assignee", "state")
    list_filter = (CaseState, OpenKind, OfUser)
    relations = ("saver", "assignee", "solved_by")
    finds_by = ("key", "email")
    user_path = "saver"
    search_help_text = "What it is about, such as payout:12, or a saver’s full email address"
    fields = (
        "kind",
        "summary",
        "state",
        "saver",
        "payment",
        "event",
        "dispute",
        "refund",
        "payout",
        "opened_at",
        "due_at",
        "assignee",
        "solved_at",
        "solved_by",
        "outcome",
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CaseList


class RequestList(KeysetList):
    """The list of requests, which leads to our own page of each."""

    def url_for_result(self, result: Model) -> str:
        return reverse("admin:request", args=[result.pk])


class RequestState(ConditionFilter):
    title = "state"
    parameter_name = "state"
    conditions = {"waiting": ("Waits", lambda rows: rows.filter(state=StaffRequest.State.WAITING))}


@admin.register(StaffRequest)
class StaffRequestAdmin(ReadOnlyAdmin):
    change_list_template = "admin/request_list.html"
    list_display = ("id", "action", "saver", "asked_by", "asked_at", "state", "decided_by", "expires_at")
    list_filter = (RequestState, OfUser)
    relations = ("saver", "asked_by", "decided_by", "transaction")
    finds_by = ("reference", "email")
    user_path = "saver"
    search_help_text = "Full reference or a saver’s full email address"
    fields = (
        "action",
        "reference",
        "saver",
        "case",
        "reason",
        "asked_by",
        "asked_at",
        "expires_at",
        "state",
        "decided_by",
        "ended_at",
        "answer",
        "transaction",
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return RequestList
