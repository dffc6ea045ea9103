"""Goodwill: given and taken back by two people of the staff, and never more taken than was given and is there."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import ledger, plans, references
from savings.exceptions import BadAmount, NotEnoughMoney, ReferenceTaken, Refused
from savings.models import ManualPosting, Plan, Product, Transaction, User
from tests import threads
from tests.factories import make_plan, make_product, make_user, pay_in
from tests.refunds import house, people

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
Kind = Transaction.Kind


def adjust(user: User, amount_kobo: int, *, gives: bool = True, **details: Any) -> Transaction:
    usual = {"reference": references.new(Kind.ADJUSTMENT)} | ({} if "asked_by" in details else people())
    return ledger.adjust(user, amount_kobo=amount_kobo, gives=gives, **usual | details)


def stash(user: User) -> int:
    return ledger.balance_kobo(ledger.stash_account(user))


def test_goodwill_goes_to_the_stash_and_back(saver: User) -> None:
    given = adjust(saver, 900)
    assert (given.kind, given.status, given.user, given.plan) == ("adjustment", "success", saver, None)
    assert (stash(saver), house("goodwill"), ledger.goodwill_kobo(saver)) == (900, 900, 900)
    adjust(saver, 400, gives=False)
    assert (stash(saver), house("goodwill"), ledger.goodwill_kobo(saver)) == (500, 500, 500)


def test_goodwill_goes_to_a_plan_and_back(plan: Plan) -> None:
    adjust(plan.user, 900, plan=plan)
    adjust(plan.user, 900, gives=False, plan=plan)
    assert (ledger.balance_kobo(plan.account), house("goodwill"), stash(plan.user)) == (0, 0, 0)


def test_the_people_and_the_reason_are_stored(saver: User) -> None:
    who = people() | {"reason": "  Waited too long\n"}
    posting = ManualPosting.objects.get(transaction=adjust(saver, 900, **who))
    assert (posting.asked_by, posting.approved_by) == (who["asked_by"], who["approved_by"])
    assert posting.reason == "Waited too long"


@pytest.mark.parametrize("gives", [True, False])
def test_a_repeat_is_one_movement_and_other_details_are_refused(plan: Plan, *, gives: bool) -> None:
    user = plan.user
    adjust(user, 5_000)
    adjust(user, 5_000, plan=plan)
    reference = references.new(Kind.ADJUSTMENT)
    details: dict[str, Any] = people() | {"reference": reference, "gives": gives}
    first = adjust(user, 900, **details)
    before = stash(user)
    assert adjust(user, 900, **details) == first
    others: list[dict[str, Any]] = [
        {"gives": not gives},
        {"plan": plan},
        {"reason": "Another one"},
        {"asked_by": make_user(is_staff=True)},
    ]
    for other in others:
        with pytest.raises(ReferenceTaken):
            adjust(user, 900, **details | other)
    with pytest.raises(ReferenceTaken):
        adjust(user, 901, **details)
    with pytest.raises(ReferenceTaken):
        adjust(make_user(), 900, **details)
    assert stash(user) == before


def test_two_different_people_of_the_staff_are_needed(saver: User) -> None:
    staff = make_user(is_staff=True)
    for asked_by, approved_by in ((staff, staff), (staff, make_user()), (make_user(), staff)):
        with pytest.raises(Refused):
            adjust(saver, 900, asked_by=asked_by, approved_by=approved_by, reason="Ticket 7")
    with pytest.raises(Refused, match="Give a reason") as refused:
        adjust(saver, 900, **people() | {"reason": " "})
    assert refused.value.field == "reason"
    assert not Transaction.objects.exists()


@pytest.mark.parametrize("kobo", [0, -1, 2**62])
def test_a_bad_amount_is_refused(saver: User, kobo: int) -> None:
    with pytest.raises(BadAmount):
        adjust(saver, kobo)


def test_no_more_is_taken_than_was_given_to_this_person(saver: User) -> None:
    pay_in(saver, 50_000)
    adjust(make_user(), 9_000)
    adjust(saver, 900)
    with pytest.raises(Refused, match="Only ₦9 of goodwill") as refused:
        adjust(saver, 901, gives=False)
    assert refused.value.field == "amount_kobo"
    assert stash(saver) == 50_900


def test_no_more_is_taken_than_is_there(plan: Plan) -> None:
    user = plan.user
    adjust(user, 900)
    plans.move_to_plan(user, plan, amount_kobo=500, reference=references.new(Kind.STASH_TO_PLAN))
    with pytest.raises(NotEnoughMoney, match="Stash holds ₦4"):
        adjust(user, 401, gives=False)
    with pytest.raises(NotEnoughMoney, match=f"{plan.name} holds ₦5"):
        adjust(user, 501, gives=False, plan=plan)
    assert (stash(user), ledger.balance_kobo(plan.account)) == (400, 500)


def test_another_person_s_plan_is_refused(saver: User, plan: Plan) -> None:
    adjust(saver, 900)
    for gives in (True, False):
        with pytest.raises(Refused, match="another user") as refused:
            adjust(saver, 100, plan=plan, gives=gives)
        assert refused.value.field == "plan"


def test_a_plan_that_takes_no_money_is_refused(settings: Settings) -> None:
    closed = make_plan()
    plans.close(closed)
    adjust(closed.user, 900)
    for gives, sentence in ((True, "takes no more money"), (False, "closed and empty")):
        with pytest.raises(Refused, match=sentence) as refused:
            adjust(closed.user, 100, plan=closed, gives=gives)
        assert refused.value.field == "plan"
    full = make_plan(holding_kobo=settings.PLAN_MAX_KOBO - 5)
    with pytest.raises(Refused, match="at most"):
        adjust(full.user, 6, plan=full)


def test_a_plan_that_has_matured_is_refused() -> None:
    plan = make_plan(product=make_product(Product.Kind.LOCKED), days=40)
    with time_machine.travel(timezone.now() + datetime.timedelta(days=41)), pytest.raises(Refused):
        adjust(plan.user, 100, plan=plan)


def test_goodwill_that_was_taken_back_is_not_reversed_too(saver: User) -> None:
    pay_in(saver, 5_000)
    given = adjust(saver, 900)
    taken = adjust(saver, 900, gives=False)
    with pytest.raises(Refused, match="taken back already"):
        ledger.reverse(given, reference=references.new(Kind.REVERSAL))
    ledger.reverse(taken, reference=references.new(Kind.REVERSAL))
    ledger.reverse(given, reference=references.new(Kind.REVERSAL))
    assert (stash(saver), ledger.goodwill_kobo(saver)) == (5_000, 0)


def test_a_closed_account_gets_goodwill_too() -> None:
    user = make_user(is_active=False)
    assert adjust(user, 900).is_settled


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_at_once_no_more_is_taken_than_was_given() -> None:
    user, who = make_user(), people()
    pay_in(user, 50_000)
    adjust(user, 1_000, **who)
    found = threads.at_once(lambda _: adjust(user, 300, gives=False, **who).status, 12)
    assert found == {"success": 3, Refused: 9}
    assert ledger.goodwill_kobo(user) == 100


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_at_once_the_same_reference_is_one_movement() -> None:
    user, who, reference = make_user(), people(), references.new(Kind.ADJUSTMENT)
    found = threads.at_once(lambda _: adjust(user, 300, reference=reference, **who).pk, 12)
    assert len(found) == 1
    assert stash(user) == 300
