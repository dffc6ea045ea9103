"""Notices under concurrent calls and killed workers, on both databases: exactly one movement each."""

from __future__ import annotations

import datetime
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as project
from django.db.models import F
from django.utils import timezone

from savings import ledger, plans, references
from savings.exceptions import NotEnoughMoney, Refused
from savings.models import Notice, Plan, Product, Transaction
from tests import threads
from tests.factories import make_plan, make_product
from tests.processes import database_url

pytestmark = pytest.mark.django_db(transaction=True)

TIMES = 6
# A worker that dies of SIGKILL inside its third commit, when the movement and the notice are written.
DYING_WORKER = """
import os, signal, django
django.setup()
from django.utils import timezone
from savings import mails, plans
carried_out, write = [], mails.notice_carried_out
def notice_carried_out(*args, **values):
    carried_out.append(write(*args, **values))
    if len(carried_out) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
mails.notice_carried_out = notice_carried_out
plans.carry_out_due_notices(timezone.now())
"""


def at_once(act: Callable[[int], object], times: int = TIMES) -> Counter[Any]:
    return threads.at_once(act, times, refusals=(NotEnoughMoney, Refused))


def emergency() -> Plan:
    return make_plan(product=make_product(Product.Kind.EMERGENCY), holding_kobo=100_00)


def give(plan: Plan, amount_kobo: int, reference: str = "") -> Notice:
    reference = reference or references.mint(references.NOTICE_PREFIX)
    return plans.give_notice(plan.user, plan, amount_kobo=amount_kobo, reference=reference)


def let_a_day_pass() -> None:
    day = datetime.timedelta(days=1)
    Notice.objects.update(asked_at=F("asked_at") - day, due_at=F("due_at") - day)


def moves() -> int:
    return Transaction.objects.filter(kind=Transaction.Kind.PLAN_TO_STASH).count()


def run(_: int = 0) -> int:
    return plans.carry_out_due_notices(timezone.now())


def test_the_same_notice_sent_several_times_at_once_is_one() -> None:
    plan, reference = emergency(), references.mint(references.NOTICE_PREFIX)
    stale = [Plan.objects.get(pk=plan.pk) for _ in range(TIMES)]
    assert list(at_once(lambda number: give(stale[number], 40_00, reference).pk).values()) == [TIMES]
    assert plans.waiting_kobo(plan) == 40_00


def test_notices_at_once_add_up_to_at_most_the_balance() -> None:
    plan = emergency()
    stale = [Plan.objects.get(pk=plan.pk) for _ in range(TIMES)]
    given = at_once(lambda number: bool(give(stale[number], 30_00)))
    assert given == {True: 3, NotEnoughMoney: TIMES - 3}
    assert plans.waiting_kobo(plan) == 90_00


def test_several_workers_at_once_move_each_notice_once() -> None:
    given = [emergency() for _ in range(4)]
    for plan in given:
        give(plan, 40_00)
    let_a_day_pass()
    # Each worker returns how many it has carried out.
    assert sum(count * times for count, times in at_once(run).items()) == len(given)
    assert moves() == len(given)
    assert {ledger.balance_kobo(plan.account) for plan in given} == {60_00}
    assert list(ledger.run_checks()) == []


def test_a_notice_is_either_cancelled_or_carried_out() -> None:
    plan = emergency()
    notice = give(plan, 40_00)
    let_a_day_pass()
    stale = [Notice.objects.get(pk=notice.pk) for _ in range(TIMES)]

    def act(number: int) -> object:
        if number % 2:
            return run()
        plans.cancel_notice(stale[number])
        return "cancelled"

    outcomes = at_once(act)
    notice.refresh_from_db()
    is_done = notice.status == Notice.Status.DONE
    assert moves() == is_done
    assert outcomes["cancelled"] == (0 if is_done else TIMES // 2)
    assert ledger.balance_kobo(plan.account) == (60_00 if is_done else 100_00)


def test_a_worker_that_dies_leaves_whole_notices_and_the_next_does_the_rest() -> None:
    given = [emergency() for _ in range(5)]
    for plan in given:
        give(plan, 40_00)
    let_a_day_pass()
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "web.settings", "DATABASE_URL": database_url()}
    worker = subprocess.run(
        [sys.executable, "-c", DYING_WORKER], cwd=project.BASE_DIR, env=environment, check=False
    )
    assert worker.returncode == -signal.SIGKILL
    assert (moves(), Notice.objects.waiting().count()) == (2, 3)
    assert run() == 3
    assert moves() == len(given)
    assert list(ledger.run_checks()) == []
