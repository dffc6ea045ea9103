"""The queue of requests that a second person approves, and the page of each request."""

from __future__ import annotations

from typing import Any

from django.contrib import messages as notices
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from savings import backoffice
from savings.exceptions import Refused
from savings.models import Payout, StaffRequest
from web import keyset
from web.forms.backoffice_cases import RefuseForm
from web.messages import backoffice_cases as messages
from web.pages.backoffice_cases import why_payout_cannot_be_approved
from web.pages.backoffice_links import link_to_saver
from web.pages.backoffice_requests import label, requests_shown
from web.staff_site import render_page, staff, staff_page

State = StaffRequest.State
_SEE = "savings.view_staffrequest"
_TABS = {"waiting": "Waiting", "mine": "Asked by me", "over": "Over"}
_MOST_PAYOUTS = 50


@staff_page("requests/", name="requests", permission=_SEE)
@require_safe
def requests(request: HttpRequest) -> HttpResponse:
    """Show one tab of the queue. What waits is shown whole, so that it can be approved here."""
    by = staff(request)
    tab = request.GET.get("tab", "waiting")
    tab = tab if tab in _TABS else "waiting"
    # What has waited longest is decided first.
    page = keyset.page(_of_tab(tab, by.pk), request.GET, oldest_first=tab == "waiting")
    payouts = _payouts() if tab == "waiting" and by.has_perm("savings.view_payout") else []
    return render_page(
        request,
        "requests.html",
        title="Requests to decide",
        tab=tab,
        tabs=list(_TABS.items()),
        page=page,
        requests=requests_shown(page.rows, by),
        payouts=[
            (payout, link_to_saver(payout.user, by), why_payout_cannot_be_approved(payout, by))
            for payout in payouts
        ],
    )


@staff_page("requests/<int:request_id>/", name="request", permission=_SEE)
@require_safe
def request(request: HttpRequest, request_id: int) -> HttpResponse:
    return _page(request, get_object_or_404(_rows(), pk=request_id))


@staff_page("requests/<int:request_id>/approve/", name="request_approve", permission=backoffice.MAY_DECIDE)
@require_POST
def request_approve(request: HttpRequest, request_id: int) -> HttpResponse:
    """Carry the request out, and say what became of it: done, void or expired."""
    found = get_object_or_404(_rows(), pk=request_id)
    try:
        ended = backoffice.approve(found, by=staff(request))
    except Refused as refused:
        return _page(request, get_object_or_404(_rows(), pk=request_id), refused=str(refused))
    if ended.state == State.DONE:
        reference = ended.transaction.reference if ended.transaction else ""
        notices.success(request, messages.done(label(ended.action), reference))
    else:
        say = messages.void if ended.state == State.VOID else messages.expired
        notices.error(request, say(ended.answer))
    return _back(found)


@staff_page("requests/<int:request_id>/refuse/", name="request_refuse", permission=backoffice.MAY_DECIDE)
@require_POST
def request_refuse(request: HttpRequest, request_id: int) -> HttpResponse:
    found = get_object_or_404(_rows(), pk=request_id)
    form = RefuseForm(request.POST)
    if form.is_valid():
        with form.refusals():
            backoffice.refuse(found, by=staff(request), answer=form.cleaned_data["answer"])
            notices.success(request, messages.REFUSED)
            return _back(found)
    return _page(request, get_object_or_404(_rows(), pk=request_id), form=form)


@staff_page("requests/<int:request_id>/withdraw/", name="request_withdraw", permission=_SEE)
@require_POST
def request_withdraw(request: HttpRequest, request_id: int) -> HttpResponse:
    found = get_object_or_404(_rows(), pk=request_id)
    try:
        backoffice.withdraw(found, by=staff(request))
    except Refused as refused:
        return _page(request, get_object_or_404(_rows(), pk=request_id), refused=str(refused))
    notices.success(request, messages.WITHDRAWN)
    return _back(found)


@staff_page(
    "requests/payouts/<int:payout_id>/approve/", name="payout_approve", permission="savings.change_payout"
)
@require_POST
def payout_approve(request: HttpRequest, payout_id: int) -> HttpResponse:
    """Approve a withdrawal of the queue. Refusing one needs a reason, on its own page."""
    payout = get_object_or_404(Payout.objects.select_related("transaction"), pk=payout_id)
    try:
        backoffice.approve_payout(payout, by=staff(request))
    except Refused as refused:
        notices.error(request, f"{payout}: {refused}")
    else:
        notices.success(request, messages.payout_approved(payout.transaction.reference))
    return HttpResponseRedirect(reverse("admin:requests"))


def _rows() -> QuerySet[StaffRequest]:
    return StaffRequest.objects.select_related("saver", "case", "asked_by", "decided_by", "transaction")


def _of_tab(tab: str, user_id: int) -> QuerySet[StaffRequest]:
    if tab == "mine":
        return _rows().filter(asked_by=user_id)
    return _rows().exclude(state=State.WAITING) if tab == "over" else _rows().filter(state=State.WAITING)


def _payouts() -> list[Payout]:
    """Return the withdrawals that wait for approval, the oldest first."""
    rows = Payout.objects.filter(state=Payout.State.APPROVAL).select_related(
        "transaction", "user", "recipient"
    )
    return list(rows.order_by("asked_at")[:_MOST_PAYOUTS])


def _back(found: StaffRequest) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:request", args=[found.pk]))


def _page(
    request: HttpRequest, found: StaffRequest, *, form: RefuseForm | None = None, refused: str = ""
) -> HttpResponse:
    context: dict[str, Any] = {"form": form or RefuseForm(), "refused": refused}
    (shown,) = requests_shown([found], staff(request))
    return render_page(
        request,
        "request.html",
        title=f"Request {found.pk}",
        subtitle=shown.title,
        status=422 if form or refused else 200,
        shown=shown,
        **context,
    )
