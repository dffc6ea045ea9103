"""Any list of the admin as a CSV file: asked for on the list, written by the worker, downloaded by who asked."""

from __future__ import annotations

import datetime
import html
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import label_for_field, lookup_field
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeData, SafeString
from django.utils.text import capfirst
from django.views.decorators.http import require_POST, require_safe

from savings import backoffice, statements, typed_text
from savings.exceptions import Refused
from savings.models import StaffExport, User
from web.admin.base import ReadOnlyAdmin, StaffAdmin
from web.downloads import BLOCK_BYTES, Outgoing
from web.messages import backoffice as words
from web.staff_site import staff, staff_page

_MAY_EXPORT = "savings.add_staffexport"
_ROWS_AT_ONCE = 2_000
_PAGE = {"before", "after"}


@admin.register(StaffExport)
class StaffExportAdmin(ReadOnlyAdmin):
    """The exports, the newest first. The file is for the person who asked."""

    list_display = ("what", "state", "asked_by", "rows_written", "requested_at", "file")
    phone_parts = {"file": "text"}
    relations = ("asked_by",)
    user_path = ""
    fields = (
        "listed",
        "filters",
        "asked_by",
        "state",
        "reason",
        "requested_at",
        "rows_written",
        "size_bytes",
        "sha256",
        "ready_at",
        "expires_at",
        "file",
    )

    @admin.display(description="List")
    def what(self, export: StaffExport) -> str:
        try:
            return capfirst(_admin_of(export.listed).name_of_list())
        except Http404:
            # Data of a person, which is no list.
            return capfirst(export.listed)

    @admin.display
    def file(self, export: StaffExport) -> SafeString | str:
        if export.state != StaffExport.State.READY:
            return export.reason or "-"
        if export.listed == backoffice.PERSON_LISTED:
            # Downloaded once, by another permission, on the page of the person.
            return format_html(
                '<a href="{}">File</a>', reverse("admin:export_person", args=[export.filters["user"]])
            )
        return format_html('<a href="{}">Download</a>', reverse("admin:export_file", args=[export.pk]))


@staff_page("exports/ask/<str:listed>/", name="export_ask", permission=_MAY_EXPORT)
@require_POST
def ask(request: HttpRequest, listed: str) -> HttpResponse:
    """Ask for a list with the filters of its address as a CSV file."""
    its = _admin_of(listed)
    if not its.has_view_permission(request):
        raise PermissionDenied
    typed = QueryDict(typed_text.storable(request.POST.get("filters", "")))
    filters = {
        typed_text.storable(name): typed_text.storable(str(typed[name]))
        for name in typed
        if name not in _PAGE
    }
    try:
        _rows(its, _request_for(staff(request), filters))
    except (IncorrectLookupParameters, SuspiciousOperation):
        messages.error(request, words.EXPORT_FILTERS)
        return HttpResponseRedirect(reverse(f"admin:{its.opts.app_label}_{its.opts.model_name}_changelist"))
    backoffice.request_export(listed, filters, by=staff(request))
    messages.success(request, words.EXPORT_ASKED)
    return HttpResponseRedirect(reverse("admin:savings_staffexport_changelist"))


@staff_page("exports/<int:export_id>/file", name="export_file", permission=_MAY_EXPORT)
@require_safe
def download(request: HttpRequest, export_id: int) -> HttpResponseBase:
    """The file of an export, for the person who asked for it."""
    lists = StaffExport.objects.exclude(listed=backoffice.PERSON_LISTED)
    export = get_object_or_404(lists, pk=export_id, asked_by=staff(request), state=StaffExport.State.READY)
    try:
        file = statements.open_file(export)
    except OSError:
        raise Http404 from None
    note = partial(backoffice.note_download, export, by=staff(request))
    response = FileResponse(
        Outgoing(request, file, export.size_bytes or 0, note),
        as_attachment=True,
        filename=f"asusu-{export.listed.rpartition('.')[2]}-{timezone.localdate(export.requested_at)}.csv",
        content_type="text/csv; charset=utf-8",
    )
    response.block_size = BLOCK_BYTES
    response["Content-Length"] = str(export.size_bytes)
    return response


def read_list(export: StaffExport) -> Iterator[list[str]]:
    """Yield the names of a list's columns, then its rows, as the person who asked may see them now.

    Rows are read in keyset chunks from the newest on. Raises Refused when the person may not see the list any more.
    """
    its = _admin_of(export.listed)
    # Read again: rights may have been taken since.
    request = _request_for(User.objects.get(pk=export.asked_by_id, is_active=True), export.filters)
    if not (request.user.has_perm(_MAY_EXPORT) and its.has_view_permission(request)):
        raise Refused(words.EXPORT_NOT_ALLOWED)
    columns = [name for name in its.get_list_display(request) if name != "action_checkbox"]
    rows = _rows(its, request)
    yield [str(label_for_field(name, its.model, its)) for name in columns]
    last: Any = None
    while chunk := list((rows if last is None else rows.filter(pk__lt=last))[:_ROWS_AT_ONCE]):
        its.prepare(chunk)
        for row in chunk:
            yield [_text(name, row, its) for name in columns]
        last = chunk[-1].pk


def _admin_of(listed: str) -> StaffAdmin:
    """Return the admin of a list by the name of its model. Raises Http404 for others than ours."""
    for model, its in admin.site._registry.items():
        if model._meta.label_lower == listed.lower() and isinstance(its, StaffAdmin):
            return its
    raise Http404


def _request_for(by: User, filters: Mapping[str, str]) -> HttpRequest:
    """Return the request that a person would send for the list, which Django's list reads its filters from."""
    request = HttpRequest()
    request.method = "GET"
    request.GET = QueryDict(urlencode(filters))
    request.user = by
    return request


def _rows(its: StaffAdmin, request: HttpRequest) -> QuerySet[Any]:
    """Return the rows of a list, newest first.

    Raises IncorrectLookupParameters or SuspiciousOperation for filters that the list does not have.
    """
    return its.get_changelist_instance(request).get_queryset(request).order_by("-pk")


def _text(name: Any, row: Any, its: StaffAdmin) -> str:
    field, _, value = lookup_field(name, row, its)
    if value is None:
        return ""
    if field is not None and field.choices:
        value = dict(field.flatchoices).get(value, value)
    if isinstance(value, datetime.datetime):
        return timezone.localtime(value).isoformat(sep=" ", timespec="seconds")
    if isinstance(value, SafeData):
        return html.unescape(strip_tags(str(value)))
    return str(value)


backoffice.read_lists_with(read_list)
