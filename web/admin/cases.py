"""Cases and requests for staff: lists here, and a page of our own for each case and request."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.timesince import timesince

from savings.models import Case, StaffRequest
from web.admin import shown
from web.admin.base import ConditionFilter, KeysetList, OfUser, ReadOnlyAdmin
from web.messages import admin as words
from web.messages import lists
from web.pages.backoffice_requests import title
from web.staff_site import staff

_Rows = QuerySet[Case]


def _open_of(kind: Case.Kind) -> tuple[str, Callable[[_Rows], _Rows]]:
    return str(kind.label), lambda rows: rows.filter(state=Case.State.OPEN, kind=kind)


def opens_with_open(request: HttpRequest) -> bool:
    """Return whether a request names no filter and no search: then the list has the open cases."""
    return not {"state", "open", "user", "q"} & set(request.GET)


class CaseState(ConditionFilter):
    title = "state"
    parameter_name = "state"
    conditions = {
        "open": ("Open", lambda rows: rows.filter(state=Case.State.OPEN)),
        # Of the reader, whom `CaseState.queryset` knows. Each assignee's open cases have an index.
        "mine": ("Mine", lambda rows: rows.filter(state=Case.State.OPEN)),
        "due": ("With a deadline", lambda rows: rows.filter(state=Case.State.OPEN, due_at__isnull=False)),
        # Most cases are solved, so the list by id finds a page of them at once.
        "solved": ("Solved", lambda rows: rows.filter(state=Case.State.SOLVED)),
        "all": ("All", lambda rows: rows),
    }

    def value(self) -> str | None:
        return super().value() or self._default

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        self._default = "open" if opens_with_open(request) else None
        super().__init__(request, params, model, model_admin)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        if self.value() == "mine":
            queryset = queryset.filter(assignee=staff(request))
        return super().queryset(request, queryset)

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        # Without the choice "All", which leads to the list without filters: that has the open cases.
        return itertools.islice(super().choices(changelist), 1, None)


class CaseList(KeysetList):
    """The list of cases, which leads to our own page of each."""

    # Without a filter it has the open ones: the others are a filter away.
    has_rows = True

    def url_for_result(self, result: Model) -> str:
        return reverse("admin:case", args=[result.pk])

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if self.is_oldest_first(request):
            # Pages are by number; on a page, a case that was opened again stands where it waits since.
            self.result_list = sorted(self.result_list, key=lambda case: (case.opened_at, case.pk))

    def is_oldest_first(self, request: HttpRequest) -> bool:
        is_work = request.GET.get("state") in {"open", "mine", "due"} or "open" in request.GET
        return is_work or opens_with_open(request)


class OpenKind(ConditionFilter):
    """The open cases of one kind, to which the front page leads."""

    title = "open, by kind"
    parameter_name = "open"
    conditions = {kind.value: _open_of(kind) for kind in Case.Kind}


@admin.register(Case)
class CaseAdmin(ReadOnlyAdmin):
    list_display = (
        "title",
        "facts",
        "amount",
        "kind",
        "state",
        "saver",
        "assignee",
        "due_at",
        "age",
        "opened_at",
    )
    second_lines = {"facts": "title", "age": "opened_at", "kind": "state"}
    phone_parts = {"assignee": "text"}
    list_filter = (CaseState, OpenKind, OfUser)
    relations = (
        "saver",
        "assignee",
        "solved_by",
        "payment__transaction",
        "payout__transaction",
        "refund__transaction",
        "dispute",
    )
    finds_by = ("key", "email")
    user_path = "saver"
    search_help_text = "What it is about, such as withdrawal 12, or a saver’s full email address"
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

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Case], search_term: str
    ) -> tuple[QuerySet[Case], bool]:
        return super().get_search_results(request, queryset, words.code_of(search_term.strip()))

    @admin.display(description="Case")
    def title(self, case: Case) -> str:
        return lists.case_title(case.summary)[0]

    @admin.display
    def facts(self, case: Case) -> str:
        """Return the number of a case, by which people speak of it, and the facts."""
        return lists.numbered(case.pk, lists.case_title(case.summary)[1])

    @admin.display
    def amount(self, case: Case) -> str:
        """Return the money to decide about: of a payment what arrived, once the provider has said it."""
        about = case.payout or case.refund or case.payment
        if case.dispute:
            return shown.naira(case.dispute.amount_kobo)
        if about is case.payment and case.payment and case.payment.paid_kobo is not None:
            return shown.naira(case.payment.paid_kobo)
        return shown.naira(about.transaction.amount_kobo if about else None)

    @admin.display(description="Open for")
    def age(self, case: Case) -> str:
        return lists.waited(timesince(case.opened_at, depth=1)) if case.is_open else shown.NONE

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
    list_display = (
        "asked",
        "amount",
        "state",
        "saver",
        "asked_by",
        "asked_at",
        "decided_by",
        "expires_at",
        "id",
    )
    phone_parts = {"id": "", "expires_at": "text"}
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

    @admin.display(description="What")
    def asked(self, row: StaffRequest) -> str:
        return title(row)

    @admin.display
    def amount(self, row: StaffRequest) -> str:
        """Return the largest entry that a request posts: the others are its fees and taxes."""
        return shown.naira(max((line[2] for line in row.lines), default=None))
