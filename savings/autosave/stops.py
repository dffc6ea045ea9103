"""Why a rule pauses by itself: its plan, its circle, its card, or what its saver owes."""

from __future__ import annotations

import datetime

from savings import ledger, payments
from savings.autosave import messages
from savings.models import AutosaveRule, Membership, Plan, SavedCard, User

Reason = AutosaveRule.Reason


def reason_of_plan(
    plan: Plan | None, day: datetime.date, *, past_goal_kobo: int | None = None, saved_kobo: int = 0
) -> AutosaveRule.Reason | None:
    """Return why a plan takes no auto-save on a day, or None. Reads `plan.account` and `plan.membership`.

    `past_goal_kobo` is a goal that the saver knows to be reached: it stops nothing. `saved_kobo` is added to the plan's
    balance: what earlier dates bring.
    """
    if plan is None:
        return None
    reason = _reason_of_circle(plan, day)
    if reason is not None:
        return reason
    if plan.is_closed:
        return Reason.CLOSED
    if plan.is_matured(day) and plan.at_maturity not in Plan.RENEWING:
        return Reason.MATURED
    balance_kobo = (plan.account.balance_kobo or 0) + saved_kobo
    if plan.target_kobo and plan.target_kobo != past_goal_kobo and balance_kobo >= plan.target_kobo:
        return Reason.GOAL
    return None


def reason_of_person(user: User) -> AutosaveRule.Reason | None:
    """Return why no rule of a person may run, or None.

    Their account is closed or frozen, they owe money, or a payment of theirs is disputed.
    """
    if reason := reason_of_account(user):
        return reason
    available = ledger.available(user)
    if available.owed_kobo:
        return Reason.OWES
    return Reason.DISPUTE if available.disputed_kobo else None


def reason_of_account(user: User) -> AutosaveRule.Reason | None:
    """Return why an account, read under its lock, stops all rules, or None: it is closed, or staff have frozen it."""
    if not user.is_active:
        return Reason.INACTIVE
    return Reason.FROZEN if ledger.why_frozen(user.frozen) else None


def reason_of_card(card: SavedCard | None) -> AutosaveRule.Reason | None:
    """Return why a card of a rule cannot be charged, or None. None for no card."""
    return None if card is None or (card.is_usable and payments.takes_country(card.country)) else Reason.CARD


def reason_to_stop(rule: AutosaveRule, day: datetime.date) -> AutosaveRule.Reason | None:
    """Return why a rule cannot run on a day, or None.

    `rule` was read under the lock of its owner, with its user, card, plan and account.
    """
    return (
        reason_of_plan(rule.plan, day, past_goal_kobo=rule.past_goal_kobo)
        or reason_of_card(rule.card)
        or reason_of_person(rule.user)
    )


def sentence(reason: str) -> str:
    """Return the sentence that says why a rule is paused or has ended."""
    return messages.REASONS[AutosaveRule.Reason(reason)]


def _reason_of_circle(plan: Plan, day: datetime.date) -> AutosaveRule.Reason | None:
    """Return why the circle of a plan stops its rules, or None, also for a plan without a circle."""
    membership: Membership | None = getattr(plan, "membership", None)
    if membership is None:
        return None
    if membership.left_at is not None:
        return Reason.LEFT
    return Reason.CIRCLE_ENDED if membership.circle.has_ended(day) else None
