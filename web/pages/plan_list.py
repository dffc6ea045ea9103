"""Prepares the list of plans: totals, and the plans in three groups, most urgent first."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any, NamedTuple

from savings import dashboard, dates, money
from savings.dashboard import Growth, Holdings, Saving
from savings.leaderboards import in_words
from savings.plans import Instalment, Standing, State
from web.messages import plans as messages
from web.pages import plan_over, plan_standing
from web.pages.plan_start import PURPOSES
from web.pages.plans import PlanCard, card

# The states of plans with a goal and a date.
_MEASURED = {State.DUE_SOON, State.BEHIND, State.ON_TRACK, State.REACHED}


class Total(NamedTuple):
    """One figure above the list, and a note below it."""

    label: str
    figure: str
    note: str


class Finished(NamedTuple):
    """A plan that has matured or is closed. The texts are empty where there is no amount and no rank in a circle."""

    plan: Saving
    # The word and the day of its end.
    ended: tuple[str, datetime.date] | None
    place: str
    moved_out: str
    unposted: str


class ToTopUp(NamedTuple):
    """A plan that takes money, with what reaches its goal in words.

    `url` is that of the form with the sum to pay now; empty without such a sum.
    """

    card: PlanCard
    text: str
    url: str = ""
    # 0 for a plan without a goal, and for one that has reached it.
    to_go_kobo: int = 0


def index(holdings: Holdings, today: datetime.date) -> dict[str, Any]:
    """Return the context of the list."""
    stands = {plan.pk: plan_standing.of(plan, today) for plan in (*holdings.plans, *holdings.closed_plans)}
    going = [plan for plan in holdings.plans if not stands[plan.pk].is_over]
    ordered = sorted(going, key=lambda plan: plan_standing.urgency(plan, stands[plan.pk]))
    over = [plan for plan in (*holdings.plans, *holdings.closed_plans) if stands[plan.pk].is_over]
    groups = [
        ("needs", messages.NEEDS_YOU, [plan for plan in ordered if stands[plan.pk].needs_saver]),
        ("going", messages.GOING, [plan for plan in ordered if not stands[plan.pk].needs_saver]),
    ]
    return {
        "groups": [(key, title, [card(plan, today) for plan in some]) for key, title, some in groups if some],
        "totals": _totals(holdings, going, stands, today) if going else [],
        "finished": _finished(over, today),
        "has_open_plans": bool(going),
        "purposes": PURPOSES,
    }


def to_top_up(holdings: Holdings, today: datetime.date) -> dict[str, Any]:
    """Return the context of the page that asks where money should go: plans with a sum to pay now come first."""
    rows = taking_money(holdings.plans, today)
    groups = [
        (messages.SUGGESTED, [row for row in rows if row.url]),
        (messages.OTHER_PLANS, [row for row in rows if not row.url]),
    ]
    has_both = all(some for _, some in groups)
    return {
        "stash_kobo": holdings.stash_kobo,
        "groups": [(title if has_both else messages.YOUR_PLANS, some) for title, some in groups if some],
    }


def taking_money(plans: Iterable[Saving], today: datetime.date) -> list[ToTopUp]:
    """Return the plans that take money: those with a sum to pay now first, each part by its urgency."""
    stands = [(plan, plan_standing.of(plan, today)) for plan in plan_standing.by_urgency(plans, today)]
    rows = [_to_top_up(plan, one, today) for plan, one in stands if not one.is_over]
    return sorted(rows, key=lambda row: not row.url)


def to_autosave(plans: Iterable[Saving], today: datetime.date) -> list[PlanCard]:
    """Return the cards of the plans that a new auto-save can save into."""
    ordered = plan_standing.by_urgency(plans, today)
    return [card(plan, today) for plan in ordered if not plan_standing.of(plan, today).is_over]


def _to_top_up(plan: Saving, stands: Standing, today: datetime.date) -> ToTopUp:
    shown = card(plan, today)
    line = plan_standing.rest_of_goal(plan, stands) or plan_standing.line(plan, stands)
    if stands.autosave is not None:
        return ToTopUp(shown, messages.autosave_gets_there(stands.autosave), to_go_kobo=stands.to_go_kobo)
    if not line.sum_kobo:
        return ToTopUp(shown, "", to_go_kobo=stands.to_go_kobo)
    text = messages.gets_there(stands.suggested) if stands.suggested else ""
    return ToTopUp(shown, text, line.url, stands.to_go_kobo)


def _totals(
    holdings: Holdings, going: list[Saving], stands: dict[int, Standing], today: datetime.date
) -> list[Total]:
    growth = dashboard.recent_growth([plan.account_id for plan in going], today).values()
    # A plan that matured moments ago still holds its money.
    saved = money.naira(sum(plan.balance_kobo for plan in holdings.plans))
    measured = [plan for plan in going if stands[plan.pk].state in _MEASURED and stands[plan.pk].days_left]
    needed = [(plan, one) for plan in measured if (one := stands[plan.pk].monthly)]
    on_track = [plan for plan in measured if not stands[plan.pk].needs_saver]
    unpaid = [plan for plan in measured if stands[plan.pk].monthly and not stands[plan.pk].autosave]
    autosaved = [] if unpaid else [plan for plan in measured if stands[plan.pk].autosave]
    return [
        Total(messages.TOTAL_SAVED, saved, messages.in_plans(len(going))),
        _growth(growth),
        Total(
            _needed_label(needed, unpaid, today),
            money.naira(sum(one.amount_kobo for _, one in needed)),
            _paid_by(autosaved) or _on_track(on_track, measured),
        ),
    ]


def _paid_by(autosaved: list[Saving]) -> str:
    if not autosaved:
        return ""
    return messages.PAID_BY_AUTOSAVES if len(autosaved) > 1 else messages.PAID_BY_AUTOSAVE


def _needed_label(needed: list[tuple[Saving, Instalment]], unpaid: list[Saving], today: datetime.date) -> str:
    """Return the label of the sum of what plans need; `unpaid` are those whose sum no auto-save pays on its own day."""
    single = [plan.matures_on for plan, one in needed if one.payments == 1 and plan.matures_on]
    if single:
        is_all = len(single) == len(needed)
        return messages.needed_by(max(single)) if is_all else messages.TOTAL_NEEDED_NEXT
    without_today = unpaid and all(plan.balance_kobo for plan in unpaid)
    return messages.needed_from(dates.next_first(today)) if without_today else messages.TOTAL_NEEDED


def _growth(growth: Iterable[Growth]) -> Total:
    months = [(one.month_kobo, one.month_before_kobo) for one in growth]
    this_kobo, before_kobo = (sum(column) for column in zip(*months, strict=True)) if months else (0, 0)
    before = money.signed(before_kobo).removesuffix(".00")
    return Total(messages.TOTAL_GROWTH, money.signed(this_kobo), messages.growth_before(before))


def _on_track(on_track: list[Saving], measured: list[Saving]) -> str:
    match measured:
        case []:
            return messages.WITHOUT_DATE
        case [plan]:
            return messages.is_on_track(plan.name) if on_track else messages.needs_you(plan.name)
    return messages.goals_on_track(len(on_track), len(measured))


def _finished(over: list[Saving], today: datetime.date) -> list[Finished]:
    moved_kobo = dashboard.moved_out_kobo(over)
    return [
        Finished(
            plan=plan,
            ended=plan_over.ended(plan),
            place=in_words(plan.final_rank, is_shared=plan.shares_rank),
            moved_out=_text(moved_kobo.get(plan.pk, 0)),
            unposted=_text(dashboard.accrued_kobo([plan], today)) if plan.closed_at else "",
        )
        for plan in over
    ]


def _text(amount_kobo: int) -> str:
    return money.naira(amount_kobo) if amount_kobo else ""
