"""Runs from the stash that are due today, many at once: loaded ahead, and carried out if nothing has changed since.

Most runs of a day are such. What decides about one is read again under the lock of its owner, in one small query; a run
about which anything has changed, or that is not plain, is left to the full way in `runs`. `make bench NAME=jobs` prints
what that gains: "auto-saves a second through the job : the ledger alone".
"""

from __future__ import annotations

import datetime

from django.db.models import QuerySet, Subquery
from django.db.transaction import atomic
from django.utils import timezone

from savings import ledger, plans
from savings.autosave import rules, stops
from savings.models import Account, AutosaveRule, AutosaveRun, Plan, Transaction, User
from savings.models.autosave import Source
from savings.models.ledger import derived_reference
from savings.prepared_queries import Row, prepared

_AT_ONCE = 500
Status = AutosaveRun.Status
# What may change after a run was loaded and before its owner is locked, as columns of the run.
_FACTS = (
    "status",
    "next_try_at",
    "tries",
    "rule__status",
    "rule__next_on",
    "rule__failures",
    "rule__past_goal_kobo",
    "rule__user__is_active",
    "rule__user__frozen",
    "rule__plan__closed_at",
    "rule__plan__matures_on",
    "rule__plan__at_maturity",
    "rule__plan__target_kobo",
    "rule__plan__reached_kobo",
    "rule__plan__membership__left_at",
    "rule__plan__membership__circle__ends_on",
)


class RunsAhead:
    """The plain runs of a day, loaded 500 at once in the order of their ids."""

    def __init__(self, now: datetime.datetime) -> None:
        self.now = now
        self._loaded: dict[int, tuple[AutosaveRun, Account, Row]] = {}
        self._up_to = 0

    def save(self, run_id: int) -> bool:
        """Carry out a run, and return whether that was possible: False leaves it to the full way."""
        if run_id > self._up_to:
            self._load(run_id)
        found = self._loaded.pop(run_id, None)
        return found is not None and _save(*found, now=self.now)

    def _load(self, run_id: int) -> None:
        plain = AutosaveRun.objects.due(self.now).filter(
            source=Source.STASH,
            status=Status.WAITING,
            tries=0,
            due_on=timezone.localdate(self.now),
            announced_at__isnull=False,
            rule__next_on__isnull=False,
            rule__failures=0,
            pk__gte=run_id,
        )
        # The facts first: if they are the same under the lock, what is loaded after them is current.
        rows = plain.order_by("pk").values_list("pk", *_FACTS)[:_AT_ONCE]
        facts = {pk: tuple(facts) for pk, *facts in rows}
        complete = AutosaveRun.objects.select_related(
            "rule__user", *(f"rule__{name}" for name in rules.STATE_OF_PLAN)
        )
        runs = list(complete.filter(pk__in=facts))
        owners = [run.rule.user_id for run in runs]
        stashes = {
            account.user_id: account
            for account in Account.objects.filter(user__in=owners, kind=Account.Kind.STASH)
        }
        self._up_to = max(facts, default=run_id)
        self._loaded = {
            run.pk: (run, stashes[run.rule.user_id], facts[run.pk])
            for run in runs
            if run.rule.user_id in stashes
        }


def reference_of(run: AutosaveRun) -> str:
    """Return the reference of the present try of a run, the same however often the worker begins it.

    It does not depend on the id of the run: after a restored backup the same date is a new row, and the provider
    refuses to charge the card for it again.
    """
    name = f"autosave:{run.rule_id}:{run.due_on.isoformat()}:{run.tries}"
    return derived_reference(Transaction.Kind.AUTOSAVE, name)


def references_of(run: AutosaveRun) -> list[str]:
    """Return the references that the present try may have: an earlier release derived it from the run's id."""
    before = derived_reference(Transaction.Kind.AUTOSAVE, f"autosave:{run.pk}:{run.tries}")
    return [reference_of(run), before]


@prepared
def _facts_and_balances(run_id: int, stash_id: int) -> QuerySet[AutosaveRun, Row]:
    stash = Subquery(Account.objects.filter(pk=stash_id).values("balance_kobo"))
    runs = AutosaveRun.objects.filter(pk=run_id)
    return runs.values_list(*_FACTS, "rule__plan__account__balance_kobo", stash)


def _save(run: AutosaveRun, stash: Account, facts: Row, *, now: datetime.datetime) -> bool:
    rule, plan, today = run.rule, run.rule.plan, timezone.localdate(now)
    if plan is None:
        return False
    with atomic():
        User.objects.touch(rule.user_id)
        ((*now_facts, plan_kobo, stash_kobo),) = _facts_and_balances(run.pk, stash.pk)
        if tuple(now_facts) != facts or stash_kobo < run.amount_kobo:
            return False
        plan.account.balance_kobo, stash.balance_kobo = plan_kobo, stash_kobo
        if not _is_plain(rule, plan, run.amount_kobo, today):
            return False
        run.tries = 1
        movement, _ = ledger.open_transaction(
            reference=reference_of(run),
            kind=Transaction.Kind.AUTOSAVE,
            user=rule.user,
            plan=plan,
            amount_kobo=run.amount_kobo,
            autosave_run=run,
        )
        ledger.settle(movement, debit=stash, credit=plan.account)
        plans.record_goal(plan, run.amount_kobo)
        AutosaveRun.objects.filter(pk=run.pk).update(
            status=Status.DONE, tries=1, tried_on=today, next_try_at=None, ended_at=now
        )
    return True


def _is_plain(rule: AutosaveRule, plan: Plan, amount_kobo: int, today: datetime.date) -> bool:
    """Return whether nothing stops a run. A plan that has matured may begin a new term in minutes: not plain."""
    stopped = stops.reason_of_plan(plan, today, past_goal_kobo=rule.past_goal_kobo)
    stopped = stopped or stops.reason_of_account(rule.user)
    is_open = not plan.is_matured(today) and stopped is None
    return is_open and plans.has_room(plan, amount_kobo)
