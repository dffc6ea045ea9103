"""The crowd for measurements: the requested size, a realistic distribution, and exact to the kobo."""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Callable
from contextlib import nullcontext
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import ledger
from savings.demo import scale
from savings.demo.crowd import Life
from savings.models import Account, Entry, InterestPosting, Plan, Transaction, User
from tests.factories import make_plan, make_user, pay_in

pytestmark = pytest.mark.django_db

INTEREST = ["interest", "tax_withheld"]


def paid() -> QuerySet[Transaction]:
    """Return the transactions without interest, whose reference is made from its period."""
    return Transaction.objects.exclude(kind__in=INTEREST)


@pytest.fixture
def crowd(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> str:
    """Fifty users and 2,500 transactions, in batches that do not divide them, beside an existing user."""
    settings.DEBUG, settings.VAR_DIR = True, tmp_path
    monkeypatch.setattr(scale, "BATCH", 999)
    make_plan(holding_kobo=500)
    call_command("demo", "--scale", "50", "--transactions", "2500")
    return capsys.readouterr().out


def test_a_crowd_has_the_requested_size_and_a_consistent_ledger(crowd: str) -> None:
    assert User.objects.count() == 51
    assert paid().count() == 2501
    assert InterestPosting.objects.exists()
    assert list(ledger.run_checks()) == []
    assert Account.objects.filter(kind="plan", balance_kobo__gt=0, accrued_numerator__gt=0).exists()
    assert re.search(r"50 of 50 people, 100%\n999 of 2,500 transactions, 39%, about \d+ s left\n", crowd)
    assert "MiB of memory" in crowd


@pytest.mark.usefixtures("crowd")
def test_a_few_users_make_most_transactions_and_one_plan_has_a_tenth() -> None:
    plans = Plan.objects.annotate(n=Count("transactions")).order_by("-n").values_list("n", flat=True)
    people = sorted(User.objects.annotate(n=Count("transactions")).values_list("n", flat=True), reverse=True)
    assert plans[0] >= 250
    assert sum(people[:10]) > sum(people[10:])


@pytest.mark.usefixtures("crowd")
def test_references_and_ids_increase_with_time() -> None:
    rows = paid().order_by("id")[1:]
    assert [row.reference[3:13] for row in rows] == sorted(row.reference[3:13] for row in rows)
    assert [row.created_on for row in rows] == sorted(row.created_on for row in rows)


@pytest.mark.usefixtures("crowd")
def test_the_site_works_after_loading_a_crowd() -> None:
    pay_in(make_user(), 700)
    plan = Plan.objects.order_by("-id")[0]
    held_kobo = ledger.balance_kobo(plan.account)
    pay_in(plan.user, 700, plan=plan)
    assert ledger.balance_kobo(plan.account) == held_kobo + 700
    assert list(ledger.run_checks()) == []


def rows() -> list[list[tuple[object, ...]]]:
    """Return everything that a crowd consists of, without ids, which a rollback does not give back.

    The references of interest are made from ids too; the balances include it.
    """
    entries = Entry.objects.exclude(transaction__kind__in=INTEREST)
    found: list[QuerySet[Any, tuple[object, ...]]] = [
        User.objects.values_list("name", "date_joined"),
        Plan.objects.values_list("name", "reference", "matures_on"),
        paid().values_list("reference", "amount_kobo", "status", "plan__reference", "reverses__reference"),
        entries.values_list(
            "transaction__reference", "amount_kobo", "debit_balance_kobo", "credit_balance_kobo"
        ),
        Account.objects.values_list(
            "kind", "plan__reference", "balance_kobo", "rate_bps", "accrued_numerator"
        ),
    ]
    return [list(one.order_by("pk")) for one in found]


@pytest.fixture
def loading(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., str]:
    """Load ten users and 200 transactions in batches of 50, or stop in the batch that has this number."""
    settings.DEBUG, settings.VAR_DIR = True, tmp_path
    monkeypatch.setattr(scale, "BATCH", 50)
    write_balances = Life._write_balances

    def load(*, stopped_in: int | None = None) -> str:
        batches = itertools.count(1)

        def stop(life: Life) -> None:
            if next(batches) == stopped_in:
                raise KeyboardInterrupt
            write_balances(life)

        monkeypatch.setattr(Life, "_write_balances", stop)
        output = StringIO()
        with pytest.raises(SystemExit) if stopped_in else nullcontext():
            call_command("demo", "--scale", "10", "--transactions", "200", stdout=output, stderr=output)
        return output.getvalue()

    return load


def test_a_crowd_that_was_stopped_twice_is_the_same_as_one_loaded_at_once(
    loading: Callable[..., str],
) -> None:
    begun_at = timezone.now()
    with time_machine.travel(begun_at, tick=False), transaction.atomic():
        loading()
        at_once = rows()
        transaction.set_rollback(True)
    with time_machine.travel(begun_at, tick=False):
        assert "The same command continues." in loading(stopped_in=3)
    assert paid().count() == 100
    with time_machine.travel(begun_at + datetime.timedelta(hours=2)):
        assert "continuing after 100 transactions" in loading(stopped_in=1)
        assert "150 of 200 transactions, 75%" in loading()
        assert list(ledger.run_checks()) == []
    assert rows() == at_once


def test_a_crowd_that_moved_money_since_it_was_stopped_is_not_continued(loading: Callable[..., str]) -> None:
    loading(stopped_in=3)
    pay_in(User.objects.order_by("pk")[0], 700)
    with pytest.raises(CommandError, match="has moved since"):
        loading()


def test_an_empty_crowd_is_refused(settings: Settings) -> None:
    settings.DEBUG = True
    with pytest.raises(CommandError, match="at least one user"):
        call_command("demo", "--scale", "0")
