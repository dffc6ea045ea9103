"""Money in suspense: credited to its owner or to another person, never more than arrived, and counted once."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import ledger, references
from savings.exceptions import BadAmount, ReferenceTaken, Refused
from savings.models import Account, Entry, ManualPosting, Plan, Product, Transaction, User
from tests import threads
from tests.factories import make_plan, make_product, make_transaction, make_user, settled

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]

Kind = Transaction.Kind
Status = Transaction.Status


@pytest.fixture
def ada() -> User:
    return make_user()


@pytest.fixture
def people() -> dict[str, Any]:
    """Two people of the staff: one asks, one approves."""
    return {"asked_by": make_user(is_staff=True), "approved_by": make_user(is_staff=True)}


def suspend(user: User | None, arrived_kobo: int = 1_500, asked_kobo: int = 3_000) -> Transaction:
    """Return a payment in review, whose money arrived today."""
    reviewed = make_transaction(Kind.STASH_DEPOSIT, asked_kobo, user=user, status=Status.REVIEW)
    ledger.post(
        reviewed,
        Entry.Code.SUSPENSE,
        debit=ledger.house_account(Account.Kind.CLEARING, "paystack"),
        credit=ledger.house_account(Account.Kind.SUSPENSE),
        amount_kobo=arrived_kobo,
    )
    return reviewed


def details(people: dict[str, Any], kind: str = Kind.STASH_DEPOSIT, **more: Any) -> dict[str, Any]:
    return people | {"reference": references.new(kind), "reason": "Ticket 7"} | more


def stash(user: User) -> int:
    return ledger.balance_kobo(ledger.stash_account(user))


def test_what_arrived_is_released_by_a_transaction_of_its_own(ada: User, people: dict[str, Any]) -> None:
    reviewed = suspend(ada)
    given = ledger.release(reviewed, **details(people))
    assert (given.kind, given.status, given.user, given.part_of) == (
        Kind.STASH_DEPOSIT,
        Status.SUCCESS,
        ada,
        reviewed,
    )
    assert stash(ada) == 1_500
    assert ledger.balance_kobo(ledger.house_account(Account.Kind.SUSPENSE)) == 0
    reviewed.refresh_from_db()
    assert (reviewed.amount_kobo, reviewed.user, reviewed.status) == (3_000, ada, Status.CLOSED)
    posting = ManualPosting.objects.get(transaction=given)
    assert (posting.asked_by, posting.reason) == (people["asked_by"], "Ticket 7")


def test_a_plan_gets_a_top_up_that_earns_from_the_day_of_arrival(people: dict[str, Any]) -> None:
    with time_machine.travel("2026-03-02T12:00:00Z", tick=False) as clock:
        plan = make_plan()
        reviewed = suspend(plan.user)
        clock.shift(datetime.timedelta(days=5))
        given = ledger.release(reviewed, **details(people, Kind.TOP_UP, plan=plan))
        assert (given.kind, given.plan) == (Kind.TOP_UP, plan)
        assert Entry.objects.get(transaction=given).value_on == datetime.date(2026, 3, 2)
        assert ledger.balance_kobo(plan.account) == 1_500


@pytest.mark.parametrize(("plan_days_ago", "expected_days_ago"), [(30, 7), (4, 4)])
def test_it_earns_for_a_week_at_most_and_not_before_the_plan_began(
    plan_days_ago: int, expected_days_ago: int, people: dict[str, Any], ada: User
) -> None:
    with time_machine.travel("2026-03-02T12:00:00Z", tick=False) as clock:
        reviewed = suspend(ada)
        clock.shift(datetime.timedelta(days=40 - plan_days_ago))
        plan = make_plan(ada)
        clock.shift(datetime.timedelta(days=plan_days_ago))
        given = ledger.release(reviewed, **details(people, Kind.TOP_UP, plan=plan))
        days_ago = timezone.localdate() - datetime.timedelta(days=expected_days_ago)
        assert Entry.objects.get(transaction=given).value_on == days_ago


def test_money_of_an_unknown_payer_is_allocated_to_a_person(ada: User, people: dict[str, Any]) -> None:
    reviewed = suspend(None)
    with pytest.raises(Refused, match="whose money this is") as refused:
        ledger.release(reviewed, **details(people))
    assert refused.value.field == "user"
    given = ledger.allocate(reviewed, ada, **details(people))
    assert (given.user, stash(ada)) == (ada, 1_500)
    reviewed.refresh_from_db()
    assert (reviewed.user, reviewed.status) == (None, Status.CLOSED)


def test_money_is_allocated_to_another_person_than_the_payer(ada: User, people: dict[str, Any]) -> None:
    plan = make_plan()
    reviewed = suspend(ada)
    ledger.allocate(reviewed, plan.user, **details(people, Kind.TOP_UP, plan=plan))
    assert (ledger.balance_kobo(plan.account), stash(ada)) == (1_500, 0)
    reviewed.refresh_from_db()
    assert reviewed.user == ada


def test_a_review_is_closed_when_the_last_kobo_has_left(ada: User, people: dict[str, Any]) -> None:
    reviewed = suspend(ada)
    ledger.release(reviewed, **details(people, amount_kobo=1_000))
    reviewed.refresh_from_db()
    assert (reviewed.status, ledger.left_in_suspense(reviewed.pk)) == (Status.REVIEW, 500)
    ledger.release(reviewed, **details(people, amount_kobo=500))
    reviewed.refresh_from_db()
    assert (reviewed.status, stash(ada)) == (Status.CLOSED, 1_500)


def test_a_review_is_closed_when_the_rest_has_gone_back_to_the_payer(
    ada: User, people: dict[str, Any]
) -> None:
    reviewed = suspend(ada)
    refund = ledger.open_refund(
        reviewed, source="suspense", **details(people, Kind.REFUND, amount_kobo=1_000)
    )
    ledger.release(reviewed, **details(people))
    reviewed.refresh_from_db()
    # The refund is under way: its money would come back to suspense if the provider failed.
    assert (reviewed.status, ledger.left_in_suspense(reviewed.pk)) == (Status.REVIEW, 0)
    ledger.settle_refund(refund)
    reviewed.refresh_from_db()
    assert (reviewed.status, stash(ada)) == (Status.CLOSED, 500)


def test_money_that_a_refund_has_set_aside_cannot_be_credited(ada: User, people: dict[str, Any]) -> None:
    reviewed = suspend(ada)
    refund = ledger.open_refund(
        reviewed, source="suspense", **details(people, Kind.REFUND, amount_kobo=1_500)
    )
    with pytest.raises(Refused, match="in suspense"):
        ledger.release(reviewed, **details(people))
    ledger.fail_refund(refund)
    assert ledger.release(reviewed, **details(people)).amount_kobo == 1_500


def test_a_chargeback_of_money_in_suspense_closes_the_review(ada: User) -> None:
    reviewed = suspend(ada)
    ledger.book_chargeback(reviewed, reference=references.new(Kind.CHARGEBACK), amount_kobo=1_500)
    reviewed.refresh_from_db()
    assert reviewed.status == Status.CLOSED


def test_no_more_is_credited_than_arrived_and_is_left(ada: User, people: dict[str, Any]) -> None:
    suspend(make_user(), arrived_kobo=9_000)
    reviewed = suspend(ada)
    with pytest.raises(Refused, match=r"Only ₦15 of this payment is left\.") as refused:
        ledger.release(reviewed, **details(people, amount_kobo=3_000))
    assert refused.value.field == "amount_kobo"
    ledger.release(reviewed, **details(people, amount_kobo=1_000))
    with pytest.raises(Refused, match=r"Only ₦5 "):
        ledger.allocate(reviewed, make_user(), **details(people, amount_kobo=501))
    ledger.release(reviewed, **details(people))
    with pytest.raises(Refused, match="in suspense"):
        ledger.release(reviewed, **details(people, amount_kobo=1))
    assert stash(ada) == 1_500


@pytest.mark.parametrize("amount_kobo", [0, -5])
def test_an_amount_out_of_range_is_refused(amount_kobo: int, ada: User, people: dict[str, Any]) -> None:
    with pytest.raises(BadAmount):
        ledger.release(suspend(ada), **details(people, amount_kobo=amount_kobo))


@pytest.mark.parametrize("status", [Status.PENDING, Status.FAILED, Status.REVIEW])
def test_a_payment_of_which_nothing_arrived_is_refused(
    status: str, ada: User, people: dict[str, Any]
) -> None:
    waiting = make_transaction(Kind.STASH_DEPOSIT, 3_000, user=ada, status=status)
    with pytest.raises(Refused, match="in suspense"):
        ledger.release(waiting, **details(people))


def test_a_plan_that_takes_no_money_is_refused(ada: User, people: dict[str, Any], settings: Settings) -> None:
    reviewed = suspend(ada)
    closed = make_plan(ada)
    Plan.objects.filter(pk=closed.pk).update(closed_at=timezone.now())
    matured = make_plan(ada, make_product(Product.Kind.LOCKED), days=30)
    with (
        time_machine.travel(timezone.now() + datetime.timedelta(days=31)),
        pytest.raises(Refused, match="takes no more money"),
    ):
        ledger.release(reviewed, **details(people, plan=matured))
    with pytest.raises(Refused, match="takes no more money"):
        ledger.release(reviewed, **details(people, plan=closed))
    with pytest.raises(Refused, match="another user"):
        ledger.release(reviewed, **details(people, plan=make_plan()))
    settings.PLAN_MAX_KOBO = 1_499
    with pytest.raises(Refused, match="at most"):
        ledger.release(reviewed, **details(people, plan=make_plan(ada)))
    assert not Transaction.objects.filter(part_of=reviewed).exists()


def test_two_people_and_a_reason_are_needed(ada: User, people: dict[str, Any]) -> None:
    reviewed = suspend(ada)
    with pytest.raises(Refused, match="Someone else"):
        ledger.release(reviewed, **details(people, approved_by=people["asked_by"]))
    with pytest.raises(Refused, match="Only staff"):
        ledger.release(reviewed, **details(people, approved_by=ada))
    with pytest.raises(Refused, match="Give a reason"):
        ledger.release(reviewed, **details(people, reason=" "))
    assert stash(ada) == 0


def test_a_repeat_is_the_first_credit_and_other_details_are_refused(
    ada: User, people: dict[str, Any]
) -> None:
    reviewed = suspend(ada)
    usual = details(people, amount_kobo=1_000)
    first = ledger.release(reviewed, **usual)
    assert ledger.release(reviewed, **usual) == first
    assert ledger.release(reviewed, **usual | {"amount_kobo": None}) == first
    for other in ({"amount_kobo": 999}, {"reason": "Another"}, {"plan": make_plan(ada)}):
        with pytest.raises(ReferenceTaken):
            ledger.release(reviewed, **usual | other)
    with pytest.raises(ReferenceTaken):
        ledger.allocate(reviewed, make_user(), **usual)
    with pytest.raises(ReferenceTaken):
        ledger.release(suspend(ada, 1_000), **usual)
    assert stash(ada) == 1_000


def test_the_credit_cannot_be_taken_as_money_from_outside(ada: User) -> None:
    """Only suspense pays for a part of a payment in review: the money came in once."""
    reviewed = suspend(ada)
    given, _ = ledger.open_transaction(
        reference=references.new(Kind.STASH_DEPOSIT),
        kind=Kind.STASH_DEPOSIT,
        user=ada,
        amount_kobo=5,
        part_of=reviewed,
    )
    ledger.settle(
        given,
        debit=ledger.house_account(Account.Kind.CLEARING, "paystack"),
        credit=ledger.stash_account(ada),
    )
    assert {damage.check for damage in ledger.run_checks()} == {"routes"}
    Transaction.objects.filter(pk=given.pk).update(part_of=None)


def test_a_credit_that_nobody_asked_for_is_damage(ada: User, people: dict[str, Any]) -> None:
    given = ledger.release(suspend(ada), **details(people))
    posting = ManualPosting.objects.get(transaction=given)
    posting.delete()
    assert [(damage.check, damage.row) for damage in ledger.run_checks()] == [
        ("people", f"stash_deposit {given.reference}")
    ]
    posting.save()


def test_the_money_of_a_payment_can_be_moved_on(ada: User, people: dict[str, Any]) -> None:
    ledger.release(suspend(ada), **details(people))
    plan = make_plan(ada)
    settled(
        Kind.STASH_TO_PLAN, 1_500, debit=ledger.stash_account(ada), credit=plan.account, user=ada, plan=plan
    )
    assert ledger.balance_kobo(plan.account) == 1_500


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_not_credit_the_same_money(people: dict[str, Any]) -> None:
    reviewed, users = suspend(None), [make_user() for _ in range(8)]

    def allocate(number: int) -> object:
        ledger.allocate(reviewed, users[number], **details(people, amount_kobo=1_000))
        return "credited"

    assert threads.at_once(allocate, 8) == {"credited": 1, Refused: 7}
    assert sum(map(stash, users)) == 1_000
