"""Auto-save at a million rules: finding what is due, saving from the stash, and memory; the calendar's queries."""

from __future__ import annotations

import argparse
import datetime
import json
import logging
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import django
from django.conf import settings

from tests.benchmarks._servers import PRODUCTION

if not settings.configured:
    os.environ |= PRODUCTION
    django.setup()

from django.core.management import call_command
from django.db import connection
from django.db.transaction import atomic
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from savings import autosave, ledger, references
from savings.models import Account, AutosaveRule, AutosaveRun, Transaction
from tests import factories
from tests.benchmarks import _database
from tests.benchmarks._copies import copy_row, go_on_after
from tests.benchmarks._report import Figure, publish

FEW, MANY = 10_000, 1_000_000
SMALL, LARGE, TINY = "asusu_jobs_small", "asusu_jobs_large", "asusu_jobs_tiny"
# Rules that are due on one day, in both databases.
DUE = 1_000
DUE_FEW, DUE_MANY = 1_000, 100_000
HELD_KOBO, AMOUNT_KOBO = 100_000_000_00, 1_000_00
FIND_ROUNDS, POST_ROUNDS, POSTS_PER_ROUND = 40, 10, 100
_BASE = 1_000_000


def main() -> int:
    """Measure on the servers of the environment, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rules", type=int, default=MANY)
    parser.add_argument("--json")
    parser.add_argument("--run", metavar="DATABASE", help=argparse.SUPPRESS)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    if options.run:
        return _run(options.run)
    call_command("collectstatic", interactive=False, verbosity=0)
    with _database.made(SMALL), _database.made(LARGE), _database.made(TINY):
        figures = list(_measure(options.rules))
    return publish("jobs", figures, options.json)


def _measure(many: int) -> Iterator[Figure]:
    for name, rules in ((SMALL, FEW), (LARGE, many)):
        _database.use(name)
        _fill(rules, every=max(1, rules // DUE))
    yield _find(many)
    yield _post()
    yield _calendar()
    yield _memory(min(DUE_MANY, many))


def _fill(times: int, *, every: int) -> None:
    """Write users with a full stash, a plan and a monthly rule; one in `every` is due tomorrow, the others later."""
    user = factories.make_user("first@example.com")
    plan = factories.make_plan(user, holding_kobo=1_000_00)
    factories.pay_in(user, HELD_KOBO)
    tomorrow = timezone.localdate() + datetime.timedelta(days=1)
    terms = autosave.Terms(AMOUNT_KOBO, "month", "stash", month_day=tomorrow.day)
    rule = autosave.create_rule(user, plan, terms, reference=references.mint(references.AUTOSAVE_PREFIX))
    stash = ledger.stash_account(user)
    user_id, plan_id, account_id = (f"{_BASE} + n" for _ in range(3))
    number = "lpad(n::text, 17, '0')"
    later = f"DATE '{tomorrow}' + CASE WHEN mod(n, {every}) = 0 THEN 0 ELSE 1 + mod(n, 364) END"
    copy_row("user", user.pk, times, id=user_id, email="n || '@example.com'")
    copy_row("plan", plan.pk, times, id=plan_id, user_id=user_id, reference=f"'PLN' || {number}")
    of_plan = Account.objects.get(plan=plan)
    copy_row("account", of_plan.pk, times, id=account_id, user_id=user_id, plan_id=plan_id)
    copy_row("account", stash.pk, times, id=f"{_BASE + times} + n", user_id=user_id)
    owned = {"user_id": user_id, "plan_id": plan_id, "reference": f"'ASR' || {number}"}
    copy_row("autosaverule", rule.pk, times, id=f"{_BASE} + n", next_on=later, **owned)
    go_on_after(_BASE + 2 * times, "user", "plan", "account", "autosaverule")


def _find(many: int) -> Figure:
    """Compare how long it takes to find the rules of tomorrow in both databases, in turns."""
    tomorrow = timezone.localdate() + datetime.timedelta(days=1)
    seconds: dict[str, list[float]] = {SMALL: [], LARGE: []}
    for _ in range(FIND_ROUNDS):
        for name in (SMALL, LARGE):
            _database.use(name)
            connection.ensure_connection()
            begun_at = time.perf_counter()
            found = len(AutosaveRule.objects.due_by(tomorrow).values_list("pk", flat=True))
            seconds[name].append(time.perf_counter() - begun_at)
            assert DUE <= found <= DUE + 1, found
    small, large = (statistics.median(seconds[name]) for name in (SMALL, LARGE))
    detail = f"{large * 1000:.2f} ms : {small * 1000:.2f} ms for {DUE:,}"
    return Figure(f"due rules found among {many:,} : {FEW:,}", large / small, "x", detail, at_most=1.2)


def _post() -> Figure:
    """Compare saving from the stash through the job with the same postings through the ledger, in turns."""
    _database.use(SMALL)
    now = timezone.now()
    rules = list(
        AutosaveRule.objects.filter(pk__gt=_BASE).order_by("pk").select_related("user", "plan__account")
    )
    seconds: dict[str, list[float]] = {"job": [], "ledger": []}
    for turn in range(POST_ROUNDS):
        batch = rules[turn * 2 * POSTS_PER_ROUND :][: 2 * POSTS_PER_ROUND]
        through_job, through_ledger = batch[:POSTS_PER_ROUND], batch[POSTS_PER_ROUND:]
        AutosaveRun.objects.bulk_create(_announced(rule, now) for rule in through_job)
        begun_at = time.perf_counter()
        done = autosave.carry_out_due(now)
        seconds["job"].append(time.perf_counter() - begun_at)
        assert done == POSTS_PER_ROUND, done
        begun_at = time.perf_counter()
        for rule in through_ledger:
            _post_alone(rule)
        seconds["ledger"].append(time.perf_counter() - begun_at)
    job, alone = (POSTS_PER_ROUND / statistics.median(seconds[name]) for name in ("job", "ledger"))
    detail = f"{job:,.0f} : {alone:,.0f} a second"
    return Figure(
        "auto-saves a second through the job : the ledger alone", job / alone, "x", detail, at_least=0.6
    )


def _announced(rule: AutosaveRule, now: datetime.datetime) -> AutosaveRun:
    """Return the run of a rule that is due today and was announced yesterday."""
    return AutosaveRun(
        rule=rule,
        due_on=timezone.localdate(now),
        amount_kobo=AMOUNT_KOBO,
        source=rule.source,
        next_try_at=now,
        announced_at=now - datetime.timedelta(days=1),
    )


def _post_alone(rule: AutosaveRule) -> None:
    assert rule.plan is not None
    with atomic():
        movement, _ = ledger.open_transaction(
            reference=references.new(Transaction.Kind.AUTOSAVE),
            kind=Transaction.Kind.AUTOSAVE,
            user=rule.user,
            plan=rule.plan,
            amount_kobo=AMOUNT_KOBO,
        )
        ledger.settle(movement, debit=ledger.stash_account(rule.user), credit=rule.plan.account)


def _calendar() -> Figure:
    """Compare the queries of the calendar of a person with 50 rules with those for one rule."""
    _database.use(TINY)
    queries = []
    for rules in (1, 50):
        user = factories.make_user()
        plan = factories.make_plan(user)
        for _ in range(rules):
            terms = autosave.Terms(AMOUNT_KOBO, "week", "stash", weekday=4)
            autosave.create_rule(user, plan, terms, reference=references.mint(references.AUTOSAVE_PREFIX))
        client = Client(headers={"host": "savings.example.com"})
        client.force_login(user)
        client.get(reverse("calendar:home"), secure=True)
        with CaptureQueriesContext(connection) as captured:
            response = client.get(reverse("calendar:home"), secure=True)
        assert response.status_code == 200, response
        queries.append(len(captured))
    detail = f"{queries[1]} : {queries[0]}"
    return Figure(
        "queries of the calendar, 50 rules : 1", queries[1] / queries[0], "x", detail, at_most=1, at_least=1
    )


def _memory(many: int) -> Figure:
    """Compare the memory of a worker that finds many runs due at once with one that finds a few."""
    peaks = []
    for name, due in ((SMALL, DUE_FEW), (LARGE, many)):
        _database.use(name)
        AutosaveRun.objects.filter(status=AutosaveRun.Status.WAITING).delete()
        now = timezone.now()
        spared = AutosaveRun.objects.values("rule")
        rules = AutosaveRule.objects.filter(pk__gt=_BASE).exclude(pk__in=spared).order_by("-pk")[:due]
        AutosaveRun.objects.bulk_create(
            (_announced(rule, now) for rule in rules.iterator()), batch_size=5_000
        )
        words = [sys.executable, "-m", "tests.benchmarks.jobs", "--run", name]
        ran = json.loads(subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout)
        assert ran["done"] == due, ran
        peaks.append(ran["peak_kib"])
    detail = f"{peaks[1] / 1024:.0f} MiB : {peaks[0] / 1024:.0f} MiB"
    return Figure(
        f"memory, {many:,} due at once : {DUE_FEW:,}", peaks[1] / peaks[0], "x", detail, at_most=1.2
    )


def _run(name: str) -> int:
    """Carry out what is due in a database, and print the number of runs and the process's peak of memory."""
    _database.use(name)
    done = autosave.carry_out_due(timezone.now())
    status = Path("/proc/self/status").read_text()
    peak_kib = int(status.partition("VmHWM:")[2].split()[0])
    sys.stdout.write(json.dumps({"done": done, "peak_kib": peak_kib}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
