"""The page of a case, and what staff do there: assign, write a note, solve, ask the provider."""

from __future__ import annotations

from django import forms
from django.contrib import messages as notices
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from savings import backoffice, typed_text
from savings.exceptions import ProviderRefused, ProviderUnavailable, Refused
from savings.models import Case, User
from web import keyset
from web.forms.backoffice_cases import AssignForm, NoteForm, QuestionForm, SolveForm
from web.messages import backoffice_cases as messages
from web.messages import lists
from web.pages.backoffice_cases import case_page, find_case
from web.pages.backoffice_links import link_to_saver
from web.staff_site import render_page, staff, staff_page

_WORK = "savings.work_case"


@staff_page("cases/<int:case_id>/", name="case", permission="savings.view_case")
@require_safe
def case(request: HttpRequest, case_id: int) -> HttpResponse:
    return _page(request, get_object_or_404(find_case(case_id)))


@staff_page("cases/new/", name="case_new", permission=_WORK)
@require_http_methods(["GET", "HEAD", "POST"])
def case_new(request: HttpRequest) -> HttpResponse:
    """Open a case for the question of the saver that the URL names."""
    typed = request.GET.get("user", "")
    saver = get_object_or_404(User, pk=int(typed) if keyset.is_id(typed) else 0)
    form = QuestionForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        with form.refusals():
            opened = backoffice.open_question(saver, by=staff(request), **form.cleaned_data)
            return _back(request, opened, messages.OPENED)
    return render_page(
        request,
        "case_new.html",
        title="Open a case",
        status=422 if form.errors else 200,
        saver=saver,
        saver_url=link_to_saver(saver, staff(request)),
        form=form,
    )


@staff_page("cases/<int:case_id>/assign/", name="case_assign", permission=_WORK)
@require_POST
def case_assign(request: HttpRequest, case_id: int) -> HttpResponse:
    """Give the case to somebody who works on cases, or to nobody."""
    found = get_object_or_404(find_case(case_id))
    form = AssignForm(request.POST)
    if form.is_valid():
        with form.refusals():
            person = form.people.get(form.cleaned_data["assignee"])
            backoffice.assign(found, person, by=staff(request))
            said = messages.assigned_to(person.name) if person else messages.ASSIGNED_TO_NOBODY
            return _back(request, found, said)
    return _page(request, found, assign=form)


@staff_page("cases/<int:case_id>/note/", name="case_note", permission=_WORK)
@require_POST
def case_note(request: HttpRequest, case_id: int) -> HttpResponse:
    found = get_object_or_404(find_case(case_id))
    form = NoteForm(request.POST)
    if form.is_valid():
        with form.refusals():
            backoffice.write_note(form.cleaned_data["text"], by=staff(request), case=found)
            return _back(request, found, messages.NOTE_WRITTEN)
    return _page(request, found, note=form)


@staff_page("cases/<int:case_id>/solve/", name="case_solve", permission=_WORK)
@require_POST
def case_solve(request: HttpRequest, case_id: int) -> HttpResponse:
    """Solve the case by a sentence. The second of two people is told that it is solved, and sees it."""
    found = get_object_or_404(find_case(case_id))
    form = SolveForm(request.POST)
    if form.is_valid():
        with form.refusals():
            backoffice.solve(found, by=staff(request), outcome=form.cleaned_data["outcome"])
            return _back(request, found, messages.SOLVED)
    return _page(request, get_object_or_404(find_case(case_id)), solve=form)


@staff_page(
    "cases/<int:case_id>/ask-provider/", name="case_ask_provider", permission="savings.change_payment"
)
@require_POST
def case_ask_provider(request: HttpRequest, case_id: int) -> HttpResponse:
    """Ask the provider about the case, and show its answer as a message."""
    found = get_object_or_404(find_case(case_id))
    try:
        said = backoffice.ask_provider(found, by=staff(request))
    except (ProviderUnavailable, ProviderRefused) as error:
        said = f"{messages.PROVIDER_AWAY} {typed_text.describe_error(error)}"
        return _back(request, found, said, level=notices.ERROR)
    except Refused as refused:
        return _back(request, found, str(refused), level=notices.ERROR)
    return _back(request, found, said)


def _back(
    request: HttpRequest, found: Case, said: str, *, level: int = notices.SUCCESS
) -> HttpResponseRedirect:
    notices.add_message(request, level, said)
    return HttpResponseRedirect(reverse("admin:case", args=[found.pk]))


def _page(
    request: HttpRequest,
    found: Case,
    *,
    assign: AssignForm | None = None,
    note: NoteForm | None = None,
    solve: SolveForm | None = None,
) -> HttpResponse:
    by = staff(request)
    sent = [form for form in (assign, note, solve) if form is not None]
    may_work = by.has_perm(_WORK)
    shown: dict[str, forms.Form | None] = {
        "assign": assign or AssignForm(initial={"assignee": found.assignee_id}) if may_work else None,
        "note": note or NoteForm() if may_work else None,
        "solve": solve or SolveForm() if may_work else None,
    }
    return render_page(
        request,
        "case.html",
        title=f"Case {found.pk}",
        subtitle=found.get_kind_display(),
        status=422 if sent else 200,
        sent=sent,
        heading=lists.case_title(found.summary)[0],
        page=case_page(found, by),
        may_ask_provider=by.has_perm("savings.change_payment"),
        **shown,
    )
