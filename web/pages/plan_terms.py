"""Sentences about a plan's terms: what an early exit costs, that interest is off, and what a later end means."""

from __future__ import annotations

import datetime
from typing import Protocol

from django.utils import timezone

from savings import ledger, money
from savings.models import Plan, User
from savings.models.plans import EarlyExit
from web import date_formats


class Terms(Protocol):
    """What a product, a circle and a plan have in common."""

    @property
    def has_term(self) -> bool: ...

    early_exit: str
    penalty_bps: int
    notice_hours: int


def exit_sentences(terms: Terms, ends_on: datetime.date | None = None) -> list[str]:
    """Return what a saver must know about taking money out before they pay any in, with the end if it is known.

    Nothing is said of a plan that has matured.
    """
    if isinstance(terms, Plan) and terms.is_matured(timezone.localdate()):
        return []
    end = f"the end ({date_formats.day(ends_on)})" if ends_on else "the end"
    if not terms.has_term:
        # After a notice, money moves later than "at any time".
        free = "" if terms.notice_hours else "You can move money to your stash at any time. "
        return [f"{free}Taking money out costs nothing."]
    match EarlyExit(terms.early_exit):
        case EarlyExit.BLOCKED:
            return [f"Nothing can be taken out before {end}."]
        case EarlyExit.FORFEIT:
            return [f"If you take money out before {end}, you lose the interest on what you take."]
        case EarlyExit.PENALTY if terms.penalty_bps:
            share = money.percent(terms.penalty_bps)
            return [f"If you take money out before {end}, {share} of what you take is kept as a penalty."]
    return [f"Taking money out before {end} costs nothing."]


def extension_sentences(plan: Plan, matures_on: datetime.date) -> list[str]:
    """Return what moving a plan's end to a later day means, for the saver to confirm."""
    assert plan.matures_on is not None  # noqa: S101 - only such a plan can be extended
    moves = f"The end moves from {date_formats.day(plan.matures_on)} to {date_formats.day(matures_on)}."
    return [moves, "It can never move back.", *exit_sentences(plan, matures_on)]


def interest_off(plan: Plan) -> str:
    """Return the sentence that an open plan's interest is off, with the day; empty if it is on."""
    everywhere = not plan.user.earns_interest
    if plan.is_closed or (plan.earns_interest and not everywhere):
        return ""
    day = ledger.rate_since(plan.account) if plan.rate_bps else None
    when = ""
    if day:
        when = f" {'from' if day > timezone.localdate() else 'since'} {date_formats.day(day)}"
    return f"Interest is off{when} for {'all your plans' if everywhere else 'this plan'}."


def interest_off_for_new(user: User) -> str:
    """Return the sentence that a plan started now earns nothing, because its owner has switched interest off."""
    if user.earns_interest:
        return ""
    return "Interest is off for all your plans. This one earns nothing until you turn interest on in your profile."
