"""Lookups must cost the same in a table of ten thousand transactions and of millions."""

from __future__ import annotations

import argparse
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import django
from django.conf import settings

from tests.benchmarks._servers import PRODUCTION

if not settings.configured:
    os.environ |= PRODUCTION
    django.setup()

from django.core.management import call_command
from django.db import connection, connections
from django.test import Client

from savings.models import Plan, Transaction, User
from tests import factories
from tests.benchmarks import _crowd
from tests.benchmarks._report import Figure, in_turns, publish
from tests.web import staff

FEW, MANY = 10_000, 5_000_000
ROUNDS = 200
PAGE_ROUNDS = 60
BY_REFERENCE = "SELECT id, status FROM savings_transaction WHERE reference = %s"


def main() -> int:
    """Measure on the servers of the environment, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=MANY)
    parser.add_argument("--json")
    options = parser.parse_args()
    # Production pages use hashed file names.
    call_command("collectstatic", interactive=False, verbosity=0)
    # Open this thread's connection first, before the other threads create databases that are dropped later.
    connection.ensure_connection()
    crowds = [_Crowd("small", FEW), _Crowd("large", options.rows)]
    try:
        figures = list(_measure(*crowds))
    finally:
        for crowd in crowds:
            crowd.end()
    return publish("lookup", figures, options.json)


class _Crowd:
    """A private database used by its own thread, because a Django connection belongs to one thread."""

    def __init__(self, name: str, rows: int) -> None:
        self.rows = rows
        self._name = name
        self._work: queue.Queue[Callable[[], Any] | None] = queue.Queue()
        self._answers: queue.Queue[Any] = queue.Queue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        begun_at = time.monotonic()
        self.me: User = self.do(lambda: _crowd.make(rows))
        self.loaded_in_seconds = time.monotonic() - begun_at
        self.client: Client = self.do(lambda: self._sign_in(self.me))
        self.staff: Client = self.do(
            lambda: staff.sign_in(
                factories.make_user(is_staff=True, is_superuser=True),
                Client(headers={"host": "savings.example.com"}),
            )
        )

    def do(self, action: Callable[[], Any]) -> Any:
        """Call a function in this database's thread, and return its result."""
        self._work.put(action)
        answer = self._answers.get()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def end(self) -> None:
        """Drop the database and end the thread."""
        self._work.put(None)
        self._thread.join()

    def _run(self) -> None:
        at = connection.settings_dict
        connection.settings_dict = at | {
            "NAME": f"asusu_{self._name}",
            "TEST": at["TEST"] | {"NAME": f"asusu_{self._name}"},
        }
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        if self._name == "large":
            # Two databases share one Redis, so cached pages must not be mixed up.
            with connection.cursor() as cursor:
                cursor.execute("ALTER SEQUENCE savings_user_id_seq RESTART WITH 1000000")
        while (action := self._work.get()) is not None:
            try:
                self._answers.put(action())
            except BaseException as error:
                # The caller gets the exception.
                self._answers.put(error)
        connections.close_all()
        connection.creation.destroy_test_db(at["NAME"], verbosity=0)

    def _sign_in(self, user: User) -> Client:
        client = Client(headers={"host": "savings.example.com"})
        client.force_login(user)
        return client


def _measure(small: _Crowd, large: _Crowd) -> Iterator[Figure]:
    yield Figure("transactions", large.rows, "", f"loaded in {large.loaded_in_seconds:.0f} s")
    yield large.do(lambda: _by_reference(large.rows))
    pages = [crowd.do(partial(_pages, crowd.me)) for crowd in (small, large)]
    for name in pages[0]:
        few, many = in_turns(
            PAGE_ROUNDS,
            *(_showing(crowd, paths[name]) for crowd, paths in zip((small, large), pages, strict=True)),
        )
        detail = f"{many * 1000:.1f} ms : {few * 1000:.1f} ms"
        yield Figure(
            f"{name}, {large.rows:,} : {small.rows:,} transactions", many / few, "x", detail, at_most=1.1
        )


def _by_reference(rows: int) -> Figure:
    references = iter(
        Transaction.objects.filter(pk__in=range(1, rows, max(1, rows // (2 * ROUNDS)))).values_list(
            "reference", flat=True
        )
    )
    found, nothing = in_turns(
        ROUNDS, lambda: _fetch(BY_REFERENCE, [next(references)]), lambda: _fetch("SELECT 1", [])
    )
    detail = f"{found * 1e6:.0f} µs : {nothing * 1e6:.0f} µs"
    return Figure("a transaction by its reference : SELECT 1", found / nothing, "x", detail, at_most=2)


def _fetch(statement: str, values: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        assert cursor.fetchone()


def _pages(me: User) -> dict[str, str]:
    """Return the pages that show or count transactions, for this user and for staff."""
    plan = Plan.objects.get(user=me)
    middle = me.transactions.order_by("-id")[_crowd.OWN // 2]
    return {
        "dashboard": "/dashboard/",
        "plans": "/plans/",
        "plan": f"/plans/{plan.pk}/",
        "stash": "/stash/",
        "transactions": "/transactions/",
        "transactions in the middle": f"/transactions/?before={middle.pk}",
        "transactions by reference": f"/transactions/?q={middle.reference}",
        "receipt": f"/transactions/{middle.reference}/",
        "asking for a statement": "/statements/start/",
        "the list of staff": "/admin/savings/transaction/",
        "the list of staff, by reference": f"/admin/savings/transaction/?q={middle.reference}",
        "a transaction for staff": f"/admin/savings/transaction/{middle.pk}/change/",
    }


def _showing(crowd: _Crowd, path: str) -> Callable[[], object]:
    """Return a function that requests an uncached page, after a change by its owner."""

    client = crowd.staff if path.startswith("/admin/") else crowd.client

    def show() -> None:
        User.objects.touch(crowd.me.pk)
        response = client.get(path, secure=True)
        assert response.status_code == 200, (path, response.status_code)

    return lambda: crowd.do(show)


if __name__ == "__main__":
    sys.exit(main())
