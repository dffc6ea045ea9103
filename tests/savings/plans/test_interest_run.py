"""The monthly run: in chunks, killed and resumed, on two machines at once, and past an account that fails."""

from __future__ import annotations

import datetime
import os
import random
import subprocess
import sys
import time

import pytest
import time_machine
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from savings import ledger, plans, statements, tasks
from savings.models import Account, InterestPosting, Plan, Postponement, Statement, Transaction
from tests import processes, threads
from tests.factories import make_plan, make_product, make_user, pay_in

LAST = datetime.date(2026, 4, 1)
MONTHS = 3


def make_plans(times: int) -> list[Plan]:
    """Return plans of several owners, opened in January, some of which send their interest to the stash."""
    with time_machine.travel("2026-01-05T09:00:00Z", tick=False):
        product = make_product(rate_bps=1000)
        owners = [make_user() for _ in range(max(1, times // 2))]
        made = [
            make_plan(owners[number % len(owners)], product, holding_kobo=10_000_00 + number)
            for number in range(times)
        ]
    Plan.objects.filter(pk__in=[plan.pk for plan in made[::3]]).update(interest_to=Plan.InterestTo.STASH)
    return made


def check_all_posted(made: list[Plan]) -> None:
    postings = InterestPosting.objects.filter(account__plan__in=made)
    assert postings.count() == len(made) * MONTHS
    paid = Transaction.objects.filter(kind=Transaction.Kind.INTEREST).aggregate(kobo=Sum("amount_kobo"))
    assert paid == postings.aggregate(kobo=Sum("gross_kobo"))
    assert list(ledger.run_checks()) == []


@pytest.mark.django_db
def test_it_posts_in_chunks_oldest_month_first() -> None:
    made = make_plans(7)
    assert plans.post_due_interest(LAST, most=2) == 7 * MONTHS
    ends = list(InterestPosting.objects.order_by("id").values_list("period_end", flat=True))
    assert ends == sorted(ends)
    check_all_posted(made)


@pytest.mark.django_db
@pytest.mark.parametrize("times", [1, 40])
def test_a_chunk_takes_the_same_queries_for_any_number_of_plans(times: int) -> None:
    make_plans(times)
    house = ledger.InterestHouse.read()
    with CaptureQueriesContext(connection) as queries:
        chunk = ledger.due_chunk(LAST)
        assert chunk
        assert ledger.post_chunk(*chunk, house) == times
    outside = [query for query in queries if "SAVEPOINT" not in query["sql"]]
    assert len(outside) <= 12


@pytest.mark.django_db
def test_nothing_to_do_is_one_look(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    make_plans(3)
    plans.post_due_interest(LAST)
    with django_assert_num_queries(4):
        assert plans.post_due_interest(LAST) == 0


@pytest.mark.django_db
def test_an_account_that_cannot_be_posted_stops_no_other() -> None:
    made = make_plans(5)
    broken = Account.objects.get(plan=made[2])
    # More than an account may hold: the posting breaks a constraint.
    Account.objects.filter(pk=broken.pk).update(balance_kobo=10**15, accrued_numerator=9 * 10**18)
    plans.post_due_interest(LAST)
    assert InterestPosting.objects.count() == 4 * MONTHS
    assert not InterestPosting.objects.filter(account=broken).exists()
    assert Postponement.objects.get().row_id == broken.pk
    assert plans.is_interest_posted(LAST)
    assert plans.post_due_interest(LAST) == 0


@pytest.mark.django_db
def test_monthly_statements_wait_for_the_interest() -> None:
    with time_machine.travel("2026-01-05T09:00:00Z", tick=False) as clock:
        plan = make_plan(make_user(), make_product(), holding_kobo=10_000_00)
        statements.subscribe(plan.user, scope="stash", format="csv")
        clock.move_to("2026-02-01T00:30:00Z")
        tasks.ask_for_monthly_statements.call_local()
        assert not Statement.objects.exists()
        tasks.post_due_interest.call_local()
        tasks.ask_for_monthly_statements.call_local()
        assert Statement.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_run_that_is_killed_continues_where_it_was() -> None:
    made = make_plans(12)
    program = (
        "import django; django.setup(); import datetime; from savings import plans; "
        "print('ready', flush=True); "
        f"plans.post_due_interest(datetime.date({LAST.year}, {LAST.month}, {LAST.day}), most=1)"
    )
    environment = os.environ | {"DATABASE_URL": processes.database_url(), "DEBUG": "1"}
    chance = random.Random(7)
    for _ in range(3):
        run = subprocess.Popen(
            [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True
        )
        assert run.stdout
        assert run.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0.02, 0.15))
        run.kill()
        run.communicate()
    plans.post_due_interest(LAST)
    check_all_posted(made)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_several_machines_at_once_post_each_period_once() -> None:
    made = make_plans(12)
    owner = made[0].user

    def act(number: int) -> str:
        if number % 2:
            plans.post_due_interest(LAST, most=3)
        else:
            pay_in(owner, 100_00 + number, plan=made[0])
        return "done"

    assert threads.at_once(act, 8) == {"done": 8}
    check_all_posted(made)
