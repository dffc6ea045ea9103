"""The front page of the admin: what waits, money, coverage and proof, for each role, from few queries."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from savings import backoffice, ledger
from savings.models import (
    BalanceDay,
    Case,
    CoverageDay,
    JobRun,
    LedgerProof,
    MoneyDay,
    OutboxRow,
    StaffRequest,
    Statement,
    User,
)
from tests.factories import make_plan, make_product, make_user, pay_in
from tests.savings.backoffice.conftest import make_staff
from tests.web.staff import sign_in
from tests.withdrawals import make_payout

pytestmark = pytest.mark.django_db

MOST_COLD, MOST_WARM = 12, 3


def browser(role: str) -> Client:
    return sign_in(make_staff(role))


def page(client: Client) -> str:
    response = client.get(reverse("admin:index"))
    assert response.status_code == 200
    return response.text


def add_waiting(times: int) -> User:
    """Add that many rows of each kind that waits."""
    now, saver = timezone.now(), make_user()
    for number in range(times):
        Case.objects.create(
            kind="question", key=f"question:{saver.pk}:{number}", saver=saver, summary="Where?"
        )
        StaffRequest.objects.create(
            action="release",
            reference=f"STD{saver.pk:08}{number:09}",
            subject=f"payment:{saver.pk}{number}",
            asked_by=saver,
            reason="It is hers",
            expires_at=now,
        )
        OutboxRow.objects.create(kind="welcome", dedupe_key=f"{saver.pk} {number}", dead_at=now, due_at=None)
        Statement.objects.create(
            user=saver,
            code=f"{saver.pk} {number}",
            scope="stash",
            format="pdf",
            since=now,
            until=now,
            state="failed",
        )
    return saver


def test_it_counts_what_waits_with_the_age_of_the_oldest() -> None:
    saver = add_waiting(2)
    Case.objects.filter(saver=saver).update(opened_at=timezone.now() - datetime.timedelta(days=3))
    text = page(browser("Approver"))
    assert "Questions of savers" in text
    assert "3\xa0days" in text
    lines = {
        line["label"]: line["count"]
        for line in browser("Approver").get(reverse("admin:index")).context["figures"]["waiting"]
    }
    assert lines["Questions of savers"] == 2
    assert lines["Requests for approval"] == 2
    assert lines["Mails and other work given up"] == 2
    assert lines["Statements that failed in the last 30 days"] == 2
    assert "Disputes" not in lines


def test_a_withdrawal_that_waits_for_approval_is_counted_once() -> None:
    for number, state in enumerate(("approval", "returned")):
        payout = make_payout(make_user(), state)
        Case.objects.create(
            kind="payout", key=f"payout:{number}", saver=payout.user, payout=payout, summary="?"
        )
    lines = browser("Approver").get(reverse("admin:index")).context["figures"]["waiting"]
    assert {line["label"]: line["count"] for line in lines} == {
        "Withdrawals that wait for approval": 1,
        "Other withdrawals that need a person": 1,
    }


def test_each_figure_leads_to_its_rows() -> None:
    add_waiting(1)
    client = browser("Approver")
    for line in client.get(reverse("admin:index")).context["figures"]["waiting"]:
        assert client.get(line["url"]).status_code == 200, line
    for name in ("moneyday", "coverageday", "balanceday", "jobrun"):
        assert client.get(reverse(f"admin:savings_{name}_changelist")).status_code == 200


def test_money_of_today_and_this_month_and_the_success_of_payments() -> None:
    pay_in(make_user(), 25_000_00)
    now = timezone.now()
    backoffice.count_money_days(now)
    day = MoneyDay.objects.get(day_on=timezone.localdate(now))
    MoneyDay.objects.filter(pk=day.pk).update(payments_paid=9, payments_failed=1, payouts_paid=1)
    text = page(browser("Finance"))
    assert text.count("₦25,000.00") == 2
    assert "90.0%" in text
    assert "9 of 10" in text
    assert "100.0%" in text


def test_assets_by_product_and_coverage() -> None:
    product = make_product(name="Harvest")
    make_plan(product=product, holding_kobo=5_000_00)
    yesterday = timezone.localdate() - datetime.timedelta(days=1)
    BalanceDay.objects.create(day_on=yesterday, product=None, accounts=1, balance_kobo=1_000_00)
    BalanceDay.objects.create(day_on=yesterday, product=product, accounts=1, balance_kobo=5_000_00)
    CoverageDay.objects.create(
        day_on=yesterday,
        as_of=timezone.now(),
        owed_kobo=10_000,
        held_kobo=9_999,
        owed=[["Withdrawals on their way", 700_00]],
        held=[],
    )
    text = page(browser("Auditor"))
    assert "₦6,700.00" in text
    assert "Harvest" in text
    assert '<rect class="part-1"' in text
    assert "83.3%</td>" in text
    assert "99.99%" in text
    assert "₦0.01 is missing" in text
    assert "style=" not in text


def test_before_the_first_figures_it_says_when_they_come() -> None:
    with time_machine.travel(datetime.datetime(2026, 11, 29, 22, 3, 10, tzinfo=datetime.UTC), tick=False):
        text = page(browser("Finance"))
        assert "The first figures come at 29 Nov 2026, 23:05." in text
        assert "the first come on 30 Nov 2026, 00:22." in text
        assert "first figures" not in page(browser("Support"))


def test_the_last_proof_and_failed_jobs() -> None:
    now = timezone.now()
    JobRun.objects.create(job="sweep_outbox", started_at=now, ended_at=now, failed_at=now, error="no")
    LedgerProof.objects.create(command="manage.py check_ledger", ended_at=now, wrong=2)
    text = page(browser("Finance"))
    assert "2 rows are wrong" in text
    assert "1 job failed" in text
    assert "Sweep outbox" in text


def test_support_sees_only_what_waits() -> None:
    backoffice.count_money_days(timezone.now())
    figures = browser("Support").get(reverse("admin:index")).context["figures"]
    assert figures.keys() == {"waiting", "nothing", "as_of", "first"}
    labels = {line["label"] for line in [*figures["waiting"], *figures["nothing"]]}
    assert "Questions of savers" in labels


def test_operations_sees_no_money() -> None:
    backoffice.count_money_days(timezone.now())
    figures = browser("Operations").get(reverse("admin:index")).context["figures"]
    assert "money" not in figures
    labels = {line["label"] for line in [*figures["waiting"], *figures["nothing"]]}
    assert "Requests for approval" not in labels
    assert "Mails and other work given up" in labels


@pytest.mark.parametrize("role", ["Support", "Finance", "Approver", "Auditor", "Operations"])
def test_it_costs_few_queries_with_little_and_with_much(role: str) -> None:
    client = browser(role)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            page(client)
        return len(queries)

    page(client)
    for times in (1, 20):
        add_waiting(times)
        cache.delete("staff:front:5")
        assert cost() <= MOST_COLD
        assert cost() <= MOST_WARM


@pytest.mark.usefixtures("without_redis")
def test_it_works_without_redis() -> None:
    add_waiting(1)
    assert "Questions of savers" in page(browser("Finance"))


def test_a_broken_value_in_the_cache_is_replaced() -> None:
    cache.set("staff:front:5", "nonsense")
    assert "What waits" in page(browser("Finance"))


def test_times_have_24_hours() -> None:
    evening = datetime.datetime(2026, 1, 2, 22, 5, tzinfo=datetime.UTC)
    day = CoverageDay.objects.create(
        day_on=datetime.date(2026, 1, 1), as_of=evening, owed_kobo=1, held_kobo=1, owed=[], held=[]
    )
    text = browser("Finance").get(reverse("admin:savings_coverageday_change", args=[day.pk])).text
    assert "2 Jan 2026, 23:05" in text
    assert "p.m." not in text


def test_the_checks_of_the_page_are_those_of_the_ledger() -> None:
    assert len(ledger.check_names()) == len(ledger.CHECKS) + 2
