"""Runs: the dates of rules, carried out at 07:00, tried again after a failure, and never twice.

A run from the stash is one commit. A run from a card is stored as begun before the provider is called, and each try has
a reference that is derived from it: a worker that is killed leaves a run that the next one takes up where it stopped. A
new try follows only a transaction that has failed for good; the database refuses a second one beside any other.
"""

from __future__ import annotations

import datetime

from django.db.transaction import atomic
from django.utils import timezone

from savings import mails, outbox, payments, plans
from savings.autosave import messages, rules, stops
from savings.autosave.announcing import announce_due, run_moment, stop_by_itself
from savings.autosave.stash_runs import RunsAhead, reference_of, references_of
from savings.exceptions import NotEnoughMoney, ReferenceTaken, Refused
from savings.models import AutosaveRule, AutosaveRun, Plan, SavedCard, Transaction, User
from savings.models.autosave import Source

Status, Reason = AutosaveRun.Status, AutosaveRun.Reason
Every = AutosaveRule.Every
# The second try is in the evening of the first day, the others in the morning this many days after it.
_EVENING = datetime.time(19)
_LATER_DAYS = (1, 3)
# A rule pauses after so many dates in a row that failed.
_MOST_FAILURES = 3
# How often a transaction on its way is looked at: soon at first, since most answers come within seconds.
_FIRST_LOOK = datetime.timedelta(minutes=1)
_IS_NEW_FOR = datetime.timedelta(hours=1)
_LOOK_EVERY = datetime.timedelta(minutes=10)
_FAILED = (Transaction.Status.FAILED, Transaction.Status.ABANDONED)
_ARRIVED = (Transaction.Status.SUCCESS, Transaction.Status.REVERSED)


def carry_out_due(now: datetime.datetime) -> int:
    """Announce what is due to be announced, then carry out the runs that are due; return how many of these moved on.

    Safe to run twice, on two workers, and late. A run that fails unexpectedly is postponed, and the others go on.
    """
    announce_due(now)
    ahead = RunsAhead(now)
    return outbox.for_each_row_in_parts(
        "carry_out_autosave",
        AutosaveRun.objects.due(now),
        lambda run_id: ahead.save(run_id) or _carry_out(run_id, now),
    )


def _carry_out(run_id: int, now: datetime.datetime) -> bool:
    """Take one run a step further, and return whether it was due."""
    charge = None
    with atomic():
        run = _lock_run(run_id)
        if run.next_try_at is None or run.next_try_at > now:
            return False
        if run.status == Status.TRYING:
            charge = _follow_up(run, now)
        elif _waits_for_term(run, now):
            run.next_try_at = now + _LOOK_EVERY
            run.save(update_fields=["next_try_at"])
        elif not _lapses(run, now) and not _is_stopped(run, now):
            charge = _begin(run, now)
    if charge is not None:
        _charge(run, charge, now)
    return True


def _charge(run: AutosaveRun, card: SavedCard, now: datetime.datetime) -> None:
    """Charge a card for a run that is stored as begun, and look at what became of it: most answers come at once."""
    try:
        payments.charge_card(
            card,
            plan=run.rule.plan,
            amount_kobo=run.amount_kobo,
            reference=reference_of(run),
            kind=Transaction.Kind.AUTOSAVE,
            autosave_run=run,
        )
    except ReferenceTaken:
        # A restored backup has lost a change of the rule: the card was charged for this date as the rule was then.
        with atomic():
            run = _lock_run(run.pk)
            if run.status == Status.TRYING:
                _follow_up(run, now)
        return
    except Refused:
        # Nothing was charged: the card or the plan has changed since the run was locked.
        with atomic():
            run = _lock_run(run.pk)
            if run.status == Status.TRYING and not _is_stopped(run, now):
                _try_again(run, Reason.NOT_ALLOWED, now)
        return
    with atomic():
        run = _lock_run(run.pk)
        if run.status == Status.TRYING:
            _follow_up(run, now)


def _lock_run(run_id: int) -> AutosaveRun:
    """Lock the owner's row, and return the present run with its rule and what decides about it."""
    User.objects.touch(AutosaveRun.objects.values_list("rule__user_id", flat=True).get(pk=run_id))
    complete = AutosaveRun.objects.select_related(
        "card", "rule__user", "rule__card", *(f"rule__{name}" for name in rules.STATE_OF_PLAN)
    )
    return complete.get(pk=run_id)


def _waits_for_term(run: AutosaveRun, now: datetime.datetime) -> bool:
    """Return whether the plan has matured and its new term has not begun yet, which takes minutes."""
    plan = run.rule.plan
    if plan is None or plan.is_closed or plan.at_maturity not in Plan.RENEWING:
        return False
    return plan.is_matured(timezone.localdate(now))


def _lapses(run: AutosaveRun, now: datetime.datetime) -> bool:
    """End a run whose rule has come to its next date; return whether it has."""
    today = timezone.localdate(now)
    if run.due_on >= today:
        return False
    next_on = _next_on(run)
    if next_on is None or next_on > today:
        return False
    if run.tries:
        _fail(run, run.reason, now)
    else:
        rules.end_run(run, Status.SKIPPED, Reason.LATER)
    return True


def _is_stopped(run: AutosaveRun, now: datetime.datetime) -> bool:
    """Pause the rule of a run if something stops it by now, which skips the run; return whether it does.

    A run whose card cannot be charged is skipped alone if its rule has another source by now.
    """
    rule, today = run.rule, timezone.localdate(now)
    reason: str | None = stops.reason_of_plan(rule.plan, today, past_goal_kobo=rule.past_goal_kobo)
    card_reason = stops.reason_of_card(run.card)
    has_other_source = rule.card_id != run.card_id and stops.reason_of_card(rule.card) is None
    if not has_other_source:
        reason = reason or card_reason
    reason = stops.reason_of_account(rule.user) or reason
    if reason is None and rule.plan is not None and not plans.has_room(rule.plan, run.amount_kobo):
        reason = AutosaveRule.Reason.FULL
    if reason is None and card_reason is None:
        return False
    if reason is None:
        rules.end_run(run, Status.SKIPPED, Reason.CARD)
        _tell_of_failure(run, None)
        _end_rule_without_dates(rule)
        return True
    if rule.is_active:
        stop_by_itself(rule, reason)
    if run.is_open:
        rules.end_run(run, Status.SKIPPED, Reason.STOPPED)
    return True


def _begin(run: AutosaveRun, now: datetime.datetime) -> SavedCard | None:
    """Try a run: move the money from the stash, or return the card that has to be charged after the commit."""
    if not run.tries:
        run.tried_on = timezone.localdate(now)
        if run.announced_at is None or run.due_on < run.tried_on:
            mails.autosave_late(run)
    run.tries += 1
    if run.source == Source.CARD:
        run.status, run.next_try_at = Status.TRYING, now + _FIRST_LOOK
        run.save(update_fields=["status", "next_try_at", "tries", "tried_on"])
        return run.card
    _move_from_stash(run, now)
    return None


def _move_from_stash(run: AutosaveRun, now: datetime.datetime) -> None:
    rule = run.rule
    if rule.plan is None:
        raise ValueError("A rule from the stash needs a plan.")
    try:
        plans.move_to_plan(
            rule.user,
            rule.plan,
            amount_kobo=run.amount_kobo,
            reference=reference_of(run),
            autosave_run=run,
        )
    except NotEnoughMoney:
        _try_again(run, Reason.SHORT, now)
    else:
        _succeed(run, now)


def _follow_up(run: AutosaveRun, now: datetime.datetime) -> SavedCard | None:
    """Bring a run on its way to the state of its transaction.

    Returns the card if the worker was killed before the transaction existed: the charge has to be made then, under the
    same reference.
    """
    movement = Transaction.objects.filter(reference__in=references_of(run)).first()
    if movement is not None and movement.status in _ARRIVED:
        _succeed(run, now)
    elif movement is not None and movement.status in _FAILED:
        _try_again(run, movement.failure_code, now)
    elif movement is not None and movement.status != Transaction.Status.PENDING:
        # In review: staff decide about the money, and its saver has been told.
        rules.end_run(run, Status.FAILED, Reason.CHECKED)
        _end_rule_without_dates(run.rule)
    else:
        is_new = movement is None or now - movement.created_on < _IS_NEW_FOR
        run.next_try_at = now + (_FIRST_LOOK if is_new else _LOOK_EVERY)
        run.save(update_fields=["next_try_at"])
        return run.card if movement is None else None
    return None


def _succeed(run: AutosaveRun, now: datetime.datetime) -> None:
    run.status, run.reason, run.next_try_at, run.ended_at = Status.DONE, "", None, now
    run.save(update_fields=["status", "reason", "next_try_at", "ended_at", "tries", "tried_on"])
    rule = run.rule
    if rule.failures:
        rule.failures = 0
        rule.save(update_fields=["failures"])
    _end_rule_without_dates(rule)


def _try_again(run: AutosaveRun, reason: str, now: datetime.datetime) -> None:
    """Note a failed try, with the time of the next one; the date has failed when none is left."""
    next_try_at = _next_try_at(run, now) if run.rule.is_active else None
    if next_try_at is None:
        _fail(run, reason, now)
        return
    run.status, run.reason, run.next_try_at = Status.WAITING, reason, next_try_at
    run.save(update_fields=["status", "reason", "next_try_at", "tries", "tried_on"])
    _tell_of_failure(run, next_try_at)


def _next_try_at(run: AutosaveRun, now: datetime.datetime) -> datetime.datetime | None:
    """Return when a run is tried again: in the evening of its first day, and one and three days later.

    None after the last, for the second failure of a daily rule, and where the rule's next date comes first.
    """
    first = run.tried_on or run.due_on
    later = () if run.rule.every == Every.DAY else _LATER_DAYS
    moments = [
        run_moment(first, _EVENING),
        *(run_moment(first + datetime.timedelta(days=days)) for days in later),
    ]
    moment = next((moment for moment in moments if moment > now), None)
    next_on = _next_on(run)
    if moment is None or (next_on is not None and moment >= run_moment(next_on)):
        return None
    return moment


def _next_on(run: AutosaveRun) -> datetime.date | None:
    """Return the date of the rule that follows a run, whether it is announced already or not."""
    announced = run.rule.runs.filter(due_on__gt=run.due_on).order_by("due_on")
    return announced.values_list("due_on", flat=True).first() or run.rule.next_on


def _fail(run: AutosaveRun, reason: str, now: datetime.datetime) -> None:
    """End a run that has failed for good, and pause its rule after three such dates in a row."""
    rule = run.rule
    run.status, run.reason, run.next_try_at, run.ended_at = Status.FAILED, reason, None, now
    run.save(update_fields=["status", "reason", "next_try_at", "ended_at", "tries", "tried_on"])
    rule.failures += 1
    rule.save(update_fields=["failures"])
    if rule.is_active and rule.failures >= _MOST_FAILURES:
        stop_by_itself(rule, AutosaveRule.Reason.FAILED)
    else:
        _tell_of_failure(run, None)
        _end_rule_without_dates(rule)


def _tell_of_failure(run: AutosaveRun, next_try_at: datetime.datetime | None) -> None:
    mails.autosave_failed(
        run, why=why_failed(run.reason), is_short=run.reason == Reason.SHORT, next_try_at=next_try_at
    )


def why_failed(reason: str) -> str:
    """Return the sentence for the reason of a run that failed or was skipped: its own, or one of a card's charge."""
    return messages.RUN_REASONS.get(reason) or payments.CARD_FAILURES.get(reason) or messages.CARD_FAILED


def _end_rule_without_dates(rule: AutosaveRule) -> None:
    rules.end_without_dates(rule)
    if rule.is_ended:
        rule.save(update_fields=["status", "reason"])
