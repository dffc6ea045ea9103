"""Announcing: the day before each date of a rule its run is stored, and the saver told what will be charged."""

from __future__ import annotations

import datetime

from django.db.transaction import atomic
from django.utils import timezone

from savings import mails, outbox, plans
from savings.autosave import amounts, rules, stops
from savings.autosave.rhythms import rhythm_of
from savings.models import AutosaveRule, AutosaveRun, OutboxRow

# The local time of day at which notices are sent, and at which rules run on the day after.
AT = datetime.time(7)
_A_DAY = datetime.timedelta(days=1)
Status, Reason = AutosaveRule.Status, AutosaveRule.Reason


def announce_due(now: datetime.datetime) -> int:
    """Announce the dates of tomorrow, and take up those that were missed; return the number of rules.

    Safe to run twice, and late. A rule that fails is postponed, and the others are still announced. Nothing is
    announced before 07:00 local time.
    """
    local = timezone.localtime(now)
    # Before 07:00, only what should have been announced yesterday.
    until = local.date() + _A_DAY if local.time() >= AT else local.date()
    return outbox.for_each_row_in_parts(
        "announce_autosave",
        AutosaveRule.objects.due_by(until),
        lambda rule_id: _announce(rule_id, until, now),
    )


def run_moment(day: datetime.date, at: datetime.time = AT) -> datetime.datetime:
    """Return a local time of day as a moment."""
    return timezone.make_aware(datetime.datetime.combine(day, at))


def recheck(row: OutboxRow) -> dict[str, object]:
    """Pause the active rules of a user that something stops now, and mail why: for `outbox.recheck_autosaves`.

    A rule that was to run until the goal ends when the goal is reached.
    """
    day, active = timezone.localdate(), AutosaveRule.objects.active().filter(user_id=row.payload["user"])
    for rule_id in active.values_list("pk", flat=True):
        with atomic():
            rule = rules.lock_rule(rule_id)
            reason = stops.reason_to_stop(rule, day) if rule.is_active else None
            if reason is not None:
                stop_by_itself(rule, reason)
    return {}


def stop_by_itself(rule: AutosaveRule, reason: str) -> None:
    """Pause a locked rule for a reason, or end it if it was to run until that; the saver is told by email."""
    is_end = reason == Reason.GOAL and rule.until_goal
    rules.stop(rule, Status.ENDED if is_end else Status.PAUSED, reason)
    mails.autosave_stopped(rule, stops.sentence(reason))


def _announce(rule_id: int, until: datetime.date, now: datetime.datetime) -> bool:
    """Store the run of a rule's next date; return whether its date had come.

    Of dates that were missed only the latest gets a run. What else stops the rule pauses it.
    """
    with atomic():
        rule = rules.lock_rule(rule_id)
        if rule.next_on is None or rule.next_on > until:
            return False
        today = timezone.localdate(now)
        rhythm = rhythm_of(rule)
        due_on = rhythm.latest(rule.next_on, today) if rule.next_on <= today else rule.next_on
        reason = stops.reason_to_stop(rule, due_on)
        # What is under way will be in the plan by then.
        open_kobo = sum(rule.runs.open().values_list("amount_kobo", flat=True))
        kobo = 0 if reason else amounts.amount_on(due_on, rule, rule.plan, saved_kobo=open_kobo)
        if not kobo and open_kobo and stops.reason_to_stop(rule, today) is None:
            # The plan will have reached its goal or its end by that date. What is announced before it comes first.
            return False
        if not kobo:
            reason = reason or Reason.GOAL
        elif rule.plan is not None and not plans.has_room(rule.plan, kobo):
            reason = Reason.FULL
        if reason is not None:
            stop_by_itself(rule, reason)
            return True
        missed = due_on <= today
        run = AutosaveRun.objects.create(
            rule=rule,
            due_on=due_on,
            amount_kobo=kobo,
            source=rule.source,
            card=rule.card,
            next_try_at=max(run_moment(due_on), now) if missed else run_moment(due_on),
            announced_at=None if missed else now,
        )
        if not missed:
            mails.autosave_tomorrow(run)
        rule.next_on = rhythm.after(due_on)
        rule.save(update_fields=["next_on"])
    return True
