"""Auto-save: the list of rules, one rule, setting one up, changing, pausing, skipping and stopping it."""

from __future__ import annotations

import datetime

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from savings import autosave, dashboard, payments
from savings.models import AutosaveRule, Plan
from web import keyset
from web.auth.fresh_sign_in import ask_for_proof
from web.forms.autosave import RuleForm, initial_of
from web.forms.fields import asked_amount
from web.http import SaverRequest, redirect, render_part, wants_part
from web.messages import autosave as messages
from web.notices import notify
from web.pages import autosave as pages
from web.pages import plan_list
from web.pages.plan_start import FIRST_PAYMENT
from web.refusals import refusals_lead_to


def index(request: SaverRequest) -> HttpResponse:
    """Every rule of the user, ended ones last."""
    return render(request, "autosave/index.html", pages.index(request.user))


def detail(request: SaverRequest, rule_id: int) -> HttpResponse:
    """One rule: what comes next, and its latest dates."""
    return render(request, "autosave/detail.html", pages.detail(_own_rule(request, rule_id)))


def choose(request: SaverRequest) -> HttpResponse:
    """Choose what a new rule saves into: the stash, or one of the plans that accept money."""
    plans = dashboard.holdings(request.user).plans
    cards = plan_list.to_autosave(plans, timezone.localdate())
    return render(request, "autosave/choose.html", {"cards": cards})


def start(request: SaverRequest, plan_id: int) -> HttpResponse:
    """Set up a rule for a plan."""
    return _start(request, _own_plan(request, plan_id))


def start_stash(request: SaverRequest) -> HttpResponse:
    """Set up a rule for the stash."""
    return _start(request, None)


def _start(request: SaverRequest, plan: Plan | None) -> HttpResponse:
    form = _form(request, plan)
    if form.is_valid():
        asked = _ask_for_proof(request, form)
        if asked is not None:
            return asked
        with form.refusals():
            rule = autosave.create_rule(
                request.user, plan, form.terms, reference=form.cleaned_data["reference"]
            )
            notify(request, messages.SET_UP, messages.first_on(rule.next_on) if rule.next_on else "")
            return redirect(request, _after_set_up(request, rule))
    return _show(request, plan, form)


def _after_set_up(request: SaverRequest, rule: AutosaveRule) -> str:
    """Return the page of the rule, or that of the first payment of a plan that was just started."""
    plan_id, _ = request.session.get(FIRST_PAYMENT, (None, 0))
    if rule.plan_id is not None and rule.plan_id == plan_id:
        return reverse("plans:top_up", args=[plan_id])
    return reverse("autosave:detail", args=[rule.pk])


def edit(request: SaverRequest, rule_id: int) -> HttpResponse:
    """Change a rule."""
    rule = _own_rule(request, rule_id)
    form = _form(request, rule.plan, rule)
    if form.is_valid():
        asked = _ask_for_proof(request, form, rule)
        if asked is not None:
            return asked
        with form.refusals():
            autosave.change_rule(rule, form.terms)
            notify(request, messages.CHANGED)
            return redirect(request, reverse("autosave:detail", args=[rule.pk]))
    return _show(request, rule.plan, form, rule)


def preview(request: SaverRequest, plan_id: int) -> HttpResponse:
    """Preview the next dates of a rule for a plan. Uses POST, so that no amount is in a URL."""
    return _preview(request, _own_plan(request, plan_id))


def preview_stash(request: SaverRequest) -> HttpResponse:
    """Preview the next dates of a rule for the stash."""
    return _preview(request, None)


def _preview(request: SaverRequest, plan: Plan | None) -> HttpResponse:
    if request.method != "POST":
        back = reverse("autosave:start", args=[plan.pk]) if plan else reverse("autosave:start_stash")
        return redirect(request, back)
    form = _form(request, plan)
    rule_id = request.GET.get("rule", "")
    open_run = pages.open_run_of(request.user, int(rule_id)) if keyset.is_id(rule_id) else None
    context = {"plan": plan, **pages.preview(request.user, plan, form, open_run)}
    context["is_beside"] = wants_part(request)
    if not wants_part(request):
        # Without a script the whole page, whose form shows no errors before it is sent.
        shown = RuleForm(
            user=request.user, plan=plan, cards=list(form.cards.values()), initial=request.POST.dict()
        )
        context = pages.form(request.user, plan, shown) | context
    return render_part(request, "autosave/start.html", "preview", context)


@require_POST
@refusals_lead_to("autosave:detail")
def pause(request: SaverRequest, rule_id: int) -> HttpResponse:
    """Pause a rule."""
    autosave.pause_rule(_own_rule(request, rule_id))
    notify(request, messages.PAUSED)
    return redirect(request, reverse("autosave:detail", args=[rule_id]))


@require_POST
@refusals_lead_to("autosave:detail")
def resume(request: SaverRequest, rule_id: int) -> HttpResponse:
    """Let a paused rule run again."""
    rule = autosave.resume_rule(_own_rule(request, rule_id))
    if rule.next_on is not None:
        notify(request, messages.resumed(rule.next_on))
    return redirect(request, reverse("autosave:detail", args=[rule_id]))


@require_POST
@refusals_lead_to("autosave:detail")
def skip(request: SaverRequest, rule_id: int) -> HttpResponse:
    """Skip the date that the page named as the next one."""
    rule = _own_rule(request, rule_id)
    try:
        day = datetime.date.fromisoformat(request.POST.get("day", ""))
    except ValueError:
        raise Http404 from None
    autosave.skip_next(rule, day)
    notify(request, messages.skipped(day))
    return redirect(request, reverse("autosave:detail", args=[rule_id]))


@require_POST
def stop(request: SaverRequest, rule_id: int) -> HttpResponse:
    """End a rule for good."""
    autosave.stop_rule(_own_rule(request, rule_id))
    notify(request, messages.STOPPED)
    return redirect(request, reverse("autosave:detail", args=[rule_id]))


def _show(
    request: SaverRequest, plan: Plan | None, form: RuleForm, rule: AutosaveRule | None = None
) -> HttpResponse:
    context = pages.form(request.user, plan, form, rule=rule)
    return render_part(request, "autosave/start.html", "form", context, status=422 if form.errors else 200)


def _form(request: SaverRequest, plan: Plan | None, rule: AutosaveRule | None = None) -> RuleForm:
    """Return the form of a new rule, or of one that exists. A URL may fill it in; see `_ask_for_proof`."""
    cards = [card for card in request.user.cards.current() if not payments.why_not_chargeable(card)]
    if request.method == "POST":
        return RuleForm(request.POST, user=request.user, plan=plan, cards=cards)
    asked = _asked(request.GET)
    initial = initial_of(rule) if rule and "every" not in asked else asked
    return RuleForm(user=request.user, plan=plan, cards=cards, initial=initial)


def _asked(query: QueryDict) -> dict[str, int | str]:
    asked: dict[str, int | str] = {
        name: query.get(name, "")[:40] for name in RuleForm.field_order if name in query
    }
    if "amount" in asked:
        asked["amount"] = asked_amount(str(asked["amount"]))
    return asked


def _ask_for_proof(
    request: SaverRequest, form: RuleForm, rule: AutosaveRule | None = None
) -> HttpResponse | None:
    """Ask for a fresh sign-in where the terms need one; it leads back to the form with what was typed."""
    if not autosave.needs_fresh_sign_in(form.terms, rule):
        return None
    return ask_for_proof(request, going_to=f"{request.path}?{urlencode(form.as_query())}")


def _own_plan(request: SaverRequest, plan_id: int) -> Plan:
    return get_object_or_404(request.user.plans.with_balance(), pk=plan_id)


def _own_rule(request: SaverRequest, rule_id: int) -> AutosaveRule:
    return get_object_or_404(pages.rules_of(request.user), pk=rule_id)
