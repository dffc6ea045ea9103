"""The admin at millions of transactions: lists, search, a saver's page, a case, and the front page's queries."""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any

import django
from django.conf import settings

from tests.benchmarks._servers import PRODUCTION

if not settings.configured:
    os.environ |= PRODUCTION
    django.setup()

from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from savings.demo import scale
from savings.models import (
    AuditRow,
    Case,
    OutboxRow,
    Payment,
    Plan,
    Recipient,
    Statement,
    Transaction,
    User,
    WebhookEvent,
)
from tests import factories
from tests.benchmarks import _database
from tests.benchmarks._copies import copy_row, go_on_after
from tests.benchmarks._report import Figure, publish
from tests.web.staff import sign_in

FEW, MANY = 10_000, 5_000_000
# The bar is stated for 5,000,000; a smaller crowd is loaded unless `--transactions` says so.
USUAL = 200_000
TRANSACTIONS_EACH, FEWEST_PEOPLE = 25, 500
SMALL, LARGE = "asusu_admin_small", "asusu_admin_large"
ROUNDS, IN_A_ROW = 8, 4
MOST = 1.3
MOST_COLD, MOST_WARM = 12, 3
# In both databases.
OPEN_CASES = 50
_PAYMENTS = """
INSERT INTO savings_payment ({columns}) SELECT {values} FROM savings_payment t CROSS JOIN savings_transaction m
WHERE t.id = %s AND m.id <> t.transaction_id AND m.kind IN ('top_up', 'stash_deposit')
"""


def main() -> int:
    """Measure on the servers of the environment, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transactions", type=int, default=USUAL, help=f"the bar is stated for {MANY:,}")
    parser.add_argument("--json")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    call_command("collectstatic", interactive=False, verbosity=0)
    with _database.made(SMALL), _database.made(LARGE):
        figures = list(_measure(options.transactions))
    return publish("admin", figures, options.json)


class _Side:
    """One of the two databases: its staff, and the pages that are measured."""

    def __init__(self, name: str, transactions: int) -> None:
        self.name = name
        _database.use(name)
        people = max(FEWEST_PEOPLE, transactions // TRANSACTIONS_EACH)
        begun_at = time.monotonic()
        scale.load_crowd(people, transactions, lambda _: None)
        first_user = User.objects.order_by("pk")[0].pk
        _fill(first_user, people)
        self.seconds = time.monotonic() - begun_at
        self.client = self._browser(factories.make_user(is_staff=True, is_superuser=True))
        finance = factories.make_user(is_staff=True)
        finance.groups.add(Group.objects.get(name="Finance"))
        self.finance = self._browser(finance)
        self.lists = _lists()
        self.pages = _pages(first_user)

    def _browser(self, user: User) -> Client:
        return sign_in(user, Client(headers={"host": "savings.example.com"}))

    def get(self, client: Client, path: str) -> None:
        response = client.get(path, secure=True)
        assert response.status_code in {200, 302}, (path, response.status_code)
        assert "/accounts/" not in response.get("Location", ""), (path, response["Location"])


def _measure(transactions: int) -> Iterator[Figure]:
    sides = [_Side(SMALL, FEW), _Side(LARGE, transactions)]
    yield Figure("transactions", transactions, "", f"loaded in {sides[1].seconds:.0f} s")
    lists = [_compare_list(sides, path) for path in sides[0].lists]
    worst = max(range(len(lists)), key=lambda place: lists[place][1] / lists[place][0])
    few, many = lists[worst]
    detail = f"{many * 1000:.1f} ms : {few * 1000:.1f} ms, {sides[0].lists[worst].strip('/')}"
    size = f"{transactions:,} : {FEW:,}"
    yield Figure(f"the worst of {len(lists)} lists, {size}", many / few, "x", detail, at_most=MOST)
    for name in sides[0].pages:
        few, many = _compare(sides, sides[0].pages[name], sides[1].pages[name])
        detail = f"{many * 1000:.1f} ms : {few * 1000:.1f} ms"
        yield Figure(f"{name}, {size}", many / few, "x", detail, at_most=MOST)
    yield from _front_page(sides[1])


def _compare_list(sides: list[_Side], path: str) -> tuple[float, float]:
    """Compare a list in both databases. Where the worst of many counts, one that looks slow is measured again."""
    few, many = _compare(sides, path, path)
    return (few, many) if many <= MOST * few else _compare(sides, path, path)


def _compare(sides: list[_Side], *paths: str) -> tuple[float, float]:
    """Return the seconds of a page in each database, asked for in turns: the median of the rounds' fastest ones."""
    seconds: list[list[float]] = [[] for _ in sides]
    for _ in range(ROUNDS):
        for side, path, found in zip(sides, paths, seconds, strict=True):
            _database.use(side.name)
            # The first request opens the connection and prepares the statements.
            side.get(side.client, path)
            found.append(min(_seconds(side, path) for _ in range(IN_A_ROW)))
    few, many = (statistics.median(found) for found in seconds)
    return few, many


def _seconds(side: _Side, path: str) -> float:
    begun_at = time.perf_counter()
    side.get(side.client, path)
    return time.perf_counter() - begun_at


def _front_page(side: _Side) -> Iterator[Figure]:
    """Count the queries of the front page for a role, without and with its figures in the cache."""
    _database.use(side.name)
    for what, most in (("cold", MOST_COLD), ("warm", MOST_WARM)):
        if what == "cold":
            cache.clear()
            side.get(side.finance, reverse("admin:savings_case_changelist"))
            cache.delete("staff:front:1")
        with CaptureQueriesContext(connection) as queries:
            side.get(side.finance, reverse("admin:index"))
        yield Figure(f"queries of the front page, {what}", len(queries), "", "for Finance", at_most=most)


def _lists() -> list[str]:
    models = sorted(admin.site._registry, key=lambda model: model._meta.label)
    return [reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") for model in models]


def _pages(first_user: int) -> dict[str, str]:
    """Return the pages that are about one thing: the first user has a tenth of all transactions."""
    middle = Transaction.objects.filter(user=first_user).order_by("-pk")[20]
    user = User.objects.get(pk=first_user + 7)
    payment = Payment.objects.order_by("-pk")[0]
    case = Case.objects.unsolved().order_by("-pk")[0]
    recipient = Recipient.objects.order_by("-pk")[0]
    search = reverse("admin:search")
    return {
        "search by email address": f"{search}?q={user.email}",
        "search by reference": f"{search}?q={middle.reference}",
        "search by the beginning of a name": f"{search}?q=Aisha",
        "search by the beginning of a plan's name": f"{search}?q=School",
        "search by the number at the provider": f"{search}?q={payment.provider_id}",
        "search by the last digits of a bank account": f"{search}?q={recipient.account_number[-6:]}",
        "search for nothing that exists": f"{search}?q=TOP01NOTHING12345678",
        "a saver's page": reverse("admin:saver", args=[user.pk]),
        "the page of the saver with the most": reverse("admin:saver", args=[first_user]),
        "a saver's dashboard for staff": reverse("admin:as_seen", args=[user.pk, "dashboard"]),
        "a saver's transactions in the list": f"{reverse('admin:savings_transaction_changelist')}?user={user.pk}",
        "a case": reverse("admin:case", args=[case.pk]),
    }


def _fill(first_user: int, people: int) -> None:
    """Write what staff look at and the crowd has not: payments, mails, cases, bank accounts and the like."""
    user = User.objects.get(pk=first_user)
    movement = Transaction.objects.filter(kind__in=["top_up", "stash_deposit"]).order_by("pk")[0]
    payment = Payment.objects.create(transaction=movement, provider_id=movement.pk, paid_kobo=100)
    with connection.cursor() as cursor:
        table = connection.introspection.get_table_description(cursor, "savings_payment")
        names = [column.name for column in table if column.name != "id"]
        other = {"transaction_id": "m.id", "provider_id": "m.id"}
        values = ", ".join(other.get(name, f't."{name}"') for name in names)
        columns = ", ".join(f'"{name}"' for name in names)
        cursor.execute(_PAYMENTS.format(columns=columns, values=values), [payment.pk])
    now = timezone.now()
    saver = f"{first_user} + mod(n, {people})"
    base = 10_000_000
    rows: list[tuple[Any, int, dict[str, str]]] = [
        (
            OutboxRow.objects.create(kind="welcome", dedupe_key="w", user=user, done_at=now, due_at=None),
            3 * people,
            {"dedupe_key": "'w' || n", "user_id": saver},
        ),
        (
            Case.objects.create(kind="question", key="question:0", saver=user, summary="Where is it?"),
            people // 4,
            {
                "key": "'question:' || n",
                "saver_id": saver,
                "state": f"CASE WHEN n < {OPEN_CASES} THEN 'open' ELSE 'solved' END",
                "solved_at": f"CASE WHEN n < {OPEN_CASES} THEN NULL ELSE now() END",
            },
        ),
        (AuditRow.objects.create(verb="saver_seen", staff=user, saver=user), people, {"saver_id": saver}),
        (
            Recipient.objects.create(
                user=user,
                code="RCP",
                bank_code="058",
                bank_name="A bank",
                account_number="0000000000",
                account_name="A SAVER",
                usable_at=now,
            ),
            people,
            {"user_id": saver, "account_number": f"lpad(({base} + n * 13)::text, 10, '0')"},
        ),
        (
            WebhookEvent.objects.create(key="k", event="charge.success", body="{}", due_at=None),
            people,
            {"key": "'k' || n"},
        ),
        (
            Statement.objects.create(
                user=user,
                code="0",
                scope="stash",
                format="pdf",
                since=now.date(),
                until=now.date(),
                state="expired",
            ),
            people,
            {"user_id": saver, "code": "'S' || n"},
        ),
    ]
    tables = []
    for row, times, expressions in rows:
        table_name = row._meta.model_name
        copy_row(table_name, row.pk, times, id=f"{base} + n", **expressions)
        tables.append(table_name)
    go_on_after(base + 3 * people, *tables)
    assert Plan.objects.filter(user=user).exists()


if __name__ == "__main__":
    sys.exit(main())
