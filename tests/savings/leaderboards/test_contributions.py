"""Contributions to a circle: payments less withdrawals and reversals, without interest, in the posting's commit."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from savings import leaderboards, ledger, outbox, plans, references, tasks
from savings.exceptions import Refused
from savings.leaderboards import standings, store
from savings.models import Account, Circle, CircleEvent, Membership, OutboxRow, Plan, Product, Transaction
from tests import factories
from tests.exits import exit_early
from tests.refunds import charge_back, refund

pytestmark = pytest.mark.django_db


@pytest.fixture
def circle() -> Circle:
    """A circle whose product charges 1% for an early exit."""
    return factories.make_circle(product=factories.make_product(Product.Kind.TARGET))


@pytest.fixture
def member(circle: Circle) -> Membership:
    """A member with ₦1,000 saved."""
    return factories.make_member(circle, saved_kobo=1_000_00)


def saved(member: Membership) -> int:
    member.refresh_from_db()
    return member.saved_kobo


def post(plan: Plan, kind: Transaction.Kind, kobo: int) -> Transaction:
    if kind == Transaction.Kind.INTEREST:
        ends = ledger.house_account(Account.Kind.INTEREST_EXPENSE), plan.account
    else:
        ends = plan.account, ledger.house_account(Account.Kind.TAX_PAYABLE)
    return factories.settled(kind, kobo, debit=ends[0], credit=ends[1], user=plan.user, plan=plan)


def wrong_sums() -> list[str]:
    return [str(damage) for damage in ledger.run_checks() if damage.check == "circle_sums"]


def test_interest_its_tax_and_their_reversals_do_not_count(member: Membership) -> None:
    interest = post(member.plan, Transaction.Kind.INTEREST, 500_00)
    post(member.plan, Transaction.Kind.TAX_WITHHELD, 50_00)
    ledger.reverse(interest, reference=references.new("reversal"))
    assert saved(member) == 1_000_00
    assert not wrong_sums()


def test_taking_money_out_lowers_the_amount_by_it_and_the_penalty(member: Membership) -> None:
    exit_early(member.plan, 400_00)
    assert saved(member) == 600_00
    assert ledger.balance_kobo(ledger.stash_account(member.user)) == 396_00
    assert not wrong_sums()


def test_money_in_the_stash_does_not_count_until_it_is_moved_into_the_plan(member: Membership) -> None:
    factories.pay_in(member.user, 300_00)
    assert saved(member) == 1_000_00
    plans.move_to_plan(
        member.user, member.plan, amount_kobo=300_00, reference=references.new("stash_to_plan")
    )
    assert saved(member) == 1_300_00


def test_a_reversal_subtracts_exactly_what_counted(member: Membership) -> None:
    paid = factories.put_in(member.user, 300_00, plan=member.plan)
    reference = references.new("reversal")
    ledger.reverse(paid, reference=reference)
    ledger.reverse(paid, reference=reference)
    assert saved(member) == 1_000_00


def test_a_refund_and_a_chargeback_take_a_contribution_back(member: Membership) -> None:
    paid = factories.pay_in(member.user, 300_00, plan=member.plan)
    ledger.settle_refund(refund(paid, 100_00))
    assert saved(member) == 1_200_00
    charge_back(paid, 150_00)
    assert saved(member) == 1_050_00
    assert not wrong_sums()


def test_a_refund_that_failed_counts_again_and_is_no_new_contribution(member: Membership) -> None:
    paid = factories.pay_in(member.user, 300_00, plan=member.plan)
    back = refund(paid, 300_00)
    assert saved(member) == 1_000_00
    ledger.fail_refund(back)
    assert saved(member) == 1_300_00
    assert set(CircleEvent.objects.values_list("transaction__kind", flat=True)) == {"top_up"}
    assert not wrong_sums()


def test_a_refund_from_the_stash_leaves_the_contribution_as_it_is(member: Membership) -> None:
    paid = factories.pay_in(member.user, 300_00, plan=member.plan)
    factories.pay_in(member.user, 300_00)
    refund(paid, 300_00, source="stash")
    assert saved(member) == 1_300_00


def test_interest_that_is_taken_back_does_not_count(circle: Circle) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        member = factories.make_member(circle)
        paid = factories.pay_in(member.user, 1_000_00, plan=member.plan)
        clock.shift(datetime.timedelta(days=40))
        ledger.post_interest(member.plan, until=timezone.localdate(), to_stash=False)
        charge_back(paid, 1_000_00)
        assert Transaction.objects.filter(kind=Transaction.Kind.INTEREST_CORRECTION).exists()
        assert saved(member) == 0
        assert not list(ledger.run_checks())


@pytest.mark.parametrize("is_over", [False, True])
def test_a_payment_given_back_leaves_the_circles_activity(*, is_over: bool, circle: Circle) -> None:
    member = factories.make_member(circle, saved_kobo=1_000_00)
    paid = Transaction.objects.get(user=member.user)
    with time_machine.travel(timezone.now() + datetime.timedelta(days=400 if is_over else 1)):
        back = refund(paid, 1_000_00)
        assert leaderboards.events_of(circle).count() == 1
        member.refresh_from_db()
        ledger.settle_refund(back)
    assert not leaderboards.events_of(circle).exists()
    # Cached pages of the members have this version.
    before = member.version
    member.refresh_from_db()
    assert member.version == before + 1


def test_a_member_who_takes_out_interest_too_is_below_zero_and_has_no_rank(member: Membership) -> None:
    post(member.plan, Transaction.Kind.INTEREST, 50_00)
    exit_early(member.plan, 1_050_00)
    assert saved(member) == -50_00
    assert leaderboards.read_board(circle_id=member.circle_id, membership_id=member.pk).size == 0


def test_the_sum_changes_in_the_transaction_of_the_posting(member: Membership) -> None:
    with transaction.atomic():
        factories.pay_in(member.user, 5, plan=member.plan)
        transaction.set_rollback(True)
    assert saved(member) == 1_000_00


def test_an_amount_that_a_score_cannot_hold_exactly_is_refused_and_not_posted(member: Membership) -> None:
    Membership.objects.filter(pk=member.pk).update(saved_kobo=2**53 - 10)
    with pytest.raises(Refused, match="too large for the circle’s leaderboard"):
        factories.pay_in(member.user, 10, plan=member.plan)
    assert saved(member) == 2**53 - 10
    assert ledger.balance_kobo(member.plan.account) == 1_000_00
    factories.pay_in(member.user, 9, plan=member.plan)
    leaderboards.rebuild_board(member.circle_id)
    assert (
        leaderboards.read_board(circle_id=member.circle_id, membership_id=member.pk).lines[0].saved_kobo
        == 2**53 - 1
    )


def test_a_plan_in_no_circle_costs_one_query_more_than_none(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    paid = factories.pay_in(plan_user := factories.make_user(), 100, plan=factories.make_plan(plan_user))
    with django_assert_num_queries(1):
        leaderboards.record_contribution(paid, paid.plan_id or 0, 100, paid.created_on)


def test_the_board_is_current_after_the_commit_and_only_a_rank_check_remains(
    member: Membership, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    leaderboards.rebuild_board(member.circle_id)
    with django_capture_on_commit_callbacks(execute=True):
        paid = factories.pay_in(member.user, 1_00, plan=member.plan)
    board = leaderboards.read_board(circle_id=member.circle_id, membership_id=member.pk)
    assert (board.lines[0].saved_kobo, board.after_reference) == (1_001_00, paid.reference)
    left = OutboxRow.objects.get(payload__reference=paid.reference)
    assert (left.kind, left.done_at) == (leaderboards.RANK_CHECK_KIND, None)


def test_no_row_remains_if_the_first_ten_ranks_are_unchanged(
    circle: Circle, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    for kobo in range(100, 110):
        factories.make_member(circle, saved_kobo=kobo)
    eleventh = factories.make_member(circle, saved_kobo=50)
    leaderboards.rebuild_board(circle.pk)
    with django_capture_on_commit_callbacks(execute=True):
        below = factories.pay_in(eleventh.user, 49, plan=eleventh.plan)
        level_with_the_tenth = factories.pay_in(eleventh.user, 1, plan=eleventh.plan)
    assert OutboxRow.objects.get(payload__reference=below.reference).done_at
    left = OutboxRow.objects.get(payload__reference=level_with_the_tenth.reference)
    assert (left.kind, left.done_at) == (leaderboards.RANK_CHECK_KIND, None)


def test_a_change_of_the_first_ranks_costs_no_extra_query(
    circle: Circle, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    *_, first, last = [factories.make_member(circle, saved_kobo=kobo) for kobo in (*range(90, 101), 1)]
    leaderboards.rebuild_board(circle.pk)
    costs = []
    for member in (first, last):
        with CaptureQueriesContext(connection) as captured, django_capture_on_commit_callbacks(execute=True):
            factories.pay_in(member.user, 1, plan=member.plan)
        costs.append(len(captured))
    assert costs[0] == costs[1]
    assert OutboxRow.objects.filter(kind=leaderboards.RANK_CHECK_KIND).count() == 1


def test_the_outbox_delivers_missed_writes_and_an_older_version_changes_nothing(member: Membership) -> None:
    leaderboards.rebuild_board(member.circle_id)
    older = next(standings.Standing.read(Membership.objects.filter(pk=member.pk)))
    factories.pay_in(member.user, 1_00, plan=member.plan)
    for row in OutboxRow.objects.filter(kind=leaderboards.BOARD_WRITE_KIND):
        assert outbox.deliver(row.pk, tasks.HANDLERS)
    assert store.write(older) == 0
    assert leaderboards.read_board(circle_id=member.circle_id, membership_id=member.pk).total_kobo == 1_001_00


def test_without_a_board_nothing_is_written(member: Membership) -> None:
    assert store.write(next(standings.Standing.read(Membership.objects.filter(pk=member.pk)))) == -1


def test_leaving_the_board_or_the_circle_is_visible_at_once(
    member: Membership, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    leaderboards.rebuild_board(member.circle_id)
    with django_capture_on_commit_callbacks(execute=True):
        leaderboards.record_membership_change(member, "hidden", on_board=False)
    board = leaderboards.read_board(circle_id=member.circle_id, membership_id=member.pk)
    assert (board.size, board.members, board.total_kobo, member.on_board) == (0, 1, 1_000_00, False)
    with django_capture_on_commit_callbacks(execute=True):
        leaderboards.record_membership_change(member, "left", left_at=member.joined_at)
    board = leaderboards.read_board(circle_id=member.circle_id, membership_id=member.pk)
    assert (board.size, board.members, board.total_kobo) == (0, 0, 0)


def test_the_ledger_check_reports_an_amount_that_differs_from_its_entries(member: Membership) -> None:
    Membership.objects.filter(pk=member.pk).update(saved_kobo=1)
    assert wrong_sums() == [f"circle_sums: member {member.pk} has 1, expected 100000"]
