"""The evidence about a dispute in one click, and contesting the dispute with it."""

from __future__ import annotations

from django.contrib import messages as notices
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from savings import backoffice
from savings.models import Case, Dispute
from web.forms.backoffice_cases import ContestForm
from web.messages import backoffice_cases as messages
from web.pages.backoffice_evidence import evidence_page
from web.pages.backoffice_links import link_to_saver
from web.staff_site import render_page, staff, staff_page

_SEE = "savings.see_saver"
_MAY_CONTEST = "savings.ask_money"


@staff_page("disputes/<int:dispute_id>/evidence/", name="evidence", permission=_SEE)
@require_safe
def evidence(request: HttpRequest, dispute_id: int) -> HttpResponse:
    """Show what the books know about a disputed payment. Each look is in the audit log."""
    return _page(request, get_object_or_404(_rows(), pk=dispute_id), ContestForm())


@staff_page("disputes/<int:dispute_id>/contest/", name="contest", permission=_SEE)
@require_POST
def contest(request: HttpRequest, dispute_id: int) -> HttpResponse:
    """Contest a dispute. The worker sends the evidence, and the provider's word alone ends the dispute."""
    by = staff(request)
    if not by.has_perm(_MAY_CONTEST):
        raise PermissionDenied
    dispute = get_object_or_404(_rows(), pk=dispute_id)
    form = ContestForm(request.POST)
    if form.is_valid():
        with form.refusals():
            backoffice.contest_dispute(dispute, by=by, **form.cleaned_data)
            notices.success(request, messages.CONTESTED)
            return HttpResponseRedirect(reverse("admin:evidence", args=[dispute.pk]))
    return _page(request, dispute, form)


def _rows() -> QuerySet[Dispute]:
    return Dispute.objects.select_related("payment__transaction__user", "answered_by")


def _page(request: HttpRequest, dispute: Dispute, form: ContestForm) -> HttpResponse:
    by = staff(request)
    found = backoffice.see_evidence(dispute, by=by)
    may_contest = by.has_perm(_MAY_CONTEST) and dispute.resolved_at is None and not dispute.answer
    return render_page(
        request,
        "evidence.html",
        title=f"Evidence about dispute {dispute.provider_id}",
        status=422 if form.is_bound else 200,
        page=evidence_page(found),
        saver_url=link_to_saver(found.payer, by),
        case=Case.objects.filter(key=f"dispute:{dispute.pk}").first(),
        form=form if may_contest or form.is_bound else None,
    )
