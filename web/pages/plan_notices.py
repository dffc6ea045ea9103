"""Prepares what pages say about notices: before a plan opens, on the form, and while a notice waits."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple, Protocol

from django.utils import timezone

from savings import ledger, money, plans
from savings.exceptions import Refused
from savings.models import Membership, Plan
from savings.models.plans import EarlyExit
from web.forms.plans import NoticeForm
from web.messages import plan_exits as messages
from web.pages import amounts

_HOUR_SECONDS = 3_600


class HasNotice(Protocol):
    """The terms of a product, plan or circle."""

    min_term_days: Any
    early_exit: Any
    notice_hours: Any


class WaitingNotice(NamedTuple):
    """A notice as the page of its plan shows it."""

    pk: int
    amount_kobo: int
    due_at: datetime.datetime
    remaining: str
    # The moment as text, which is right for the day on which the page was made.
    due: str
    # Whether the plan matures before it is due.
    ends_first: bool


def notice_sentence(terms: HasNotice) -> str:
    """Return the sentence about the notice that such terms need, for a page before money goes in; empty without one."""
    if not terms.notice_hours or terms.early_exit == EarlyExit.BLOCKED:
        return ""
    if terms.min_term_days:
        return messages.needs_notice_before_maturity(terms.notice_hours)
    return messages.needs_notice(terms.notice_hours)


def length(plan: Plan) -> str:
    """Return the notice of a plan's terms in words; empty if it has none."""
    return plans.format_hours(plan.notice_hours) if notice_sentence(plan) else ""


def waiting(plan: Plan) -> list[WaitingNotice]:
    """Return the waiting notices of a plan, the next first. Costs a query only where the terms have a notice."""
    if not plan.notice_hours:
        return []
    rows = plan.notices.waiting().order_by("due_at", "id").values_list("pk", "amount_kobo", "due_at")
    return [
        WaitingNotice(
            pk=pk,
            amount_kobo=amount_kobo,
            due_at=due_at,
            remaining=remaining(due_at),
            due=messages.due(due_at),
            ends_first=plan.is_matured(timezone.localdate(due_at)),
        )
        for pk, amount_kobo, due_at in rows
    ]


def clock_hour() -> str:
    """Return the present hour, which a cached page that shows `remaining` depends on."""
    return str(int(timezone.now().timestamp()) // _HOUR_SECONDS)


def remaining(due_at: datetime.datetime) -> str:
    """Return how long it is until a moment, in words that are right for the whole of the present clock hour."""
    hours = int(due_at.timestamp()) // _HOUR_SECONDS - int(clock_hour())
    if hours >= 48:
        return messages.in_days(hours // 24)
    if hours > 1:
        return messages.in_hours(hours)
    if hours == 1:
        return messages.IN_AN_HOUR
    return messages.IN_LESS_THAN_AN_HOUR if hours == 0 else messages.DUE_NOW


def _closes_when_empty(plan: Plan, day: datetime.date) -> bool:
    """Return whether a plan that a notice empties on a day closes, and its interest goes to the stash."""
    ends_early = plans.is_early(plan, day) and plan.early_exit != EarlyExit.FORFEIT
    return ends_early and not Membership.objects.current().filter(plan=plan).exists()


def give_notice(plan: Plan, form: NoticeForm) -> dict[str, Any]:
    """Return the context of the page on which a saver gives notice."""
    context: dict[str, Any] = {"plan": plan, "form": form, "balance_kobo": ledger.balance_kobo(plan.account)}
    try:
        plans.check_can_give_notice(plan)
    except Refused as refused:
        return context | {"refusal": str(refused)}
    notices, due_at = waiting(plan), plans.due_at(plan, timezone.now())
    waiting_kobo = sum(notice.amount_kobo for notice in notices)
    free_kobo = max(0, context["balance_kobo"] - waiting_kobo)
    if waiting_kobo and not free_kobo:
        return context | {"refusal": plans.ALL_ON_NOTICE}
    due_on = timezone.localdate(due_at)
    penalty_kobo = plans.exit_penalty_kobo(plan, free_kobo, due_on)
    return context | {
        "notices": notices,
        "waiting_kobo": waiting_kobo,
        "free_kobo": free_kobo,
        "after": amounts.after(form, free_kobo, sign=-1),
        "all_of_it": money.figures(free_kobo) if free_kobo else "",
        "due_at": due_at,
        "ends_first": plan.is_matured(due_on),
        "closes_when_empty": _closes_when_empty(plan, due_on),
        # On all of the money: the penalty of a small amount may round down to nothing.
        "penalty": messages.leaving_early(plan.penalty_bps, penalty_kobo, free_kobo) if penalty_kobo else "",
    }
