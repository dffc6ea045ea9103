"""The crowd for measurements: the requested size, a realistic distribution, and exact to the kobo."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count, QuerySet
from pytest_django.fixtures import Settings

from savings import ledger
from savings.demo import scale
from savings.models import Account, InterestPosting, Plan, Transaction, User
from tests.factories import make_plan, make_user, pay_in

pytestmark = pytest.mark.django_db


def paid() -> QuerySet[Transaction]:
    """Return the transactions without interest, whose reference is made from its period."""
    return Transaction.objects.exclude(kind__in=["interest", "tax_withheld"])


@pytest.fixture
def crowd(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """Fifty users and 2,500 transactions, in batches that do not divide them, beside an existing user."""
    settings.DEBUG = True
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


def test_an_empty_crowd_is_refused(settings: Settings) -> None:
    settings.DEBUG = True
    with pytest.raises(CommandError, match="at least one user"):
        call_command("demo", "--scale", "0")
