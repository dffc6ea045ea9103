"""The monthly posting of interest: beside bare statements, per plan at a million, and its effect on a page."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import signal
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
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from savings import ledger, plans, references
from savings.models import Account, InterestPosting, Plan, Product, User
from tests.benchmarks import _database
from tests.benchmarks._copies import copy_row, go_on_after
from tests.benchmarks._report import Figure, publish

FEW, MANY = 10_000, 1_000_000
SMALL, LARGE, BARE = "asusu_interest_small", "asusu_interest_large", "asusu_interest_bare"
HELD_KOBO = 100_000_00
PAGE_ROUNDS, PAGES_PER_ROUND = 30, 10

# The rows of one month's posting by hand: no lock, no check and no arithmetic that has to be right.
BARE_STATEMENTS = """
UPDATE savings_user SET version = version + 1;
INSERT INTO savings_transaction (reference, kind, status, failure_code, amount_kobo, user_id, plan_id, created_on,
    settled_on)
SELECT 'INT' || lpad(id::text, 17, '0'), 'interest', 'success', '', 84931, user_id, plan_id, now(), now()
FROM savings_account WHERE kind = 'plan';
INSERT INTO savings_transaction (reference, kind, status, failure_code, amount_kobo, user_id, plan_id, created_on,
    settled_on, part_of_id)
SELECT 'TAX' || lpad(a.id::text, 17, '0'), 'tax_withheld', 'success', '', 8493, a.user_id, a.plan_id, now(), now(), t.id
FROM savings_account a JOIN savings_transaction t ON t.reference = 'INT' || lpad(a.id::text, 17, '0')
WHERE a.kind = 'plan';
UPDATE savings_account SET balance_kobo = balance_kobo + 76438, accrued_numerator = 1850000,
    accrued_to = accrued_to + 31, tax_remainder = 1000, interest_due = interest_due + 31
WHERE kind = 'plan';
INSERT INTO savings_entry (transaction_id, code, debit_account_id, credit_account_id, amount_kobo,
    credit_balance_kobo, posted_at, value_on)
SELECT t.id, 'primary', {expense}, a.id, t.amount_kobo, a.balance_kobo + 8493, now(), current_date
FROM savings_account a JOIN savings_transaction t ON t.reference = 'INT' || lpad(a.id::text, 17, '0')
WHERE a.kind = 'plan';
INSERT INTO savings_entry (transaction_id, code, debit_account_id, credit_account_id, amount_kobo,
    debit_balance_kobo, posted_at, value_on)
SELECT t.id, 'primary', a.id, {payable}, t.amount_kobo, a.balance_kobo, now(), current_date
FROM savings_account a JOIN savings_transaction t ON t.reference = 'TAX' || lpad(a.id::text, 17, '0')
WHERE a.kind = 'plan';
INSERT INTO savings_interestposting (account_id, period_start, period_end, numerator, gross_kobo, remainder,
    tax_rate_bps, tax_kobo, tax_remainder, interest_id, tax_id, posted_at)
SELECT a.id, a.accrued_to - 31, a.accrued_to, 84931::bigint * 3650000 + 1850000, 84931, 1850000, 1000, 8493, 1000,
    i.id, x.id, now()
FROM savings_account a
JOIN savings_transaction i ON i.reference = 'INT' || lpad(a.id::text, 17, '0')
JOIN savings_transaction x ON x.reference = 'TAX' || lpad(a.id::text, 17, '0')
WHERE a.kind = 'plan';
"""


def main() -> int:
    """Measure on the servers of the environment, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plans", type=int, default=MANY)
    parser.add_argument("--json")
    parser.add_argument("--run", nargs=2, metavar=("DATABASE", "DAY"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        return _run(*options.run)
    call_command("collectstatic", interactive=False, verbosity=0)
    with _database.made(SMALL), _database.made(LARGE):
        try:
            figures = list(_measure(options.plans))
        finally:
            _database.use(SMALL)
            with connection.cursor() as cursor:
                cursor.execute(f"DROP DATABASE IF EXISTS {BARE}")
    return publish("interest", figures, options.json)


def _measure(many: int) -> Iterator[Figure]:
    for name, times in ((SMALL, FEW), (LARGE, many)):
        _database.use(name)
        _fill(times)
    _database.use(SMALL)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {BARE} TEMPLATE {LARGE}")
    first, second, _ = _due_days()
    bare = _post_bare()
    small, large = (json.loads(_start(name, first).communicate()[0]) for name in (SMALL, LARGE))
    detail = f"{large['seconds']:.0f} s : {bare:.0f} s, {many / large['seconds']:,.0f} plans a second"
    yield Figure(
        f"posting {many:,} plans : the same rows by bare statements",
        large["seconds"] / bare,
        "x",
        detail,
        at_most=2.0,
    )
    pace = large["seconds"] / many / (small["seconds"] / FEW)
    detail = f"{large['seconds'] / many * 1e6:.0f} µs : {small['seconds'] / FEW * 1e6:.0f} µs a plan"
    yield Figure(f"time per plan, {many:,} : {FEW:,}", pace, "x", detail, at_most=1.1)
    detail = f"{large['peak_kib'] / 1024:.0f} MiB : {small['peak_kib'] / 1024:.0f} MiB"
    yield Figure(
        f"memory, {many:,} : {FEW:,} plans", large["peak_kib"] / small["peak_kib"], "x", detail, at_most=1.1
    )
    yield _queries(second)
    yield _page(second)


def _fill(times: int) -> None:
    """Write a user with one plan by the services, and copies of both; each plan holds 100,000 naira."""
    today = timezone.localdate()
    opened = _months_back(today, 3)
    user = User.objects.create(email="first@example.com", name="Saver")
    product = Product.objects.create(kind=Product.Kind.FLEXIBLE, name="Flexible", description="For measuring")
    product.rates.create(from_days=0, rate_bps=1000)
    plan = plans.open_plan(user, product, reference=references.mint(references.PLAN_PREFIX), name="Plan")
    ledger.stash_account(user)
    movement, _ = ledger.open_transaction(
        reference=references.new("adjustment"), kind="adjustment", user=user, plan=plan, amount_kobo=HELD_KOBO
    )
    ledger.settle(
        movement, debit=ledger.house_account(Account.Kind.GOODWILL), credit=Account.objects.get(plan=plan)
    )
    day, due = opened.toordinal(), _months_back(today, 2).toordinal()
    Plan.objects.update(started_on=opened)
    Account.objects.filter(plan=plan).update(accrued_to=day, interest_due=due)
    account = Account.objects.get(plan=plan)
    account.rate_periods.update(from_day=day)
    period = account.rate_periods.get()
    base = 1_000_000
    user_id, plan_id, account_id = (f"{base} + n" for _ in range(3))
    copy_row("user", user.pk, times, id=user_id, email="n || '@example.com'")
    number = "lpad(n::text, 17, '0')"
    copy_row("plan", plan.pk, times, id=plan_id, user_id=user_id, reference=f"'PLN' || {number}")
    copy_row("account", account.pk, times, id=account_id, user_id=user_id, plan_id=plan_id)
    copy_row("rateperiod", period.pk, times, id=f"{base} + n", account_id=account_id)
    owned = {"user_id": user_id, "plan_id": plan_id}
    copy_row("transaction", movement.pk, times, id=f"{base} + n", reference=f"'ADJ' || {number}", **owned)
    entry = movement.entries.get()
    moved = {"transaction_id": f"{base} + n", "credit_account_id": account_id, "value_on": f"DATE '{opened}'"}
    copy_row("entry", entry.pk, times, id=f"{base} + n", **moved)
    go_on_after(base + times, "user", "plan", "account", "rateperiod", "transaction", "entry")


def _due_days() -> list[datetime.date]:
    return [_months_back(timezone.localdate(), months) for months in (2, 1, 0)]


def _months_back(day: datetime.date, months: int) -> datetime.date:
    first = day.replace(day=1)
    for _ in range(months):
        first = (first - datetime.timedelta(days=1)).replace(day=1)
    return first


def _post_bare() -> float:
    """Write the rows of a month by bare statements in the copy, and return the seconds."""
    _database.use(BARE)
    house = {
        "expense": ledger.house_account(Account.Kind.INTEREST_EXPENSE).pk,
        "payable": ledger.house_account(Account.Kind.TAX_PAYABLE).pk,
    }
    begun_at = time.perf_counter()
    with connection.cursor() as cursor:
        for statement in BARE_STATEMENTS.format(**house).split(";\n"):
            if statement.strip():
                cursor.execute(statement)
    seconds = time.perf_counter() - begun_at
    assert InterestPosting.objects.count() == Plan.objects.count()
    return seconds


def _start(name: str, day: datetime.date) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "tests.benchmarks.interest", "--run", name, str(day)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def _run(name: str, day: str) -> int:
    """Post the interest due by a day in a database, and print the seconds and the process's peak of memory."""
    # As the worker does, so that pages get the processor first.
    os.nice(10)
    _database.use(name)
    begun_at = time.perf_counter()
    posted = plans.post_due_interest(datetime.date.fromisoformat(day))
    seconds = time.perf_counter() - begun_at
    status = Path("/proc/self/status").read_text()
    peak_kib = int(status.partition("VmHWM:")[2].split()[0])
    sys.stdout.write(json.dumps({"posted": posted, "seconds": seconds, "peak_kib": peak_kib}))
    return 0


def _queries(day: datetime.date) -> Figure:
    """Count the queries of one full chunk."""
    _database.use(SMALL)
    house = ledger.InterestHouse.read()
    with CaptureQueriesContext(connection) as queries:
        chunk = ledger.due_chunk(day)
        assert chunk
        assert ledger.post_chunk(*chunk, house) == len(chunk[1]) == 5_000
    return Figure("queries of a chunk of 5,000 plans", len(queries), "", "", at_most=12)


def _page(day: datetime.date) -> Figure:
    """Compare a saver's dashboard while the run goes on with the same while the run is stopped, in turns."""
    _database.use(LARGE)
    client = Client(headers={"host": "savings.example.com"})
    client.force_login(User.objects.get(email="first@example.com"))
    run = _start(LARGE, day)
    times: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(PAGE_ROUNDS):
        for runs in (True, False):
            os.kill(run.pid, signal.SIGCONT if runs else signal.SIGSTOP)
            time.sleep(0.2)
            times[runs] += [_ask(client) for _ in range(PAGES_PER_ROUND)]
        assert run.poll() is None, "The run ended before the pages were measured: more plans are needed."
    os.kill(run.pid, signal.SIGCONT)
    run.communicate()
    during, alone = (statistics.median(times[runs]) for runs in (True, False))
    detail = f"{during * 1000:.1f} ms : {alone * 1000:.1f} ms, median of {len(times[True])}"
    return Figure("dashboard while the run goes on : alone", during / alone, "x", detail, at_most=1.3)


def _ask(client: Client) -> float:
    begun_at = time.perf_counter()
    response = client.get(reverse("dashboard:home"), secure=True)
    assert response.status_code == 200, response
    return time.perf_counter() - begun_at


if __name__ == "__main__":
    sys.exit(main())
