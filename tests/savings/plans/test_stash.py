"""Moves between the stash and plans."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import ledger, plans, references
from savings.exceptions import BadAmount, NotEnoughMoney, ReferenceTaken, Refused
from savings.models import Account, Entry, Plan, Product, Transaction
from tests.exits import exit_early
from tests.factories import make_plan, make_product, make_user, pay_in

pytestmark = pytest.mark.django_db


def plan_balance(plan: Plan) -> int:
    return ledger.balance_kobo(plan.account)


def stash_balance(plan: Plan) -> int:
    return ledger.balance_kobo(ledger.stash_account(plan.user))


def move_in(plan: Plan, amount_kobo: int, reference: str | None = None) -> Transaction:
    reference = reference or references.new("stash_to_plan")
    return plans.move_to_plan(plan.user, plan, amount_kobo=amount_kobo, reference=reference)


def move_out(plan: Plan, amount_kobo: int, reference: str | None = None) -> Transaction:
    reference = reference or references.new("plan_to_stash")
    return plans.move_from_plan(plan.user, plan, amount_kobo=amount_kobo, reference=reference)


def test_money_moves_into_a_plan_and_back() -> None:
    plan = make_plan()
    pay_in(plan.user, 100_00)
    move_in(plan, 60_00)
    assert (stash_balance(plan), plan_balance(plan)) == (40_00, 60_00)
    move_out(plan, 10_00)
    assert (stash_balance(plan), plan_balance(plan)) == (50_00, 50_00)


def test_a_move_from_the_stash_cannot_exceed_the_plan_s_limit(settings: Settings) -> None:
    plan = make_plan(holding_kobo=40_00)
    pay_in(plan.user, 100_00)
    settings.PLAN_MAX_KOBO = 100_00
    with pytest.raises(BadAmount, match="at most"):
        move_in(plan, 60_01)
    move_in(plan, 60_00)
    assert (stash_balance(plan), plan_balance(plan)) == (40_00, 100_00)


def test_the_same_reference_twice_moves_money_once() -> None:
    plan = make_plan(holding_kobo=100_00)
    reference = references.new("plan_to_stash")
    first, again = move_out(plan, 30_00, reference), move_out(plan, 30_00, reference)
    assert first.pk == again.pk
    assert (stash_balance(plan), plan_balance(plan)) == (30_00, 70_00)


def test_a_reference_cannot_be_reused_for_another_amount() -> None:
    plan = make_plan(holding_kobo=100_00)
    reference = references.new("plan_to_stash")
    move_out(plan, 30_00, reference)
    with pytest.raises(ReferenceTaken):
        move_out(plan, 31_00, reference)
    assert plan_balance(plan) == 70_00


def test_a_move_of_more_than_the_balance_is_refused() -> None:
    plan = make_plan(holding_kobo=50_00)
    with pytest.raises(NotEnoughMoney, match="You have ₦50 in this plan"):
        move_out(plan, 50_01)
    with pytest.raises(NotEnoughMoney, match="You have ₦0 in your stash"):
        move_in(plan, 1)
    assert (stash_balance(plan), plan_balance(plan)) == (0, 50_00)
    assert Transaction.objects.exclude(kind="top_up").count() == 0


@pytest.mark.parametrize("amount_kobo", [0, -1])
def test_an_amount_must_be_above_zero(amount_kobo: int) -> None:
    plan = make_plan(holding_kobo=50_00)
    with pytest.raises(BadAmount):
        move_out(plan, amount_kobo)


def test_the_penalty_of_an_early_exit_is_deducted_from_the_amount() -> None:
    plan = make_plan(product=make_product(Product.Kind.TARGET), holding_kobo=100_000_00)
    transaction = exit_early(plan)
    penalty = Transaction.objects.get(kind=Transaction.Kind.PENALTY)
    assert (transaction.amount_kobo, penalty.amount_kobo) == (99_000_00, 1_000_00)
    assert (plan_balance(plan), stash_balance(plan)) == (0, 99_000_00)
    assert ledger.balance_kobo(ledger.house_account(Account.Kind.PENALTY_INCOME)) == 1_000_00


def test_a_penalty_is_charged_once_when_the_form_is_sent_twice() -> None:
    plan = make_plan(product=make_product(Product.Kind.TARGET), holding_kobo=100_000_00)
    reference = references.new("plan_to_stash")
    token = plans.sign_quote(plan.user, plans.quote_exit(plan, 50_000_00, on=timezone.localdate()))
    for _ in range(2):
        plans.carry_out_exit(plan.user, plan, token, reference=reference)
    assert Transaction.objects.filter(kind=Transaction.Kind.PENALTY).count() == 1
    assert (plan_balance(plan), stash_balance(plan)) == (50_000_00, 49_500_00)


@pytest.mark.parametrize("early_exit", ["free", "penalty", "forfeit"])
def test_money_leaves_a_plan_early_only_after_a_quote(early_exit: str) -> None:
    product = make_product(Product.Kind.TARGET, early_exit=early_exit, interest_paid="maturity")
    plan = make_plan(product=product, holding_kobo=100_000_00)
    with pytest.raises(Refused, match="hasn’t matured"):
        move_out(plan, 1_00)
    assert not Transaction.objects.filter(kind=Transaction.Kind.PLAN_TO_STASH).exists()


def test_taking_money_out_after_maturity_is_free() -> None:
    plan = make_plan(product=make_product(Product.Kind.TARGET), holding_kobo=100_000_00, days=40)
    with time_machine.travel(timezone.now() + datetime.timedelta(days=40)):
        move_out(plan, 100_000_00)
    assert (plan_balance(plan), stash_balance(plan)) == (0, 100_000_00)


def test_a_locked_plan_refuses_an_exit_before_maturity() -> None:
    plan = make_plan(product=make_product(Product.Kind.LOCKED), holding_kobo=100_00)
    with pytest.raises(Refused, match="locked until"):
        move_out(plan, 1_00)
    assert not Transaction.objects.filter(kind=Transaction.Kind.PLAN_TO_STASH).exists()


def test_a_closed_or_matured_plan_accepts_no_money() -> None:
    closed, matured = make_plan(), make_plan(product=make_product(Product.Kind.LOCKED), days=30)
    for plan in (closed, matured):
        pay_in(plan.user, 100_00)
    plans.close(closed)
    with pytest.raises(Refused, match="closed"):
        move_in(closed, 1_00)
    with (
        time_machine.travel(timezone.now() + datetime.timedelta(days=30)),
        pytest.raises(Refused, match="matured"),
    ):
        move_in(matured, 1_00)
    assert Entry.objects.count() == 2


def test_a_new_user_has_one_empty_stash() -> None:
    user = make_user()
    assert ledger.stash_account(user) == ledger.stash_account(user)
    assert ledger.balance_kobo(ledger.stash_account(user)) == 0
