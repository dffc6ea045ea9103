"""Sentences about a plan's terms: what an early exit costs, that interest is off, and what a later end means."""

from __future__ import annotations

import datetime
from typing import Protocol

from django.utils import timezone

from savings import ledger
from savings.models import Plan, User
from savings.models.plans import EarlyExit
from web.messages import plans as messages


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
    if not terms.has_term:
        # After a notice, money moves later than "at any time".
        return [messages.FREE if terms.notice_hours else messages.FREE_AT_ANY_TIME]
    match EarlyExit(terms.early_exit):
        case EarlyExit.BLOCKED:
            return [messages.blocked(ends_on)]
        case EarlyExit.FORFEIT:
            return [messages.interest_forfeited(ends_on)]
        case EarlyExit.PENALTY if terms.penalty_bps:
            return [messages.early_exit_costs(terms.penalty_bps, ends_on)]
    return [messages.early_exit_free(ends_on)]


def extension_sentences(plan: Plan, matures_on: datetime.date) -> list[str]:
    """Return what moving a plan's end to a later day means, for the saver to confirm."""
    assert plan.matures_on is not None  # noqa: S101 - only such a plan can be extended
    moves = messages.end_moves(plan.matures_on, matures_on)
    return [moves, messages.ONLY_LATER, *exit_sentences(plan, matures_on)]


def interest_off(plan: Plan) -> str:
    """Return the sentence that an open plan's interest is off, with the day; empty if it is on."""
    everywhere = not plan.user.earns_interest
    if plan.is_closed or (plan.earns_interest and not everywhere):
        return ""
    day = ledger.rate_since(plan.account) if plan.rate_bps else None
    return messages.interest_off(day, timezone.localdate(), everywhere=everywhere)


def interest_off_for_new(user: User) -> str:
    """Return the sentence that a plan started now earns nothing, because its owner has switched interest off."""
    if user.earns_interest:
        return ""
    return messages.INTEREST_OFF_FOR_NEW
