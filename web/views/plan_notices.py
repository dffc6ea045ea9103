"""Notices: giving notice of money in a plan, and cancelling it."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from savings import plans
from savings.dashboard import Saving
from web.forms.plans import NoticeForm
from web.http import SaverRequest, redirect, render_part
from web.messages import plan_exits as messages
from web.notices import notify
from web.pages import plan_notices
from web.pages.plans import card


def give_notice(request: SaverRequest, plan_id: int) -> HttpResponse:
    """Ask for money of a plan that moves to the stash only after a notice."""
    plan = get_object_or_404(request.user.plans.with_balance(), pk=plan_id)
    form = NoticeForm(request.POST if request.method == "POST" else None, user=request.user)
    if form.is_valid():
        with form.refusals():
            notice = plans.give_notice(
                request.user,
                plan,
                amount_kobo=form.cleaned_data["amount"],
                reference=form.cleaned_data["reference"],
            )
            notify(request, messages.notice_given(notice.amount_kobo))
            return redirect(request, reverse("plans:detail", args=[plan.pk]))
    status = 422 if form.errors else 200
    context = plan_notices.give_notice(plan, form)
    context["beside"] = [card(Saving.from_plan(plan), timezone.localdate())]
    return render_part(request, "plans/give_notice.html", "form", context, status=status)


@require_POST
def cancel_notice(request: SaverRequest, plan_id: int, notice_id: int) -> HttpResponse:
    """Cancel a notice that is still waiting."""
    notice = get_object_or_404(request.user.notices, pk=notice_id)
    # Not in the query: a foreign key above what a column can hold is an error there, and not 404 as for a key.
    if notice.plan_id != plan_id:
        raise Http404
    plans.cancel_notice(notice)
    notify(request, messages.notice_cancelled(notice.amount_kobo))
    return redirect(request, reverse("plans:detail", args=[plan_id]))
