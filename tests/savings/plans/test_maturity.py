"""Maturity: moves to the stash and rollovers."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.core.mail import EmailMessage
from django.utils import timezone

from savings import ledger, outbox, plans, tasks
from savings.models import Plan, Product, Transaction
from tests.factories import make_plan, make_product

pytestmark = pytest.mark.django_db


def on_day(days: int) -> time_machine.travel:
    return time_machine.travel(timezone.now() + datetime.timedelta(days=days))


def test_matured_savings_move_to_the_stash_once_and_without_penalty() -> None:
    plan = make_plan(product=make_product(Product.Kind.TARGET), holding_kobo=100_000_00, days=30)
    with on_day(30):
        assert plans.mature_due_plans(timezone.localdate()) == 1
        assert plans.mature_due_plans(timezone.localdate()) == 0
    assert ledger.balance_kobo(ledger.stash_account(plan.user)) == 100_000_00
    assert Transaction.objects.filter(kind=Transaction.Kind.PLAN_TO_STASH).count() == 1


def test_the_owner_gets_a_mail(mailoutbox: list[EmailMessage]) -> None:
    plan = make_plan(product=make_product(Product.Kind.LOCKED), holding_kobo=100_000_00, days=30, name="Car")
    with on_day(30):
        plans.mature_due_plans(timezone.localdate())
        outbox.sweep(timezone.now(), tasks.HANDLERS)
    (mail,) = mailoutbox
    assert (mail.subject, mail.to) == ("Car has matured", [plan.user.email])
    assert "₦100,000.00" in str(mail.body)


def test_nothing_moves_before_the_day_of_maturity() -> None:
    make_plan(product=make_product(Product.Kind.LOCKED), holding_kobo=100_00, days=30)
    with on_day(29):
        assert plans.mature_due_plans(timezone.localdate()) == 0


def test_a_rollover_starts_a_term_of_the_same_length_and_accrues_without_a_gap() -> None:
    product = make_product(Product.Kind.LOCKED, rate_bps=1000)
    plan = make_plan(product=product, holding_kobo=100_000_00, days=30, at_maturity=Plan.AtMaturity.ROLLOVER)
    start = plan.started_on
    with on_day(70):
        assert plans.mature_due_plans(timezone.localdate()) == 1
        plan.refresh_from_db()
        plan.account.refresh_from_db()
        earned = ledger.accrued_numerator(plan.account, timezone.localdate())
    assert (plan.started_on, plan.matures_on) == tuple(start + datetime.timedelta(days=d) for d in (60, 90))
    assert earned == 100_000_00 * 1000 * 70
    assert ledger.balance_kobo(plan.account) == 100_000_00
