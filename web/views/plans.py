"""Plans: the list, one plan, starting, editing, closing, topping up and withdrawing."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from savings import autosave, dashboard, money, plans, references
from savings.models import (
    Account,
    AutosaveRule,
    AutosaveRun,
    Circle,
    Entry,
    InterestPosting,
    Membership,
    Notice,
    Plan,
    Product,
    RatePeriod,
    SavedCard,
    TaxRate,
    Transaction,
)
from savings.models.circles import shares_rank
from savings.models.plans import InterestPaid
from web.caching import pages as page_cache
from web.forms.fields import asked_amount
from web.forms.plans import EditForm, StartForm, TopUpForm, WithdrawForm
from web.http import SaverRequest, redirect, render_part, wants_part
from web.messages import amounts as amount_messages
from web.messages import plans as messages
from web.notices import notify
from web.pages import interest as interest_pages
from web.pages import paid_interest as paid_interest_pages
from web.pages import plan_list, plan_notices, plan_standing, plan_start, plan_terms
from web.pages import plans as plan_pages
from web.refusals import refusals_lead_to
from web.views.payments import pay

# What each field of the edit form calls with a new value.
_CHANGES: dict[str, Callable[[Plan, Any], None]] = {
    "name": plans.rename,
    "target": plans.change_goal,
    "matures_on": plans.extend,
    "at_maturity": plans.change_at_maturity,
    "interest_to": plans.change_interest_to,
    "earns_interest": lambda plan, on: plans.switch_interest(plan, on=on),
}
_CHANGED = ["name", "target_kobo", "matures_on", "at_maturity", "interest_to", "earns_interest"]


# The sum that is needed each month is that of an auto-save where one pays it. Of circles the page shows the end, which
# never changes, and whether a final rank is shared.
@page_cache.page(
    shows=(Account, AutosaveRule, AutosaveRun, Entry, Plan, Product, TaxRate, Transaction),
    own=(Circle, Membership),
)
def index(request: SaverRequest) -> HttpResponse:
    """Every plan of the user, with totals: those that need the user, those that run, and those that are over."""
    context = plan_list.index(dashboard.holdings(request.user), timezone.localdate())
    return render(request, "plans/index.html", context)


# The page shows the rank in a running circle, under the version of its board, and the name of an ended circle: renaming
# it then touches the members who have a rank in it.
@page_cache.page(
    shows=(
        Account,
        AutosaveRule,
        AutosaveRun,
        Entry,
        InterestPosting,
        Notice,
        Plan,
        Product,
        RatePeriod,
        SavedCard,
        TaxRate,
        Transaction,
    ),
    own=(Circle, Membership),
    also=plan_notices.clock_hour,
)
def detail(request: SaverRequest, plan_id: int) -> HttpResponse:
    """One plan: its balance, history, interest, terms and latest transactions."""
    mine = plans.with_milestones(request.user.plans.with_balance().with_last_interest())
    mine = mine.annotate(**autosave.filling_columns("pk"), shares_rank=shares_rank("membership__"))
    plan = get_object_or_404(mine, pk=plan_id)
    context = plan_pages.detail(plan)
    if context["in_circle"] is not None:
        page_cache.shows_circle(request, plan.membership.circle_id, context["in_circle"].version)
    return render(request, "plans/detail.html", context)


@page_cache.page("year", "month", shows=(Account, Entry, InterestPosting, Plan, Transaction))
def paid_interest(request: SaverRequest) -> HttpResponse:
    """The interest that all plans of the user were paid in a year, by month."""
    return render(request, "plans/paid_interest.html", paid_interest_pages.year(request.user, request.GET))


def interest(request: SaverRequest, plan_id: int) -> HttpResponse:
    """The proof of a plan's interest: each day, what was posted, and what is left."""
    plan = _own_plan(request, plan_id)
    return render(request, "plans/interest.html", interest_pages.proof(plan, request.GET))


def start(request: SaverRequest) -> HttpResponse:
    """Start a plan."""
    products = _offered()
    if request.method != "POST":
        initial = plan_start.initial(request.GET, products)
        form = StartForm(user=request.user, products=products, initial=initial)
        return render_part(request, "plans/start.html", "form", plan_start.start(form, request.user))
    form = StartForm(request.POST, user=request.user, products=products)
    if form.is_valid():
        with form.refusals():
            plan = _start(request, form)
            unused = plan_start.unused_date(form.cleaned_data["product"], form.cleaned_data["matures_on"])
            notify(request, messages.ready(plan.name, autosaves=form.cleaned_data["autosaves"]), unused)
            if form.cleaned_data["first"]:
                request.session[plan_start.FIRST_PAYMENT] = [plan.pk, form.cleaned_data["first"]]
            return redirect(request, _after_start(plan, form))
    return render_part(request, "plans/start.html", "form", plan_start.start(form, request.user), status=422)


def _after_start(plan: Plan, form: StartForm) -> str:
    """Return the page for the next step of a new plan: its auto-save, or its first payment."""
    if not form.cleaned_data["autosaves"]:
        return reverse("plans:top_up", args=[plan.pk])
    monthly = form.cleaned_data["monthly"]
    query = f"?{urlencode({'amount': money.figures(monthly)})}" if monthly else ""
    return reverse("autosave:start", args=[plan.pk]) + query


def preview_start(request: SaverRequest) -> HttpResponse:
    """Preview what a plan would earn. Uses POST, so that no name, amount or token is in a URL."""
    if request.method != "POST":
        return redirect(request, reverse("plans:start"))
    products = _offered()
    context = plan_start.start(StartForm(request.POST, user=request.user, products=products), request.user)
    # The preview shows no errors for missing fields; submitting the form does.
    context["form"] = StartForm(user=request.user, products=products, initial=request.POST.dict())
    context["is_beside"] = wants_part(request)
    return render_part(request, "plans/start.html", "preview", context)


def edit(request: SaverRequest, plan_id: int) -> HttpResponse:
    """Change a plan. A later end is asked about first, because it never moves back."""
    plan, today = _own_plan(request, plan_id), timezone.localdate()
    form = EditForm(request.POST if request.method == "POST" else None, plan=plan, today=today)
    extension: list[str] = []
    if form.is_valid():
        with form.refusals():
            if form.later_end:
                plans.check_extension(plan, form.later_end, today)
                extension = plan_terms.extension_sentences(plan, form.later_end)
            if form.is_confirmed:
                _change(plan, form)
                notify(request, messages.CHANGED)
                return redirect(request, reverse("plans:detail", args=[plan.pk]))
        # A refused transaction was rolled back, but the instance still has the new values.
        plan.refresh_from_db(fields=_CHANGED)
    context = {"plan": plan, "form": form, "extension": extension}
    return render_part(request, "plans/edit.html", "form", context, status=422 if form.errors else 200)


@require_POST
@refusals_lead_to("plans:detail")
def close(request: SaverRequest, plan_id: int) -> HttpResponse:
    """Close an empty plan."""
    plan = _own_plan(request, plan_id)
    plans.close(plan)
    notify(request, messages.closed(plan.name))
    return redirect(request, reverse("plans:index"))


def choose_top_up(request: SaverRequest) -> HttpResponse:
    """Choose where the money should go: the stash, or one of the plans that accept money."""
    context = plan_list.to_top_up(dashboard.holdings(request.user), timezone.localdate())
    return render(request, "plans/choose_top_up.html", context)


def top_up(request: SaverRequest, plan_id: int) -> HttpResponse:
    """Top up a plan by card, which redirects to the provider, or from the stash, which is immediate."""
    plan = _own_plan(request, plan_id)
    amount = asked_amount(request.GET.get("amount", "")) or _first_payment(request, plan)
    initial = {"amount": amount} | ({"source": request.GET["from"]} if "from" in request.GET else {})
    data = request.POST if request.method == "POST" else None
    form = TopUpForm(data, user=request.user, initial=initial)
    if form.is_valid():
        with form.refusals():
            return _top_up(request, plan, form)
    status = 422 if form.errors else 200
    return render_part(request, "plans/top_up.html", "form", plan_pages.top_up(plan, form), status=status)


def withdraw(request: SaverRequest, plan_id: int) -> HttpResponse:
    """Move money from a plan to the stash, or lead to the form of a plan that needs notice, or a quote."""
    plan = _own_plan(request, plan_id)
    instead = plan_pages.instead_of_withdraw(plan) if request.method == "GET" else None
    if instead:
        return redirect(request, reverse(instead, args=[plan.pk]))
    data = request.POST if request.method == "POST" else None
    form = WithdrawForm(
        data, user=request.user, initial={"amount": asked_amount(request.GET.get("amount", ""))}
    )
    if form.is_valid():
        with form.refusals():
            movement = plans.move_from_plan(
                request.user,
                plan,
                amount_kobo=form.cleaned_data["amount"],
                reference=form.cleaned_data["reference"],
            )
            notify(request, amount_messages.in_stash(movement.amount_kobo))
            return redirect(request, reverse("transactions:receipt", args=[movement.reference]))
    status = 422 if form.errors else 200
    return render_part(request, "plans/withdraw.html", "form", plan_pages.withdraw(plan, form), status=status)


def _own_plan(request: SaverRequest, plan_id: int) -> Plan:
    mine = request.user.plans.with_balance().annotate(**autosave.filling_columns("pk"))
    return get_object_or_404(mine, pk=plan_id)


def _offered() -> list[Product]:
    return list(Product.objects.offered().prefetch_related("rates"))


def _first_payment(request: SaverRequest, plan: Plan) -> int | str:
    """Return the intended first payment in kobo, if the user has just started this plan."""
    plan_id, amount_kobo = request.session.get(plan_start.FIRST_PAYMENT, (None, ""))
    return amount_kobo if plan_id == plan.pk else ""


def _start(request: SaverRequest, form: StartForm) -> Plan:
    values = form.cleaned_data
    product: Product = values["product"]
    ends: datetime.date | None = values["matures_on"] if product.has_term else None
    pays_monthly = product.interest_paid == InterestPaid.MONTHLY
    return plans.open_plan(
        request.user,
        product,
        reference=values["reference"],
        name=values["name"],
        target_kobo=values["target"],
        matures_on=ends,
        # Fields that do not apply to the product are hidden by the style sheet alone: their values are ignored.
        at_maturity=(product.has_term and values["at_maturity"]) or Plan.AtMaturity.STASH,
        interest_to=(pays_monthly and values["interest_to"]) or Plan.InterestTo.PLAN,
    )


@transaction.atomic
def _change(plan: Plan, form: EditForm) -> None:
    for field, value in form.changes.items():
        _CHANGES[field](plan, value)


def _top_up(request: SaverRequest, plan: Plan, form: TopUpForm) -> HttpResponse:
    """Top up the plan from the form's source."""
    amount_kobo, reference = form.cleaned_data["amount"], form.cleaned_data["reference"]
    if form.cleaned_data["source"] != TopUpForm.STASH:
        return pay(request, form, plan=plan)
    movement = plans.move_to_plan(
        request.user,
        plan,
        amount_kobo=amount_kobo,
        reference=references.with_prefix(reference, Transaction.Kind.STASH_TO_PLAN),
    )
    notify(request, amount_messages.in_plan(amount_kobo, plan.name), plan_standing.milestone(movement))
    return redirect(request, reverse("transactions:receipt", args=[movement.reference]))
