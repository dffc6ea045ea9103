"""Prepares the pages of auto-save: the list, a rule with its history, the form, and its preview."""

from __future__ import annotations

import datetime
import itertools
from typing import Any, NamedTuple

from django.db.models import OuterRef, Subquery
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from savings import autosave, ledger, money
from savings.autosave import Preview
from savings.models import AutosaveRule, AutosaveRun, Plan, SavedCard, Transaction, User
from savings.models.autosave import AutosaveRuleQuerySet
from web import date_formats
from web.forms.autosave import RuleForm
from web.messages import autosave as messages
from web.messages import cards as card_messages
from web.pages import amounts, cards, plan_terms

Status, Run = AutosaveRule.Status, AutosaveRun.Status
_LATEST_RUNS = 12
_TIMES_A_YEAR: dict[str, int] = {
    AutosaveRule.Every.DAY: 365,
    AutosaveRule.Every.WEEK: 52,
    AutosaveRule.Every.MONTH: 12,
}
# What a month comes to is rounded to whole hundreds of naira.
_ROUGHLY_KOBO = 100_00
# As many dates a form without an amount names as one with an amount.
_FIRST_DAYS = 4
# On the page of a plan or of the stash; the list has all.
MOST_SHOWN = 4


class RuleRow(NamedTuple):
    """A rule as a list shows it.

    `next_on` is the date that comes next, announced or not; None for a rule that does not run. `why` says why it does
    not.
    """

    rule: AutosaveRule
    amount: str
    rhythm: str
    source: str
    into: str
    next_on: datetime.date | None
    why: str
    # What a rule without an amount saves next, in kobo, and the payments to the goal from then on; 0 if not known.
    needed_kobo: int = 0
    payments_text: str = ""
    # The date that comes next in words.
    next_text: str = ""

    @property
    def is_today(self) -> bool:
        return self.next_on == timezone.localdate()


class RunRow(NamedTuple):
    """A date of a rule: what became of it, and the reference of its receipt, if it has one."""

    run: AutosaveRun
    outcome: str
    receipt: str


class Trouble(NamedTuple):
    """Why the latest date is not saved, and what mends it at once: the words and the URL of a link."""

    why: str
    action: str
    url: str


def rules_of(user: User) -> AutosaveRuleQuerySet:
    """Return a user's rules with what a row shows, each with the date of its open run."""
    complete = _complete(AutosaveRule.objects.filter(user=user))
    return complete.select_related("card", "plan__account", "plan__membership__circle")


def _complete(rules: AutosaveRuleQuerySet) -> AutosaveRuleQuerySet:
    """Return rules with their card and the date and amount (kobo) of their open run (`open_on`, `open_kobo`)."""
    open_run = AutosaveRun.objects.open().filter(rule=OuterRef("pk")).order_by("due_on")
    return rules.select_related("card").annotate(
        open_on=Subquery(open_run.values("due_on")[:1]),
        open_kobo=Subquery(open_run.values("amount_kobo")[:1]),
    )


def index(user: User) -> dict[str, Any]:
    """Return the context of the list of all rules."""
    rows = [row(rule) for rule in rules_of(user).order_by("-id")]
    active = [_with_needed(one, one.rule.plan) for one in rows if one.next_on]
    return {
        # The next one first.
        "active": sorted(active, key=lambda one: one.next_on or datetime.date.max),
        **_a_month(active),
        "paused": [one for one in rows if not one.next_on and not one.rule.is_ended],
        "ended": [one for one in rows if one.rule.is_ended],
    }


def _a_month(rows: list[RuleRow]) -> dict[str, int]:
    """Return roughly what rules take in a month from cards, and from the stash into plans, in kobo.

    Apart, because a sum that a card pays into the stash may be what moves on into a plan. 0 for less than two rules.
    """
    repeating = [one for one in rows if one.rule.every in _TIMES_A_YEAR]
    sums = {"cards_kobo": 0, "stash_kobo": 0}
    if len(repeating) < 2:
        return sums
    for one in repeating:
        source = "cards_kobo" if one.rule.card_id else "stash_kobo"
        sums[source] += (one.rule.amount_kobo or one.needed_kobo) * _TIMES_A_YEAR[one.rule.every]
    return {source: _roughly_a_month(year_kobo) for source, year_kobo in sums.items()}


def _roughly_a_month(year_kobo: int) -> int:
    return money.round_down(year_kobo // 12 + _ROUGHLY_KOBO // 2, _ROUGHLY_KOBO)


def section(plan: Plan) -> tuple[list[RuleRow], list[str]]:
    """Return the first rules of a plan that have not ended, and what all of them lead to: one query."""
    # A saver has at most `autosave.MOST_RULES`.
    rows = [row(rule, plan) for rule in _complete(AutosaveRule.objects.current().filter(plan=plan))]
    running = [one.rule for one in rows if one.next_on]
    return [_with_needed(one, plan) for one in rows[:MOST_SHOWN]], _leads_to(plan, running)


def _leads_to(plan: Plan, running: list[AutosaveRule]) -> list[str]:
    """Return when the running rules of a plan reach its goal, and whether its money is free then; nothing without."""
    if not running:
        return []
    dates = ((getattr(rule, "open_on", None), getattr(rule, "open_kobo", 0)) for rule in running)
    announced = [(day, kobo) for day, kobo in dates if day]
    reaches_on = autosave.reaches_goal_on(plan, running, announced=announced)
    reached = [messages.reaches(plan.target_kobo, reaches_on)] if reaches_on and plan.target_kobo else []
    return reached + (plan_terms.exit_sentences(plan, plan.matures_on) if plan.has_term else [])


def stash_section(user: User) -> list[RuleRow]:
    """Return the first rules of a user's stash that have not ended: one query."""
    rules = _complete(AutosaveRule.objects.current().filter(user=user, plan=None))
    return [row(rule) for rule in rules[:MOST_SHOWN]]


def row(rule: AutosaveRule, plan: Plan | None = None) -> RuleRow:
    """Return a rule with the date of its open run as a row. `plan` is its plan, if the caller has loaded that."""
    plan = plan or rule.plan
    why = autosave.sentence(rule.reason) if rule.reason else ""
    next_on = getattr(rule, "open_on", None) or rule.next_on
    if rule.is_active and next_on is not None:
        # What the worker will find at the next date. A plan that is closed or full of days says so at once.
        reason = autosave.reason_of_plan(plan, next_on, past_goal_kobo=rule.past_goal_kobo)
        if reason is not None:
            why, next_on = autosave.sentence(reason), None
    return RuleRow(
        rule=rule,
        amount=_amount(rule),
        rhythm=messages.how_often(
            rule.every, weekday=rule.weekday, month_day=rule.month_day, on=rule.until_on
        ),
        source=messages.with_digits(str(rule.card)) if rule.card else messages.STASH,
        into=plan.name if plan else messages.STASH,
        next_on=next_on if rule.is_active else None,
        why=why,
        next_text=_day_text(next_on) if next_on else "",
    )


def _day_text(day: datetime.date) -> str:
    days = (day - timezone.localdate()).days
    return messages.NEXT_DAYS[days] if days in messages.NEXT_DAYS else date_formats.day(day, with_year=False)


def _with_needed(shown: RuleRow, plan: Plan | None) -> RuleRow:
    """Return a row with the sum that its rule saves next, if that is what the goal needs. Costs no query."""
    rule = shown.rule
    if rule.amount_kobo is not None or shown.next_on is None:
        return shown
    ahead = autosave.preview(shown.next_on, rule, plan)
    announced_kobo = getattr(rule, "open_kobo", None)
    needed_kobo = announced_kobo or (ahead.dates[0][1] if ahead.dates else 0)
    return shown._replace(needed_kobo=needed_kobo, payments_text=messages.payments(ahead.payments))


def detail(rule: AutosaveRule) -> dict[str, Any]:
    """Return the context of a rule's page."""
    runs = list(rule.runs.select_related("card").order_by("-due_on")[:_LATEST_RUNS])
    shown, receipts = _with_needed(row(rule), rule.plan), _receipts(runs)
    open_run = next((run for run in runs if run.is_open), None)
    ahead = autosave.preview(rule.next_on, rule, rule.plan, announced_kobo=_announced_kobo(open_run))
    return {
        "rule": rule,
        "row": shown,
        "open_run": open_run,
        "runs": [RunRow(run, _outcome(run), receipts.get(run.pk, "")) for run in runs],
        "saved": _saved(runs),
        "trouble": _trouble(rule, runs),
        "a_month_kobo": _rhythm_a_month(rule) if shown.next_on else 0,
        "after_next": [one for one in ahead.dates if one[0] != shown.next_on] if shown.next_on else [],
        "can_skip": shown.next_on is not None and (open_run is None or open_run.status == Run.WAITING),
    }


def _saved(runs: list[AutosaveRun]) -> str:
    """Return what the shown dates saved, in words; empty for less than two."""
    saved = [run.amount_kobo for run in runs if run.status == Run.DONE]
    return messages.saved_on(sum(saved), len(saved), of=len(runs)) if len(saved) > 1 else ""


def form(
    user: User, plan: Plan | None, form: RuleForm, *, rule: AutosaveRule | None = None
) -> dict[str, Any]:
    """Return the context of the form for a new rule, or for one that is changed."""
    open_run = open_run_of(user, rule.pk) if rule else None
    return {
        "plan": plan,
        "form": form,
        "rule": rule,
        "sources": _sources(user, plan, form),
        "chips": amounts.chips(None, form) if plan is None else [],
        "is_reached": plan is not None and _is_reached(plan),
        "open_run": open_run,
        **preview(user, plan, form, open_run),
    }


def open_run_of(user: User, rule_id: int) -> AutosaveRun | None:
    """Return the announced date of one of a user's rules; None without one."""
    return AutosaveRun.objects.open().filter(rule__user=user, rule=rule_id).order_by("due_on").first()


def preview(
    user: User, plan: Plan | None, form: RuleForm, open_run: AutosaveRun | None = None
) -> dict[str, Any]:
    """Return the context of the preview: what the terms in the form would do; nothing if they are not complete.

    `open_run` is the announced date of the rule that is changed. It stays as it is, and the new terms count after it.
    """
    if not form.is_bound:
        form = form.as_if_sent(user)
    today = timezone.localdate()
    since = max(today, open_run.due_on) if open_run else today
    if not form.is_valid():
        return {"ahead": None, "dates": _days(form, since)}
    terms = form.terms
    first_on = terms.rhythm.after(since)
    ahead = autosave.preview(first_on, terms, plan, announced_kobo=_announced_kobo(open_run))
    rhythm = messages.how_often(
        terms.every, weekday=terms.weekday, month_day=terms.month_day, on=terms.until_on
    )
    return {
        "ahead": ahead if ahead.dates else None,
        "dates": ahead.dates,
        "says": rhythm,
        "a_month_kobo": _rhythm_a_month(terms),
        "sentences": _sentences(ahead, plan) + _about_short_months(terms),
        # Of a single date, it says no more than the date.
        "rhythm": "" if terms.every == AutosaveRule.Every.ONCE else rhythm,
    }


def _rhythm_a_month(terms: autosave.Terms | AutosaveRule) -> int:
    """Return roughly what a sum of each day or week is in a month, in kobo; 0 for another rhythm."""
    is_shorter = terms.every in {AutosaveRule.Every.DAY, AutosaveRule.Every.WEEK}
    return _roughly_a_month((terms.amount_kobo or 0) * _TIMES_A_YEAR[terms.every]) if is_shorter else 0


def _days(form: RuleForm, since: datetime.date) -> list[tuple[datetime.date, int]]:
    """Return the first dates, without a sum, of a form that lacks only the amount or the source; else none."""
    if form.errors.keys() - {"amount", "source"}:
        return []
    return [(day, 0) for day in itertools.islice(form.terms.rhythm.dates(since), _FIRST_DAYS)]


def _announced_kobo(open_run: AutosaveRun | None) -> int:
    return open_run.amount_kobo if open_run else 0


def _about_short_months(terms: autosave.Terms) -> list[str]:
    """Return what happens where a month lacks the day; the 31st is called the last day anyhow."""
    is_late = terms.every == AutosaveRule.Every.MONTH and terms.month_day in {29, 30}
    return [messages.SHORTER_MONTHS] if is_late else []


def _sentences(ahead: Preview, plan: Plan | None) -> list[str]:
    sentences = []
    if ahead.reaches_on and plan is not None and plan.target_kobo:
        sentences.append(messages.reaches(plan.target_kobo, ahead.reaches_on))
    if ahead.payments:
        sentences.append(messages.comes_to(ahead.payments, ahead.total_kobo))
    return sentences


def _sources(user: User, plan: Plan | None, form: RuleForm) -> list[amounts.Source]:
    saved = [_card_source(key, card, form) for key, card in form.cards.items()]
    if plan is not None:
        stash_kobo = ledger.balance_kobo(ledger.stash_account(user))
        saved.insert(0, amounts.Source(RuleForm.STASH, "stash", messages.MY_STASH, "", stash_kobo))
    return amounts.with_choice(saved, form)


def _card_source(key: str, card: SavedCard, form: RuleForm) -> amounts.Source:
    """Return the row of a card; one that expires today cannot be chosen, because the first date is later."""
    source = amounts.card_source(key, card)
    # A rule that has the card already can be changed without another one.
    if not cards.expires_today(card) or form["source"].value() == key:
        return source
    return source._replace(why_not=card_messages.EXPIRES_BEFORE_FIRST, warning="")


def _receipts(runs: list[AutosaveRun]) -> dict[int, str]:
    """Return the reference of each run that has a transaction, by the id of the run: one query."""
    found = Transaction.objects.filter(autosave_run__in=runs).order_by("id")
    # Of several tries the last.
    return dict(found.values_list("autosave_run_id", "reference")) if runs else {}


def _trouble(rule: AutosaveRule, runs: list[AutosaveRun]) -> Trouble | None:
    """Return what is wrong with the latest date that was tried, if it is not saved; its plan must take money."""
    run = next((run for run in runs if run.tries), None)
    if run is None or not run.reason or run.status == Run.TRYING or rule.is_ended:
        return None
    is_short = run.reason == AutosaveRun.Reason.SHORT
    to_stash = is_short or rule.plan_id is None
    url = reverse("stash:fund") if to_stash else reverse("plans:top_up", args=[rule.plan_id])
    query = urlencode({"amount": money.figures(run.amount_kobo)})
    action = messages.ADD_TO_STASH if is_short else messages.PAY_NOW
    return Trouble(_outcome(run), action, f"{url}?{query}")


def _outcome(run: AutosaveRun) -> str:
    """Return what there is to say about a run beside its status."""
    if run.status == Run.WAITING and run.reason and run.next_try_at:
        again = messages.try_again_at(timezone.localtime(run.next_try_at))
        return f"{autosave.why_failed(run.reason)} {again}"
    return autosave.why_failed(run.reason) if run.reason else ""


def _amount(rule: AutosaveRule) -> str:
    return money.short(rule.amount_kobo) if rule.amount_kobo else messages.WHAT_IS_NEEDED


def _is_reached(plan: Plan) -> bool:
    return bool(plan.target_kobo) and (plan.account.balance_kobo or 0) >= (plan.target_kobo or 0)
