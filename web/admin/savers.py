"""A saver on one page for staff: money, rows, ways to sign in and notes. Every look is in the audit log."""

from __future__ import annotations

from django.contrib import messages as notices
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from savings import backoffice
from savings.models import User
from web.forms.backoffice_savers import NoteForm
from web.messages import backoffice_savers as messages
from web.messages import lists
from web.pages import savers as saver_pages
from web.staff_site import render_page, staff, staff_page

# Each of these rights allows something on the page of every saver.
_ACTING = (
    "savings.work_case",
    "savings.ask_money",
    "savings.freeze_user",
    "savings.help_user",
    "savings.close_user",
    "savings.hand_over_data",
)


@staff_page("savers/<int:user_id>/", name="saver", permission="savings.see_saver")
@require_safe
def saver(request: HttpRequest, user_id: int) -> HttpResponse:
    """Everything about a saver."""
    user = get_object_or_404(User, pk=user_id)
    backoffice.record(backoffice.Verb.SAVER_SEEN, by=staff(request), saver=user, subject=f"user:{user.pk}")
    return _page(request, user, NoteForm())


@staff_page("savers/<int:user_id>/notes/", name="write_saver_note", permission="savings.see_saver")
@require_POST
def write_saver_note(request: HttpRequest, user_id: int) -> HttpResponse:
    """Write a note about a saver."""
    if not staff(request).has_perm("savings.work_case"):
        raise PermissionDenied
    user = get_object_or_404(User, pk=user_id)
    form = NoteForm(request.POST)
    if form.is_valid():
        with form.refusals():
            backoffice.write_saver_note(user, form.cleaned_data["text"], by=staff(request))
            notices.success(request, messages.NOTE_WRITTEN)
            return HttpResponseRedirect(f"{reverse('admin:saver', args=[user.pk])}#notes")
    return _page(request, user, form)


def _page(request: HttpRequest, user: User, form: NoteForm) -> HttpResponse:
    sheet = backoffice.saver_sheet(user)
    may = staff(request).has_perm
    groups, without = saver_pages.groups(sheet, may=may)
    return render_page(
        request,
        "saver.html",
        title=user.name or user.email,
        status=422 if form.errors else 200,
        saver=user,
        sheet=sheet,
        states=saver_pages.states(sheet),
        groups=groups,
        without=without,
        open_cases=sum(case.is_open for case in sheet.cases),
        cases=[
            (row, url, *lists.case_title(row.summary))
            for row, url in saver_pages.with_links("case", sheet.cases, may=may)
        ],
        requests=[
            (row, url, backoffice.ACTIONS[row.action].label)
            for row, url in saver_pages.with_links("request", sheet.requests, may=may)
        ],
        form=form,
        may_note=may("savings.work_case"),
        may_see_cases=may("savings.view_case"),
        may_see_audit=may("savings.view_auditrow"),
        may_act=any(may(permission) for permission in _ACTING),
    )
