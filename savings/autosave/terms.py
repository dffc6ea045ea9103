"""The terms of a rule: what its saver asks for, and whether it can be."""

from __future__ import annotations

import dataclasses
import datetime

from django.conf import settings
from django.utils import timezone

from savings import payments
from savings.autosave import amounts, messages, stops
from savings.autosave.rhythms import Every, Rhythm, rhythm_of
from savings.exceptions import BadAmount, Refused
from savings.models import AutosaveRule, SavedCard
from savings.models.autosave import Source

Reason = AutosaveRule.Reason


@dataclasses.dataclass(frozen=True, slots=True)
class Terms:
    """What a saver asks of a rule.

    `amount_kobo` None pays in what the plan needs each month to reach its goal in time. `until_on` is the only date of
    a rule that runs once, else the last possible one. `weekday` (0 is Monday) belongs to a week, `month_day` (1 to 31)
    to a month.
    """

    amount_kobo: int | None
    every: str
    source: str
    card: SavedCard | None = None
    weekday: int | None = None
    month_day: int | None = None
    until_on: datetime.date | None = None
    until_goal: bool = False

    @property
    def rhythm(self) -> Rhythm:
        return rhythm_of(self)

    @property
    def past_goal_kobo(self) -> None:
        """No goal: only a rule that is stored may go on past one."""

    @property
    def columns(self) -> dict[str, object]:
        """The columns of a rule with these terms."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}


def check_terms(rule: AutosaveRule, terms: Terms, *, last_on: datetime.date | None) -> datetime.date:
    """Return the next date of a rule with these terms. Raises Refused for terms that it cannot have."""
    _check_source(rule, terms)
    _check_amount(rule, terms)
    _check_goal(rule, terms)
    next_on = _check_dates(rule, terms, last_on)
    reason = stops.reason_of_plan(rule.plan, next_on, past_goal_kobo=rule.past_goal_kobo)
    if reason == Reason.GOAL and not terms.until_goal and terms.amount_kobo is not None:
        # The page says that the goal is reached: a saver who makes such a rule wants to save more.
        rule.past_goal_kobo, reason = rule.plan.target_kobo if rule.plan else None, None
    reason = reason or stops.reason_of_person(rule.user)
    if reason is not None:
        raise Refused(stops.sentence(reason))
    return next_on


def needs_fresh_sign_in(terms: Terms, rule: AutosaveRule | None = None) -> bool:
    """Return whether a saver has to sign in afresh for these terms, as for a payment from the same card.

    `rule` has terms at present: the same amount from the same card needs no other proof. What a plan needs each month
    has no limit, so it always needs the proof.
    """
    if terms.card is None:
        return False
    if rule is not None and (rule.amount_kobo, rule.card_id) == (terms.amount_kobo, terms.card.pk):
        return False
    return terms.amount_kobo is None or payments.needs_fresh_sign_in(terms.amount_kobo)


def _check_source(rule: AutosaveRule, terms: Terms) -> None:
    if terms.source == Source.STASH:
        if rule.plan is None:
            raise Refused(messages.STASH_FROM_CARD, field="source")
        return
    if terms.card is None or terms.card.user_id != rule.user.pk or stops.reason_of_card(terms.card):
        raise Refused(messages.CHOOSE_CARD, field="source")


def _check_amount(rule: AutosaveRule, terms: Terms) -> None:
    kobo = terms.amount_kobo
    if kobo is None:
        if rule.plan is None or rule.plan.target_kobo is None or rule.plan.matures_on is None:
            raise Refused(messages.NEEDS_GOAL_AND_DATE, field="amount_kobo")
        if terms.every != Every.MONTH:
            raise Refused(messages.MISSING_IS_MONTHLY, field="every")
        return
    least_kobo = amounts.least_kobo(terms.source)
    if kobo < least_kobo:
        raise BadAmount(messages.too_small(least_kobo, is_card=terms.source == Source.CARD))
    if kobo > settings.TOP_UP_MAX_KOBO:
        raise BadAmount(messages.too_large(settings.TOP_UP_MAX_KOBO))


def _check_goal(rule: AutosaveRule, terms: Terms) -> None:
    if terms.until_goal and (rule.plan is None or rule.plan.target_kobo is None):
        raise Refused(messages.NO_GOAL, field="until_goal")


def _check_dates(rule: AutosaveRule, terms: Terms, last_on: datetime.date | None) -> datetime.date:
    """Return the first date of these terms. Raises Refused when there is none."""
    if terms.every == Every.WEEK and terms.weekday not in range(7):
        raise Refused(messages.CHOOSE_WEEKDAY, field="weekday")
    if terms.every == Every.MONTH and terms.month_day not in range(1, 32):
        raise Refused(messages.CHOOSE_MONTH_DAY, field="month_day")
    if terms.every == Every.ONCE and terms.until_on is None:
        raise Refused(messages.CHOOSE_DATE, field="until_on")
    today = timezone.localdate()
    next_on = terms.rhythm.after(max(today, last_on) if last_on else today)
    if next_on is None:
        raise Refused(messages.FROM_TOMORROW, field="until_on")
    if not amounts.is_open_on(rule.plan, next_on) and rule.plan is not None and rule.plan.matures_on:
        raise Refused(messages.ends_before(rule.plan.matures_on, next_on), field="every")
    return next_on
