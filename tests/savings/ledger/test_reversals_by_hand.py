"""Reversals that two people of the staff make: of the whole family, once, and never of a reversal."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from savings import ledger, plans, references
from savings.exceptions import NotEnoughMoney, ReferenceTaken, Refused
from savings.models import ManualPosting, Plan, Product, Transaction
from tests import threads
from tests.exits import exit_early
from tests.factories import make_plan, make_product, make_user, pay_in, put_in
from tests.interest import post_gross
from tests.refunds import people

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
Kind, Status = Transaction.Kind, Transaction.Status


def reverse(movement: Transaction, **details: Any) -> Transaction:
    usual = {"reference": references.new(Kind.REVERSAL)} | ({} if "asked_by" in details else people())
    return ledger.reverse_by_hand(movement, **usual | details)


def move(plan: Plan, amount_kobo: int) -> Transaction:
    reference = references.new(Kind.STASH_TO_PLAN)
    return plans.move_to_plan(plan.user, plan, amount_kobo=amount_kobo, reference=reference)


def test_a_move_is_reversed_with_its_people_and_reason(plan: Plan) -> None:
    pay_in(plan.user, 900)
    moved, who = move(plan, 500), people()
    reversal = reverse(moved, **who)
    assert (reversal.reverses, reversal.amount_kobo, moved.status) == (moved, 500, Status.REVERSED)
    assert ledger.balance_kobo(ledger.stash_account(plan.user)) == 900
    posting = ManualPosting.objects.get()
    assert (posting.transaction, posting.asked_by, posting.reason) == (
        reversal,
        who["asked_by"],
        "Paid twice",
    )


def test_a_repeat_is_one_reversal_and_other_details_are_refused(plan: Plan) -> None:
    pay_in(plan.user, 900)
    moved, other = move(plan, 500), move(plan, 100)
    details = people() | {"reference": references.new(Kind.REVERSAL)}
    first = reverse(moved, **details)
    assert reverse(moved, **details) == first
    for changed in ({"reason": "Another one"}, {"approved_by": make_user(is_staff=True)}):
        with pytest.raises(ReferenceTaken):
            reverse(moved, **details | changed)
    with pytest.raises(ReferenceTaken):
        reverse(other, **details)
    assert Transaction.objects.filter(kind=Kind.REVERSAL).count() == 1
    assert ledger.balance_kobo(plan.account) == 100


def test_a_second_reversal_and_one_of_a_reversal_are_refused(plan: Plan) -> None:
    pay_in(plan.user, 900)
    moved = move(plan, 500)
    reversal = reverse(moved)
    with pytest.raises(Refused, match="only once"):
        reverse(moved)
    with pytest.raises(Refused, match="A reversal cannot be reversed"):
        reverse(reversal)
    assert ledger.balance_kobo(plan.account) == 0


def test_a_reversal_that_nobody_made_by_hand_is_not_repeated(plan: Plan) -> None:
    pay_in(plan.user, 900)
    moved, reference = move(plan, 500), references.new(Kind.REVERSAL)
    ledger.reverse(moved, reference=reference)
    with pytest.raises(ReferenceTaken):
        reverse(moved, reference=reference)


@pytest.mark.parametrize("is_part", [False, True], ids=["the move", "its penalty"])
def test_an_exit_is_reversed_with_its_penalty_whichever_is_named(*, is_part: bool) -> None:
    plan = make_plan(product=make_product(Product.Kind.TARGET), holding_kobo=100_000_00)
    exit_early(plan, 40_000_00)
    parts = Transaction.objects.filter(kind__in=[Kind.PLAN_TO_STASH, Kind.PENALTY])
    named = parts.get(kind=Kind.PENALTY if is_part else Kind.PLAN_TO_STASH)
    reverse(named)
    assert set(parts.values_list("status", flat=True)) == {Status.REVERSED}
    assert ledger.balance_kobo(plan.account) == 100_000_00
    assert ManualPosting.objects.get().transaction.reverses == named


def test_interest_is_reversed_with_its_tax() -> None:
    posting = post_gross(500)
    assert posting.tax
    reverse(posting.tax)
    assert ledger.interest_proof(posting.account).is_right
    assert ledger.interest_proof(posting.account).posted_kobo == 0


def test_money_that_moved_on_is_not_reversed(plan: Plan) -> None:
    given = put_in(plan.user, 500)
    move(plan, 500)
    with pytest.raises(NotEnoughMoney):
        reverse(given)
    assert not ManualPosting.objects.exclude(transaction=given).exists()


def test_a_card_payment_is_not_reversed(plan: Plan) -> None:
    with pytest.raises(Refused, match="Only a refund or a dispute"):
        reverse(pay_in(plan.user, 500))


def test_two_different_people_of_the_staff_and_a_reason_are_needed(plan: Plan) -> None:
    pay_in(plan.user, 900)
    moved, staff = move(plan, 500), make_user(is_staff=True)
    for who in (
        {"asked_by": staff, "approved_by": staff, "reason": "Mine"},
        {"asked_by": staff, "approved_by": make_user(), "reason": "Theirs"},
        people() | {"reason": ""},
    ):
        with pytest.raises(Refused):
            reverse(moved, **who)
    moved.refresh_from_db()
    assert moved.status == Status.SUCCESS


def test_a_move_of_a_closed_month_is_reversed_today() -> None:
    start = datetime.datetime(2026, 10, 5, 9, tzinfo=datetime.UTC)
    with time_machine.travel(start, tick=False) as clock:
        plan = make_plan()
        pay_in(plan.user, 900)
        moved = move(plan, 500)
        clock.move_to(start + datetime.timedelta(days=31))
        ledger.close_month(datetime.date(2026, 10, 1))
        reversal = reverse(moved)
        assert reversal.entries.get().value_on == timezone.localdate()
        assert list(ledger.run_checks()) == []


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_at_once_there_is_one_reversal() -> None:
    plan, who = make_plan(), people()
    pay_in(plan.user, 900)
    moved = move(plan, 500)
    found = threads.at_once(lambda _: reverse(moved, **who).status, 8)
    assert found == {"success": 1, Refused: 7}
