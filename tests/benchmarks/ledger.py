"""The cost of posting a top-up with the provider's fee, compared with one without, and with pgbench's simple update."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from multiprocessing.pool import Pool
from typing import Any

import django
from django.conf import settings

from tests.benchmarks._servers import PRODUCTION, program

if not settings.configured:
    os.environ |= PRODUCTION
    django.setup()

from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from savings import ledger, references
from savings.models import Account, Entry, Plan, Product, Transaction
from tests import factories
from tests.benchmarks import _database
from tests.benchmarks._report import Figure, publish

ROUNDS = 5
SECONDS = 3
CLIENTS = (1, 8)
# More than one client can post in a round.
TOP_UPS = 9_000
AMOUNT_KOBO, COST_KOBO = 10_000, 150
# Each client has its own plans, as in production.
PLANS = 10
_barrier: Any = None


def main() -> int:
    """Measure on the servers of the environment, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json")
    options = parser.parse_args()
    with _database.made():
        figures = list(_measure())
    return publish("ledger", figures, options.json)


def _measure() -> Iterator[Figure]:
    _pgbench("-i", "-s", "10", "-q")
    first, second = _pending(_plans(1)[0], 2)
    # The first one opens the house's accounts.
    _settle(first)
    with CaptureQueriesContext(connection) as captured:
        _settle(second)
    yield Figure("statements to post a top-up with its cost", len(captured), "")
    for clients in CLIENTS:
        yield from _pace(clients, at_least=0.25 if clients == 1 else 0.12)
    _check_books()


def _pace(clients: int, *, at_least: float) -> Iterator[Figure]:
    """Let this many clients post with a cost, post without one, and update with pgbench, in turns."""
    with_cost, without, theirs = [], [], []
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(clients)
    database = str(connection.settings_dict["NAME"])
    with context.Pool(clients, initializer=_begin, initargs=(database, barrier)) as pool:
        for _ in range(ROUNDS):
            with_cost.append(_together(pool, clients, COST_KOBO))
            without.append(_together(pool, clients, 0))
            theirs.append(
                _pgbench("-N", "-n", "-T", str(SECONDS), "-c", str(clients), "-j", str(min(clients, 2)))
            )
    posted, plain, updated = (statistics.median(paces) for paces in (with_cost, without, theirs))
    word = "client" if clients == 1 else "clients"
    detail = f"without its cost: {plain:.0f}/s, pgbench -N: {updated:.0f}/s"
    yield Figure(f"top-ups posted per second, {clients} {word}", posted, "/s", detail)
    yield Figure(f"a top-up with its cost : without, {clients} {word}", posted / plain, "x", at_least=0.8)
    yield Figure(f"posting a top-up : pgbench -N, {clients} {word}", posted / updated, "x", at_least=at_least)


def _together(pool: Pool, clients: int, cost_kobo: int) -> float:
    """Return the top-ups per second of all clients."""
    work = [
        [movement.pk for plan in _plans(PLANS) for movement in _pending(plan, TOP_UPS // PLANS)]
        for _ in range(clients)
    ]
    return sum(pool.map(partial(_post_for_a_while, cost_kobo=cost_kobo), work, chunksize=1))


def _plans(count: int) -> list[Plan]:
    product = Product.objects.first() or factories.make_product()
    user = factories.make_user()
    return [factories.make_plan(user, product) for _ in range(count)]


def _pending(plan: Plan, count: int) -> list[Transaction]:
    return Transaction.objects.bulk_create(
        Transaction(
            reference=references.new("top_up"),
            kind="top_up",
            amount_kobo=AMOUNT_KOBO,
            user=plan.user,
            plan=plan,
        )
        for _ in range(count)
    )


def _begin(database: str, barrier: Any) -> None:
    """Connect a process of the pool to the measured database."""
    global _barrier  # noqa: PLW0603 - one per process
    connection.close()
    connection.settings_dict["NAME"] = database
    _barrier = barrier


def _post_for_a_while(ids: list[int], cost_kobo: int) -> float:
    """Post pending top-ups for some seconds, and return the number per second."""
    known = Transaction.objects.select_related("user", "plan__account")
    movements = list(known.filter(pk__in=ids))
    _settle(movements.pop(), cost_kobo)
    _barrier.wait()
    begun_at, posted = time.perf_counter(), 0
    while movements and time.perf_counter() < begun_at + SECONDS:
        posted += _settle(movements.pop(), cost_kobo)
    return posted / (time.perf_counter() - begun_at)


def _settle(movement: Transaction, cost_kobo: int = COST_KOBO) -> bool:
    clearing = ledger.house_account(Account.Kind.CLEARING, "paystack")
    costs = []
    if cost_kobo:
        provider_fees = ledger.house_account(Account.Kind.PROVIDER_FEES)
        costs = [ledger.Posting(Entry.Code.COST, provider_fees, clearing, cost_kobo)]
    assert movement.plan
    return ledger.settle(movement, debit=clearing, credit=movement.plan.account, also=costs)


def _check_books() -> None:
    """Check the result: one posting for each success, and correct balances."""
    posted = Entry.objects.filter(code=Entry.Code.PRIMARY)
    assert posted.count() == Transaction.objects.successful().count()
    held = Account.objects.filter(kind=Account.Kind.PLAN).aggregate(sum=Sum("balance_kobo"))["sum"]
    assert held == posted.aggregate(sum=Sum("amount_kobo"))["sum"]


def _pgbench(*options: str) -> float:
    """Run pgbench in the current database, and return its transactions per second (0 while it fills its tables)."""
    at = connection.settings_dict
    words = [
        program("pgbench"),
        "-h",
        at["HOST"],
        "-p",
        str(at["PORT"]),
        "-U",
        at["USER"],
        *options,
        at["NAME"],
    ]
    said = subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True).stdout
    found = re.search(r"tps = ([\d.]+)", said)
    return float(found[1]) if found else 0.0


if __name__ == "__main__":
    sys.exit(main())
