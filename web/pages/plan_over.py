"""Prepares what the page of a finished plan leads with: the sum that went to the stash, and the parts it came from."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import NamedTuple

from django.utils import timezone

from savings import dashboard, money
from savings.dashboard import Saving
from savings.models import Plan, Transaction
from web.messages import plans as messages
from web.pages.transactions import TransactionRow

# The names of rows of interest that never was in the plan, by the usual ones.
_TO_STASH: dict[str, str] = {
    Transaction.Kind.INTEREST.label: messages.INTEREST_TO_STASH,
    Transaction.Kind.TAX_WITHHELD.label: messages.TAX_ON_INTEREST,
}


class PaidOut(NamedTuple):
    """The sum (kobo) that went from a finished plan to the stash, and its parts by name; none if there is one alone.

    `goal` is what became of the plan's goal, in words; empty if it had none.
    """

    sum_kobo: int
    parts: list[tuple[str, str]]
    goal: str
    is_reached: bool


def paid_out(plan: Plan, saving: Saving) -> PaidOut | None:
    """Return what a finished plan paid to the stash, in one query; None if that is nothing.

    The interest of the last term is part of it where it went there at maturity. Load the plan `with_last_interest`. Its
    goal is reached once its balance has been there, whatever was moved out later.
    """
    moved_kobo = dashboard.moved_out_kobo([saving]).get(plan.pk, 0)
    interest_kobo = (plan.last_interest_kobo or 0) if _paid_interest_at_the_end(plan) else 0
    if not moved_kobo + interest_kobo:
        return None
    parts = [
        (messages.SAVED_HERE, money.naira(moved_kobo)),
        (messages.INTEREST_AFTER_TAX, money.signed(interest_kobo)),
    ]
    is_reached = bool(plan.target_kobo) and (plan.reached_kobo or 0) >= (plan.target_kobo or 0)
    return PaidOut(
        moved_kobo + interest_kobo,
        parts if interest_kobo else [],
        goal=_goal(plan.target_kobo, moved_kobo, is_reached=is_reached) if plan.target_kobo else "",
        is_reached=is_reached,
    )


def ended(plan: Saving) -> tuple[str, datetime.date] | None:
    """Return the word and the day of the end of a plan; None for one that runs.

    A plan that has paid out at its maturity ended that day: it may be closed later, when nothing is in it any more.
    """
    if plan.closed_at is None:
        return (messages.HAS_MATURED, plan.matures_on) if plan.matures_on else None
    closed_on = timezone.localdate(plan.closed_at)
    if plan.matures_on is not None and plan.matures_on <= closed_on:
        return messages.HAS_MATURED, plan.matures_on
    return messages.WAS_CLOSED, closed_on


def _goal(target_kobo: int, saved_kobo: int, *, is_reached: bool) -> str:
    if is_reached:
        return messages.goal_was_reached(target_kobo)
    return messages.goal_was_missed(target_kobo, min(99, saved_kobo * 100 // target_kobo))


def name_interest(rows: Sequence[TransactionRow], plan: Plan) -> list[TransactionRow]:
    """Return the rows of a plan; those of interest that never was in it say where it went.

    That is all interest of a plan in a circle, and what another plan was paid at its end.
    """
    is_always = hasattr(plan, "membership")
    ended = plan.matures_on if _paid_interest_at_the_end(plan) else None
    if not is_always and ended is None:
        return list(rows)
    names = (
        (row, _TO_STASH.get(row.what) if is_always or (ended and row.day >= ended) else None) for row in rows
    )
    return [row._replace(what=name) if name else row for row, name in names]


def last_day(plan: Plan, today: datetime.date) -> datetime.date:
    """Return the last day of a plan's chart: after its end there is nothing to see but the fall to zero."""
    if plan.account.balance_kobo or plan.matures_on is None or plan.matures_on > today:
        return today
    return plan.matures_on - datetime.timedelta(days=1)


def _paid_interest_at_the_end(plan: Plan) -> bool:
    """Return whether the last interest was posted at the plan's maturity, and so to the stash."""
    if plan.matures_on is None or plan.at_maturity != Plan.AtMaturity.STASH:
        return False
    return plan.last_interest_until == plan.matures_on.toordinal()
