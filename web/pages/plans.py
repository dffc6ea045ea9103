"""Prepares the pages of plans: figures and texts ready to print."""

from __future__ import annotations

import dataclasses
import datetime
import functools
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from savings import autosave as savings_autosave
from savings import dashboard, ledger, money
from savings.dashboard import Growth, Saving
from savings.exceptions import Refused
from savings.leaderboards import in_words
from savings.models import Membership, Plan, Product, Transaction
from savings.models.plans import EarlyExit
from savings.plans import (
    QUARTERS,
    Every,
    Standing,
    State,
    check_accepts_money,
    exit_penalty_kobo,
    is_early,
    needs_notice,
)
from savings.prepared_queries import prepared
from web import date_formats
from web.forms.plans import TopUpForm, WithdrawForm
from web.messages import plans as messages
from web.pages import amounts, autosave, interest, plan_notices, plan_over, plan_standing, plan_terms
from web.pages import transactions as transaction_rows
from web.pages.charts import area_chart
from web.pages.payments import card_note
from web.pages.rank_in_circle import rank_in_circle

_ICONS = {
    Product.Kind.FLEXIBLE: "leaf",
    Product.Kind.TARGET: "target",
    Product.Kind.LOCKED: "lock",
    Product.Kind.EMERGENCY: "umbrella",
}
LATEST = 6


@dataclasses.dataclass(frozen=True, slots=True)
class PlanCard:
    """A plan's card: balance, progress, what the progress is relative to, and where the plan stands in words."""

    plan: Saving
    icon: str
    terms: str
    balance_kobo: int
    # Text, because templates localise numbers and this is also the value of an attribute.
    percent: str | None
    progress_text: str
    end_text: str
    stands_text: str
    is_reached: bool
    has_no_goal: bool
    is_in_circle: bool
    # The final rank in the circle that the plan belonged to, in words.
    place: str
    is_first: bool
    # What its saver can do about it, if it needs them.
    todo: plan_standing.Line | None


class Milestone(NamedTuple):
    """A quarter of a goal: its sum in words, whether the balance is there, and when it first was (None: never)."""

    sum: str
    is_reached: bool
    at: datetime.datetime | None


def icon(kind: str, early_exit: str) -> str:
    """Return the icon of a product or plan. One that only loses its interest when left early is not locked."""
    return "grow" if early_exit == EarlyExit.FORFEIT else _ICONS[Product.Kind(kind)]


def card(plan: Saving, today: datetime.date) -> PlanCard:
    """Return a plan's card."""
    share, text = _progress(plan, today)
    stands = plan_standing.of(plan, today)
    return PlanCard(
        plan=plan,
        icon=icon(plan.product_kind, plan.early_exit),
        terms=_terms(plan),
        balance_kobo=plan.balance_kobo,
        percent=None if share is None else str(share),
        progress_text=text,
        end_text=_end_text(plan),
        stands_text=plan_standing.short(plan, stands),
        is_reached=stands.state == State.REACHED,
        has_no_goal=stands.state == State.NO_GOAL,
        is_in_circle=plan.membership_id is not None,
        place=in_words(plan.final_rank, is_shared=plan.shares_rank),
        is_first=plan.final_rank == 1,
        todo=plan_standing.line(plan, stands) if stands.needs_saver else None,
    )


def _terms(plan: Saving) -> str:
    terms = messages.product_and_rate(plan.product_name, plan.rate_bps)
    needs_notice = plan.notice_hours and plan.early_exit != EarlyExit.BLOCKED
    return messages.with_notice(terms, plan.notice_hours) if needs_notice else terms


def _end_text(plan: Saving) -> str:
    """Return the day a plan ends, or the circle that it belongs to; empty for a plan without an end."""
    ends_on = plan.matures_on or plan.circle_ends_on
    return date_formats.day(ends_on) if ends_on else ""


def _membership(plan: Plan) -> Membership | None:
    """Return the membership a plan belongs or belonged to. `with_balance` loads it."""
    return getattr(plan, "membership", None)


def detail(plan: Plan) -> dict[str, Any]:
    """Return the context of one plan's page."""
    today = timezone.localdate()
    balance_kobo = plan.account.balance_kobo or 0
    pace = _pace(plan)
    saving = Saving.from_plan(plan)
    stands = _standing(saving, today)
    member = _membership(plan)
    # A circle's plan closes when its saver leaves the circle.
    is_inside = member is not None and member.left_at is None
    return {
        "plan": plan,
        "card": card(saving, today),
        "stands": stands,
        "line": plan_standing.line(saving, stands),
        # In place of the balance of a plan that is over, which is zero.
        "paid_out": plan_over.paid_out(plan, saving) if stands.is_over and not balance_kobo else None,
        "ended": plan_over.ended(saving) if plan.is_closed else None,
        # In the running circle that the plan belongs to.
        "in_circle": rank_in_circle(member) if member and _is_running(member, today) else None,
        "milestones": _milestones(plan, balance_kobo),
        "today": today,
        # Called by the template only if the fragment is not cached.
        "chart": functools.partial(_chart, plan, pace, today),
        "has_pace": bool(pace),
        "is_matured": plan.is_matured(today),
        "takes_money": not plan.is_closed and not plan.is_matured(today),
        "gives_money": balance_kobo > 0 and (plan.early_exit != EarlyExit.BLOCKED or plan.is_matured(today)),
        "can_close": not plan.is_closed and balance_kobo == 0 and not is_inside,
        "taking_out": _taking_out(plan),
        "notices": plan_notices.waiting(plan),
        "early_exit": _early_exit(plan),
        "notice_length": plan_notices.length(plan),
        "interest_to": _interest_to(plan, is_in_circle=is_inside),
        "rows": plan_over.name_interest(transaction_rows.rows(_latest(plan.pk), seen_from="plan"), plan),
        **_autosaves(plan, today, stands),
        "last_month": interest.last_month(plan, today),
        "interest_counts": interest.counts_towards_goal(plan),
        **interest.section(plan, today),
    }


def _autosaves(plan: Plan, today: datetime.date, stands: Standing) -> dict[str, Any]:
    """Return the rules of a plan with what they lead to, and where to set one up.

    Nothing for a plan that takes no money and has none.
    """
    takes_money = savings_autosave.reason_of_plan(plan, today, past_goal_kobo=plan.target_kobo) is None
    start_url = reverse("autosave:start", args=[plan.pk]) if takes_money else ""
    suggested = None if stands.autosave else stands.suggested
    if start_url and suggested is not None and suggested.every == Every.MONTH:
        start_url += f"?amount={money.figures(suggested.amount_kobo)}"
    rules, lead_to = autosave.section(plan)
    return {"autosaves": rules, "autosaves_lead_to": lead_to, "autosave_url": start_url}


@prepared
def _latest(plan_id: int) -> QuerySet[Transaction, Any]:
    return transaction_rows.newest(Transaction.objects.filter(plan=plan_id), LATEST)


def _chart(plan: Plan, pace: list[tuple[datetime.date, int]], today: datetime.date) -> SafeString:
    points = dashboard.history(
        total_kobo=plan.account.balance_kobo or 0,
        since=plan.started_on,
        today=today,
        account_ids=[plan.account.pk],
    )
    last = plan_over.last_day(plan, today)
    points = [(day, kobo) for day, kobo in points if day <= last] or points
    title = messages.chart_title(plan.name)
    return area_chart(points, pace=pace, name=f"plan-{plan.pk}", title=title, from_zero=True)


def top_up(plan: Plan, form: TopUpForm) -> dict[str, Any]:
    """Return the context of the top-up page."""
    refusal = ""
    try:
        check_accepts_money(plan, timezone.localdate())
    except Refused as refused:
        refusal = str(refused)
    stash_kobo = ledger.balance_kobo(ledger.stash_account(plan.user))
    saving, today = Saving.from_plan(plan), timezone.localdate()
    shown, stands = card(saving, today), plan_standing.of(saving, today)
    # What an auto-save pays is not suggested once more.
    instalment = None if stands.autosave else stands.suggested
    return {
        "plan": plan,
        "form": form,
        "card": shown,
        "beside": [shown],
        **amounts.top_up(plan, form, instalment, stash_kobo=stash_kobo, card_note=card_note()),
        "notice_sentence": plan_notices.notice_sentence(plan),
        "exit_sentences": plan_terms.exit_sentences(plan, plan.matures_on),
        "interest_off": plan_terms.interest_off(plan),
        "refusal": refusal,
    }


def withdraw(plan: Plan, form: WithdrawForm) -> dict[str, Any]:
    """Return the context of the withdrawal page."""
    refusal = ""
    try:
        # Raises for a plan that is locked.
        exit_penalty_kobo(plan, 1, timezone.localdate())
    except Refused as refused:
        refusal = str(refused)
    balance_kobo = plan.account.balance_kobo or 0
    return {
        "plan": plan,
        "form": form,
        "balance_kobo": balance_kobo,
        "beside": [card(Saving.from_plan(plan), timezone.localdate())],
        "chips": amounts.all_of_it(balance_kobo, form),
        "after": amounts.after(form, balance_kobo, sign=-1),
        "amount_kobo": amounts.typed_kobo(form),
        "refusal": refusal,
    }


def instead_of_withdraw(plan: Plan) -> str:
    """Return the URL name of the page that takes money out of a plan with a notice or a quote; empty without."""
    today = timezone.localdate()
    if needs_notice(plan, today):
        return "plans:give_notice"
    is_locked = plan.early_exit == EarlyExit.BLOCKED
    return "plans:quote_exit" if is_early(plan, today) and not plan.is_closed and not is_locked else ""


def _taking_out(plan: Plan) -> tuple[str, str]:
    """Return the URL and the words of the link to take money out."""
    name = instead_of_withdraw(plan)
    words = {"plans:give_notice": messages.GIVE_NOTICE, "plans:quote_exit": messages.TAKE_OUT_EARLY}
    return reverse(name or "plans:withdraw", args=[plan.pk]), words.get(name, messages.MOVE_TO_STASH)


def _progress(plan: Saving, today: datetime.date) -> tuple[float | None, str]:
    """Return a plan's progress in percent and as text: towards its target, or else of its term."""
    if plan.target_kobo:
        share = min(100.0, plan.balance_kobo * 1000 // plan.target_kobo / 10)
        return share, messages.progress(int(share), plan.target_kobo)
    if plan.matures_on:
        days, term = (plan.matures_on - today).days, (plan.matures_on - plan.started_on).days
        if days <= 0:
            return 100.0, messages.MATURED
        share = max(0, term - days) * 1000 // term / 10
        return share, messages.days_to_go(days)
    return None, messages.NO_END_DATE


def _pace(plan: Plan) -> list[tuple[datetime.date, int]]:
    """Return the straight line from zero to the target; no points without a target or an end."""
    if not (plan.target_kobo and plan.matures_on):
        return []
    return [(plan.started_on, 0), (plan.matures_on, plan.target_kobo)]


def _standing(plan: Saving, today: datetime.date) -> Standing:
    """Return where a plan stands; a goal without a date needs one query more, for its pace."""
    stands = plan_standing.of(plan, today)
    if stands.state != State.NO_DATE:
        return stands
    growth = dashboard.recent_growth([plan.account_id], today)
    return plan_standing.of(plan, today, growth.get(plan.account_id, Growth()))


def _milestones(plan: Plan, balance_kobo: int) -> list[Milestone]:
    """Return the four quarters of a target. Load the plan `with_milestones`."""
    if not plan.target_kobo:
        return []
    return [
        Milestone(
            money.naira(plan.target_kobo * percent // 100).partition(".")[0],
            balance_kobo * 100 >= plan.target_kobo * percent,
            getattr(plan, f"reached_{percent}_at"),
        )
        for percent in QUARTERS
    ]


def _is_running(member: Membership, today: datetime.date) -> bool:
    return member.left_at is None and not member.circle.has_ended(today)


def _interest_to(plan: Plan, *, is_in_circle: bool) -> str:
    """Return where monthly interest goes, in words; empty where interest comes at maturity."""
    if not plan.pays_monthly:
        return ""
    return Plan.InterestTo.STASH.label if is_in_circle else plan.get_interest_to_display()


def _early_exit(plan: Plan) -> str:
    if plan.early_exit == EarlyExit.PENALTY:
        return messages.share_of_exit(plan.penalty_bps)
    return EarlyExit(plan.early_exit).label
