"""Rules: made, changed, paused, resumed, skipped and stopped by their savers."""

from __future__ import annotations

import datetime

from django.db.transaction import atomic
from django.utils import timezone

from savings.autosave import amounts, messages, stops
from savings.autosave.rhythms import rhythm_of
from savings.autosave.terms import Terms, check_terms
from savings.exceptions import SENT_OTHERWISE, ReferenceTaken, Refused
from savings.models import AutosaveRule, AutosaveRun, Plan, User

MOST_RULES = 50
# What decides whether the plan of a rule takes money; see `stops.reason_of_plan`.
STATE_OF_PLAN = ("plan__account", "plan__membership__circle")
Status, Reason = AutosaveRule.Status, AutosaveRule.Reason


def create_rule(user: User, plan: Plan | None, terms: Terms, *, reference: str) -> AutosaveRule:
    """Make a rule for one of the user's plans, or with None for the stash, and return it.

    The first date is tomorrow at the earliest, so that it can be announced. A repeat with the same reference returns
    the first rule. Raises Refused, with the field, for terms that cannot be, for a plan that takes no money, and for a
    user who owes money or has too many rules; ReferenceTaken when the reference belongs to another rule.
    """
    with atomic():
        User.objects.touch(user.pk)
        earlier = AutosaveRule.objects.filter(reference=reference).first()
        if earlier is not None:
            _check_same(earlier, user, plan, terms)
            return earlier
        if user.autosave_rules.current().count() >= MOST_RULES:
            raise Refused(messages.too_many(MOST_RULES))
        # As it is under the lock of its owner.
        plan = Plan.objects.with_balance().get(pk=plan.pk) if plan is not None else None
        rule = AutosaveRule(reference=reference, user=user, plan=plan, **terms.columns)
        rule.next_on = check_terms(rule, terms, last_on=None)
        rule.save()
    return rule


def change_rule(rule: AutosaveRule, terms: Terms) -> AutosaveRule:
    """Change the terms of a rule from its next date on, and return it as it is now.

    What was announced stays: the new terms count from the date after it. A paused rule stays paused. Raises Refused,
    with the field, as `create_rule`, and for a rule that has ended.
    """
    with atomic():
        now = lock_rule(rule.pk)
        _check_not_ended(now)
        for name, value in terms.columns.items():
            setattr(now, name, value)
        next_on = check_terms(now, terms, last_on=_last_on(now))
        now.next_on = next_on if now.is_active else None
        now.save()
    return now


def pause_rule(rule: AutosaveRule) -> AutosaveRule:
    """Pause a rule, and skip what is announced and has not begun. A second call changes nothing.

    Raises Refused for a rule that has ended.
    """
    with atomic():
        now = lock_rule(rule.pk)
        _check_not_ended(now)
        if now.is_active:
            stop(now, Status.PAUSED, Reason.SAVER)
    return now


def resume_rule(rule: AutosaveRule) -> AutosaveRule:
    """Let a paused rule run again from its next date on, which is tomorrow at the earliest.

    A goal that is reached no longer stops it. Raises Refused while something else stops it, when no date is left, and
    for a rule that has ended. A rule that is active already is returned as it is.
    """
    with atomic():
        now = lock_rule(rule.pk)
        _check_not_ended(now)
        if now.is_active:
            return now
        if now.plan is not None and not now.until_goal and now.amount_kobo is not None:
            now.past_goal_kobo = now.plan.target_kobo
        reason = stops.reason_to_stop(now, timezone.localdate())
        if reason is not None:
            raise Refused(stops.sentence(reason))
        next_on = next_date(now)
        if next_on is None:
            raise Refused(messages.NO_DATE_LEFT)
        now.status, now.reason, now.failures, now.next_on = Status.ACTIVE, "", 0, next_on
        now.save()
    return now


def skip_next(rule: AutosaveRule, day: datetime.date) -> AutosaveRule:
    """Skip the next date of a rule, and end the rule if there is no other.

    `day` is the date that the saver saw as the next one: a second call with it changes nothing. Raises Refused when
    money for it is on its way, and when the rule has another next date.
    """
    with atomic():
        now = lock_rule(rule.pk)
        run = now.runs.filter(due_on=day).first()
        if run is not None and run.status == AutosaveRun.Status.SKIPPED:
            return now
        if run is not None and run.status != AutosaveRun.Status.WAITING:
            raise Refused(messages.ALREADY_BEGUN)
        if run is not None:
            end_run(run, AutosaveRun.Status.SKIPPED, AutosaveRun.Reason.SAVER)
        elif now.is_active and now.next_on == day:
            _add_skipped(now, day)
            now.next_on = rhythm_of(now).after(day)
        else:
            raise Refused(messages.OTHER_NEXT_DATE)
        end_without_dates(now)
        now.save()
    return now


def stop_rule(rule: AutosaveRule) -> AutosaveRule:
    """End a rule for good, and skip what is announced and has not begun. A second call changes nothing."""
    with atomic():
        now = lock_rule(rule.pk)
        if not now.is_ended:
            stop(now, Status.ENDED, Reason.SAVER)
    return now


def end_rules(user: User) -> None:
    """End all rules of a person whose account closes, in the caller's transaction."""
    for rule_id in user.autosave_rules.current().values_list("pk", flat=True):
        rule = lock_rule(rule_id)
        if not rule.is_ended:
            stop(rule, Status.ENDED, Reason.INACTIVE)


def lock_rule(rule_id: int) -> AutosaveRule:
    """Lock the owner's row until the caller's atomic block ends, and return the present rule with what it reads."""
    owner_id = AutosaveRule.objects.values_list("user_id", flat=True).get(pk=rule_id)
    User.objects.touch(owner_id)
    complete = AutosaveRule.objects.select_related("user", "card", *STATE_OF_PLAN)
    return complete.get(pk=rule_id)


def stop(rule: AutosaveRule, status: str, reason: str) -> None:
    """Pause or end a locked rule for a reason, and skip its runs that have not begun."""
    for run in rule.runs.filter(status=AutosaveRun.Status.WAITING):
        end_run(run, AutosaveRun.Status.SKIPPED, AutosaveRun.Reason.STOPPED)
    rule.status, rule.reason, rule.next_on = status, reason, None
    rule.save(update_fields=["status", "reason", "next_on"])


def end_run(run: AutosaveRun, status: str, reason: str) -> None:
    """End a run whose rule is locked."""
    run.status, run.reason, run.next_try_at, run.ended_at = status, reason, None, timezone.now()
    run.save(update_fields=["status", "reason", "next_try_at", "ended_at"])


def end_without_dates(rule: AutosaveRule) -> None:
    """End a locked rule, unsaved, that has neither a next date nor a run under way."""
    if rule.is_active and rule.next_on is None and not rule.runs.open().exists():
        rule.status, rule.reason = Status.ENDED, Reason.DATE


def next_date(rule: AutosaveRule) -> datetime.date | None:
    """Return the first date of a rule after today and after the last one it had; None if its plan has ended by then."""
    today = timezone.localdate()
    last_on = _last_on(rule)
    day = rhythm_of(rule).after(max(today, last_on) if last_on else today)
    return day if day is not None and amounts.is_open_on(rule.plan, day) else None


def _last_on(rule: AutosaveRule) -> datetime.date | None:
    return rule.runs.order_by("-due_on").values_list("due_on", flat=True).first()


def _add_skipped(rule: AutosaveRule, day: datetime.date) -> None:
    """Store a date that was skipped before it was announced."""
    AutosaveRun.objects.create(
        rule=rule,
        due_on=day,
        amount_kobo=amounts.amount_on(day, rule, rule.plan) or amounts.least_kobo(rule.source),
        source=rule.source,
        card=rule.card,
        status=AutosaveRun.Status.SKIPPED,
        reason=AutosaveRun.Reason.SAVER,
        ended_at=timezone.now(),
    )


def _check_not_ended(rule: AutosaveRule) -> None:
    if rule.is_ended:
        raise Refused(messages.RULE_ENDED)


def _check_same(earlier: AutosaveRule, user: User, plan: Plan | None, terms: Terms) -> None:
    is_same = (earlier.user_id, earlier.plan_id) == (user.pk, plan.pk if plan else None)
    if not is_same or any(getattr(earlier, name) != value for name, value in terms.columns.items()):
        raise ReferenceTaken(SENT_OTHERWISE)
