"""Corrections of interest by staff: both ways, with their tax, in the proof, in closed months and after remittances."""

from __future__ import annotations

import datetime
import random
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from savings import ledger, plans, references
from savings.exceptions import BadAmount, ReferenceTaken, Refused
from savings.ledger.corrections import posted_interest
from savings.models import Account, InterestPosting, ManualPosting, Plan, Product, TaxRate, Transaction
from savings.models.plans import InterestPaid
from tests import threads
from tests.factories import join_circle, make_plan, make_product, make_user, pay_in, start_circle
from tests.interest import post_gross
from tests.refunds import charge_back, house, people, refund

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
Kind = Transaction.Kind
START = datetime.datetime(2026, 10, 5, 9, tzinfo=datetime.UTC)


def correct(plan: Plan, gross_kobo: int, *, gives: bool, **details: Any) -> Transaction:
    usual = {"reference": references.new(Kind.INTEREST_CORRECTION)}
    usual |= {} if "asked_by" in details else people()
    return ledger.correct_interest(plan, gross_kobo=gross_kobo, gives=gives, **usual | details)


def held(plan: Plan) -> tuple[int, int]:
    """Return what is in a plan, and in the stash of its owner."""
    return ledger.balance_kobo(plan.account), ledger.balance_kobo(ledger.stash_account(plan.user))


def left(plan: Plan) -> tuple[int, int]:
    """Return the interest posted to a plan and not taken back, and the tax on it."""
    posted = posted_interest(Account.objects.get(plan=plan))
    return posted.gross_kobo, posted.tax_kobo


def posted_plan(gross_kobo: int, **fields: Any) -> Plan:
    plan = post_gross(gross_kobo, **fields).account.plan
    assert plan
    return plan


def to_stash(plan: Plan, amount_kobo: int) -> None:
    reference = references.new(Kind.PLAN_TO_STASH)
    plans.move_from_plan(plan.user, plan, amount_kobo=amount_kobo, reference=reference)


def remit(amount_kobo: int) -> None:
    for purpose, period_on in (
        (ledger.Purpose.CAPITAL_IN, None),
        (ledger.Purpose.TAX_REMITTANCE, timezone.localdate().replace(day=1)),
    ):
        reference = references.new(Kind.TREASURY)
        details: dict[str, Any] = people() | {"reference": reference, "period_on": period_on}
        ledger.post_treasury(purpose, amount_kobo=amount_kobo, **details)


def end(plan: Plan) -> None:
    """Let the owner of a plan move all of it to the stash, and close it."""
    to_stash(plan, ledger.balance_kobo(plan.account))
    plans.close(plan)
    plan.refresh_from_db()


def test_interest_that_was_too_little_goes_into_the_plan_after_tax() -> None:
    plan = make_plan(holding_kobo=1_000_000)
    correction = correct(plan, 246_575, gives=True)
    assert (correction.kind, correction.amount_kobo, correction.plan) == (
        "interest_correction",
        246_575,
        plan,
    )
    assert [(part.kind, part.amount_kobo) for part in correction.parts.all()] == [("tax_withheld", 24_657)]
    assert held(plan) == (1_000_000 + 246_575 - 24_657, 0)
    assert (house("interest_expense"), house("tax_payable")) == (246_575, 24_657)
    assert left(plan) == (246_575, 24_657)
    proof = ledger.interest_proof(Account.objects.get(plan=plan))
    assert proof.is_right
    assert (proof.posted_kobo, proof.by_staff // 3_650_000, proof.forfeited) == (246_575, 246_575, 0)


def test_interest_that_was_too_much_comes_back_with_its_tax() -> None:
    plan = posted_plan(1_000)
    before, _ = held(plan)
    correction = correct(plan, 400, gives=False)
    assert correction.amount_kobo == 360
    assert (before - held(plan)[0], house("interest_expense"), house("tax_payable")) == (360, 600, 60)
    assert left(plan) == (600, 60)
    proof = ledger.interest_proof(Account.objects.get(plan=plan))
    assert proof.is_right
    assert (proof.posted_kobo, proof.by_staff // 3_650_000) == (600, -400)


def test_the_unposted_interest_and_the_rate_stay(plan: Plan) -> None:
    with time_machine.travel(START, tick=False) as clock:
        plan = make_plan(holding_kobo=900_000)
        clock.move_to(START + datetime.timedelta(days=9))
        plan.account.refresh_from_db()
        before = ledger.accrued_numerator(plan.account, timezone.localdate())
        correct(plan, 700, gives=True)
        correct(plan, 700, gives=False)
        account = Account.objects.get(plan=plan)
        assert ledger.accrued_numerator(account, timezone.localdate()) == before > 0
        assert (account.rate_bps, account.rate_periods.count()) == (850, 1)
        assert (house("interest_expense"), house("tax_payable"), left(plan)) == (0, 0, (0, 0))
        clock.move_to(START + datetime.timedelta(days=40))
        assert plans.post_due_interest(timezone.localdate()) == 1
        assert ledger.interest_proof(Account.objects.get(plan=plan)).is_right


@pytest.mark.parametrize("why", ["chosen", "circle", "closed", "matured", "at maturity"])
def test_it_goes_to_the_stash_where_the_interest_goes_there(why: str) -> None:
    with time_machine.travel(START, tick=False) as clock:
        plan = make_plan(holding_kobo=10_000)
        if why == "chosen":
            Plan.objects.filter(pk=plan.pk).update(interest_to=Plan.InterestTo.STASH)
        elif why == "circle":
            plan = join_circle(start_circle(), saved_kobo=10_000).plan
        elif why == "closed":
            end(plan)
        else:
            paid = InterestPaid.MONTHLY if why == "matured" else InterestPaid.AT_MATURITY
            plan = make_plan(product=make_product(Product.Kind.LOCKED, interest_paid=paid), days=40)
        if why == "matured":
            clock.move_to(START + datetime.timedelta(days=40))
        before = held(plan)
        correct(plan, 500, gives=True)
        assert held(plan) == (before[0], before[1] + 450)


def test_the_tax_is_that_of_the_day() -> None:
    plan = make_plan(holding_kobo=10_000)
    TaxRate.objects.create(from_on=timezone.localdate() + datetime.timedelta(days=1), rate_bps=2_000)
    with time_machine.travel(timezone.now() + datetime.timedelta(days=1)):
        correct(plan, 999, gives=True)
        assert (left(plan), house("tax_payable")) == ((999, 199), 199)


def test_interest_of_a_kobo_has_no_tax() -> None:
    plan = make_plan(holding_kobo=10_000)
    correction = correct(plan, 1, gives=True)
    assert not correction.parts.exists()
    correct(plan, 1, gives=False)
    assert left(plan) == (0, 0)


def test_what_is_not_in_the_plan_comes_from_the_stash_and_the_rest_is_owed() -> None:
    plan = make_plan(holding_kobo=10_000)
    other = make_plan(plan.user)
    correct(plan, 1_000, gives=True)
    to_stash(plan, 10_700)
    reference = references.new(Kind.STASH_TO_PLAN)
    plans.move_to_plan(plan.user, other, amount_kobo=10_600, reference=reference)
    correction = correct(plan, 1_000, gives=False)
    taken = [correction, *correction.parts.order_by("id")]
    assert [(one.amount_kobo, one.entries.get().debit_account.kind) for one in taken] == [
        (200, "plan"),
        (100, "stash"),
        (600, "receivable"),
        (100, "tax_payable"),
    ]
    assert (held(plan), ledger.receivable_kobo(plan.user)) == ((0, 0), 600)


def test_a_closed_plan_is_corrected_in_the_stash() -> None:
    with time_machine.travel(START, tick=False) as clock:
        plan = make_plan(holding_kobo=10_000_000)
        clock.move_to(START + datetime.timedelta(days=20))
        end(plan)
        gross_kobo = left(plan)[0]
        before = held(plan)[1]
        tax_kobo = left(plan)[1]
        correct(plan, gross_kobo, gives=False)
        assert held(plan) == (0, before - gross_kobo + tax_kobo)
        assert left(plan) == (0, 0)


def test_no_more_is_taken_than_was_posted_to_the_plan() -> None:
    plan = posted_plan(1_000)
    correct(make_plan(plan.user), 5_000, gives=True)
    with pytest.raises(Refused, match="Only ₦10 of interest") as refused:
        correct(plan, 1_001, gives=False)
    assert refused.value.field == "gross_kobo"
    correct(plan, 700, gives=False)
    with pytest.raises(Refused, match="Only ₦3 of interest"):
        correct(plan, 301, gives=False)
    correct(plan, 300, gives=False)
    with pytest.raises(Refused, match="Only ₦0 of interest"):
        correct(plan, 1, gives=False)


def test_interest_that_a_chargeback_took_is_not_taken_again() -> None:
    with time_machine.travel(START, tick=False) as clock:
        user = make_user()
        plan = make_plan(user)
        paid = pay_in(user, 5_000_000, plan=plan)
        clock.move_to(START + datetime.timedelta(days=40))
        plans.post_due_interest(timezone.localdate())
        charge_back(paid, 5_000_000)
        with pytest.raises(Refused, match="was posted to this plan"):
            correct(plan, left(plan)[0] + 1, gives=False)


@pytest.mark.parametrize("gives", [True, False])
def test_money_that_goes_back_after_a_correction_leaves_the_books_right(*, gives: bool) -> None:
    with time_machine.travel(START, tick=False) as clock:
        user = make_user()
        plan = make_plan(user)
        first, second = pay_in(user, 5_000_000, plan=plan), pay_in(user, 3_000_000, plan=plan)
        clock.move_to(START + datetime.timedelta(days=40))
        plans.post_due_interest(timezone.localdate())
        correct(plan, 10_000, gives=gives)
        clock.move_to(START + datetime.timedelta(days=45))
        refund(first, 4_000_000)
        charge_back(second, 3_000_000)
        assert ledger.interest_proof(Account.objects.get(plan=plan)).is_right
        assert list(ledger.run_checks()) == []


def test_tax_that_was_remitted_stays_paid_and_the_house_bears_it() -> None:
    plan = posted_plan(1_000)
    remit(100)
    before, _ = held(plan)
    correct(plan, 400, gives=False)
    assert (before - held(plan)[0], house("interest_expense"), house("tax_payable")) == (360, 640, 0)
    assert left(plan) == (600, 60)
    proof = ledger.interest_proof(Account.objects.get(plan=plan))
    assert proof.is_right
    assert proof.by_staff // 3_650_000 == -400
    correct(plan, 600, gives=False)
    assert (left(plan), house("interest_expense")) == ((0, 0), 100)


def test_tax_that_was_remitted_in_part_comes_back_in_part() -> None:
    plan = posted_plan(1_000)
    remit(70)
    correct(plan, 1_000, gives=False)
    assert (house("interest_expense"), house("tax_payable"), left(plan)) == (70, 0, (0, 0))


def test_the_last_kobo_may_be_all_tax() -> None:
    plan = posted_plan(10)
    correct(plan, 9, gives=False)
    assert left(plan) == (1, 1)
    assert correct(plan, 1, gives=False).entries.get().debit_account.kind == "tax_payable"
    assert left(plan) == (0, 0)


def test_the_last_kobo_that_was_remitted_cannot_be_taken() -> None:
    plan = posted_plan(10)
    remit(1)
    correct(plan, 9, gives=False)
    with pytest.raises(Refused, match="remitted already"):
        correct(plan, 1, gives=False)


def test_interest_of_a_closed_month_is_corrected_today() -> None:
    with time_machine.travel(START, tick=False) as clock:
        plan = make_plan(holding_kobo=10_000_000)
        clock.move_to(START + datetime.timedelta(days=31))
        plans.post_due_interest(timezone.localdate())
        ledger.close_month(datetime.date(2026, 10, 1))
        for gives in (True, False):
            entry = correct(plan, 500, gives=gives).entries.get()
            assert (entry.value_on, timezone.localdate(entry.posted_at)) == (timezone.localdate(),) * 2
        assert list(ledger.run_checks()) == []


@pytest.mark.parametrize("gives", [True, False])
def test_a_repeat_is_one_correction_and_other_details_are_refused(*, gives: bool) -> None:
    plan = posted_plan(1_000)
    # The first correction leaves 10 kobo less in the plan than the second one would take.
    details = people() | {"reference": references.new(Kind.INTEREST_CORRECTION)}
    first = correct(plan, 400, gives=gives, **details)
    before = held(plan)
    assert correct(plan, 400, gives=gives, **details) == first
    for plan_, gross_kobo, way, changed in (
        (plan, 401, gives, {}),
        (plan, 400, not gives, {}),
        (make_plan(plan.user), 400, gives, {}),
        (plan, 400, gives, {"reason": "Another one"}),
        (plan, 400, gives, {"asked_by": make_user(is_staff=True)}),
    ):
        with pytest.raises(ReferenceTaken):
            correct(plan_, gross_kobo, gives=way, **details | changed)
    assert held(plan) == before
    posting = ManualPosting.objects.get(transaction=first)
    assert (posting.asked_by, posting.reason) == (details["asked_by"], "Paid twice")


def test_a_reference_of_something_else_is_refused() -> None:
    plan = posted_plan(1_000)
    other = pay_in(plan.user, 400)
    with pytest.raises(ReferenceTaken):
        correct(plan, 400, gives=True, reference=other.reference)


def test_two_different_people_of_the_staff_a_reason_and_an_amount_are_needed() -> None:
    plan, staff = posted_plan(1_000), make_user(is_staff=True)
    for who in (
        {"asked_by": staff, "approved_by": staff, "reason": "Mine"},
        {"asked_by": staff, "approved_by": plan.user, "reason": "Theirs"},
        people() | {"reason": " "},
    ):
        with pytest.raises(Refused):
            correct(plan, 100, gives=True, **who)
    for kobo in (0, -5, 2**62):
        with pytest.raises(BadAmount) as refused:
            correct(plan, kobo, gives=True)
        assert refused.value.field == "gross_kobo"
    assert not Transaction.objects.filter(kind=Kind.INTEREST_CORRECTION).exists()


@pytest.mark.parametrize("gives", [True, False])
def test_a_correction_is_undone_by_another_one_and_not_reversed(*, gives: bool) -> None:
    plan = posted_plan(1_000)
    correction = correct(plan, 400, gives=gives)
    movements = [correction, *correction.parts.filter(kind=Kind.TAX_WITHHELD)]
    for movement in movements:
        with pytest.raises(Refused, match="another correction"):
            ledger.reverse(movement, reference=references.new(Kind.REVERSAL))
    correct(plan, 400, gives=not gives)
    assert (left(plan), house("interest_expense"), house("tax_payable")) == ((1_000, 100), 1_000, 100)


def test_interest_that_was_taken_back_is_not_reversed_too() -> None:
    plan = posted_plan(1_000)
    correct(plan, 400, gives=False)
    posting = InterestPosting.objects.get()
    assert posting.interest
    with pytest.raises(Refused, match="taken back already"):
        ledger.reverse(posting.interest, reference=references.new(Kind.REVERSAL))
    correct(plan, 400, gives=True)
    ledger.reverse(posting.interest, reference=references.new(Kind.REVERSAL))
    assert ledger.interest_proof(posting.account).is_right


def test_a_circle_s_score_stays() -> None:
    member = join_circle(start_circle(), saved_kobo=10_000)
    correct(member.plan, 500, gives=True)
    correct(member.plan, 500, gives=False)
    member.refresh_from_db()
    assert member.saved_kobo == 10_000


@pytest.mark.parametrize("seed", range(3))
def test_any_sequence_leaves_the_books_and_the_proof_right(seed: int) -> None:
    chance = random.Random(seed)
    with time_machine.travel(START, tick=False) as clock:
        user = make_user()
        plan = make_plan(user, holding_kobo=20_000_000)
        for step in range(14):
            clock.move_to(START + datetime.timedelta(days=step * 6))
            plans.post_due_interest(timezone.localdate())
            gross_kobo = max(1, left(plan)[0])
            acts: list[Any] = [
                lambda: correct(plan, chance.randrange(1, 90_000), gives=True),
                lambda kobo=gross_kobo: correct(plan, chance.randint(1, kobo), gives=False),
                lambda: pay_in(user, chance.randrange(1, 9_000_000), plan=plan),
                lambda: charge_back(pay_in(user, 700_000, plan=plan), chance.randrange(1, 700_000)),
                lambda: to_stash(plan, chance.randrange(1, 2_000_000)),
            ]
            try:
                chance.choice(acts)()
            except Refused:
                continue
            assert ledger.interest_proof(Account.objects.get(plan=plan)).is_right
            assert list(ledger.run_checks()) == []


@pytest.fixture
def first_rate_of_tax(transactional_db: None) -> None:
    """The rate that a migration writes, which an earlier test that committed has deleted."""
    if not TaxRate.objects.exists():
        TaxRate.objects.create(from_on=datetime.date(2000, 1, 1), rate_bps=1_000)


@pytest.mark.postgres
@pytest.mark.usefixtures("first_rate_of_tax")
@pytest.mark.django_db(transaction=True)
def test_at_once_no_more_is_taken_than_was_posted() -> None:
    plan, who = posted_plan(1_000), people()
    found = threads.at_once(lambda _: correct(plan, 300, gives=False, **who).status, 8)
    assert found == {"success": 3, Refused: 5}
    assert left(plan) == (100, 10)


@pytest.mark.postgres
@pytest.mark.usefixtures("first_rate_of_tax")
@pytest.mark.django_db(transaction=True)
def test_at_once_the_same_reference_is_one_correction() -> None:
    plan, who = posted_plan(1_000), people() | {"reference": references.new(Kind.INTEREST_CORRECTION)}
    assert len(threads.at_once(lambda _: correct(plan, 300, gives=True, **who).pk, 8)) == 1
    assert left(plan) == (1_300, 130)
