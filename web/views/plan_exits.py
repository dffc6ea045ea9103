"""Early exits: the quote for taking money out of a plan before its maturity, and the exit by it."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone

from savings import plans
from savings.models import Plan
from web.forms.plans import ExitForm, QuoteForm
from web.http import SaverRequest, redirect, render_part, wants_part
from web.messages import plan_exits as messages
from web.notices import notify
from web.pages import plan_exits


def quote_exit(request: SaverRequest, plan_id: int) -> HttpResponse:
    """Ask how much to take out, and show what that comes to."""
    plan = _own_plan(request, plan_id)
    if request.method == "GET" and not plans.is_early(plan, timezone.localdate()):
        return redirect(request, reverse("plans:withdraw", args=[plan.pk]))
    form = QuoteForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        with form.refusals():
            return _show_quote(request, plan, ExitForm(user=request.user), form.amount_kobo)
    return _ask(request, plan, form)


def preview_exit(request: SaverRequest, plan_id: int) -> HttpResponse:
    """Say what an exit with the typed amount would come to, beside the form that asks for the amount."""
    plan = _own_plan(request, plan_id)
    if request.method != "POST" or not wants_part(request):
        return redirect(request, reverse("plans:quote_exit", args=[plan.pk]))
    context = {"after": plan_exits.preview(plan, QuoteForm(request.POST))}
    return render(request, "forms/_comes_to.html", context)


def carry_out_exit(request: SaverRequest, plan_id: int) -> HttpResponse:
    """Take money out exactly as the quote says. A quote that is not valid any more is shown again as it is now."""
    plan = _own_plan(request, plan_id)
    if request.method != "POST":
        return redirect(request, reverse("plans:quote_exit", args=[plan.pk]))
    form = ExitForm(request.POST, user=request.user)
    if form.is_valid():
        values = form.cleaned_data
        with form.refusals():
            movement = plans.carry_out_exit(
                request.user, plan, values["quote"], reference=values["reference"]
            )
            notify(request, messages.taken_out_early(plan.name))
            return redirect(request, reverse("transactions:receipt", args=[movement.reference]))
    asked = QuoteForm(request.POST)
    if asked.is_valid():
        with asked.refusals():
            return _show_quote(request, plan, form, asked.amount_kobo)
    return _ask(request, plan, asked)


def _ask(request: SaverRequest, plan: Plan, form: QuoteForm) -> HttpResponse:
    context = plan_exits.ask(plan, form)
    status = 422 if form.errors else 200
    return render_part(request, "plans/quote_exit.html", "form", context, status=status)


def _show_quote(request: SaverRequest, plan: Plan, form: ExitForm, amount_kobo: int | None) -> HttpResponse:
    context = plan_exits.quoted(plan, request.user, form, plans.quote_days(plan, amount_kobo))
    status = 422 if form.errors else 200
    return render_part(request, "plans/carry_out_exit.html", "form", context, status=status)


def _own_plan(request: SaverRequest, plan_id: int) -> Plan:
    return get_object_or_404(request.user.plans.with_balance(), pk=plan_id)
