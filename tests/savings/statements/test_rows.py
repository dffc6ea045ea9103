"""The rows of a statement: ledger entries in order, with descriptions, and without hidden amounts of others."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from pytest_django.fixtures import Settings

from savings import circles, ledger, payments, plans, references
from savings.exceptions import Refused
from savings.models import Account, Entry, Plan, Transaction, User
from savings.statements import rows as statement_rows
from savings.statements import spans
from savings.statements.formats import Row
from savings.statements.messages import OWN_TRANSFER
from savings.statements.spans import Span
from savings.statements.subjects import Subject, subject_of
from savings.statements.totals import Sums
from savings.statements.wording import Wording
from tests.exits import exit_early
from tests.factories import (
    fill,
    join_circle,
    make_plan,
    make_product,
    make_transaction,
    make_user,
    pay_in,
    put_in,
    settled,
    start_circle,
)
from tests.payouts import ask, make_saver
from tests.refunds import charge_back, people, post_interest, refund

pytestmark = pytest.mark.django_db

Kind = Transaction.Kind
EARLY, LATE = datetime.date(2020, 1, 1), datetime.date(2099, 1, 1)


def rows_of(
    subject: Subject, since: datetime.date = EARLY, until: datetime.date = LATE, cutoff: int | None = None
) -> tuple[list[Row], Sums, Span]:
    """Return all rows of a subject, their totals, and their span."""
    cutoff = spans.newest_entry() if cutoff is None else cutoff
    span = spans.span_of(subject, since=since, until=until, cutoff=cutoff)
    sums = Sums(span.opening_kobo)
    found = [row for page in statement_rows.pages(subject, span, sums) for row in page.rows]
    return found, sums, span


def about(user: User, scope: str, **what: Any) -> Subject:
    return subject_of(user, scope, **what)


def told(rows: list[Row]) -> list[tuple[object, ...]]:
    return [(row.name, row.description, row.in_kobo, row.out_kobo, row.balance_kobo) for row in rows]


def interest(plan: Plan, gross_kobo: int, tax_kobo: int) -> None:
    expense, tax = (
        ledger.house_account(kind) for kind in (Account.Kind.INTEREST_EXPENSE, Account.Kind.TAX_PAYABLE)
    )
    settled(Kind.INTEREST, gross_kobo, debit=expense, credit=plan.account, user=plan.user, plan=plan)
    settled(Kind.TAX_WITHHELD, tax_kobo, debit=plan.account, credit=tax, user=plan.user, plan=plan)


@pytest.fixture
def life(saver: User) -> Plan:
    """A target plan with every kind of posting in and out."""
    plan = make_plan(saver, make_product("target"), name="School fees", holding_kobo=50_000_00)
    pay_in(saver, 9_000_00)
    plans.move_to_plan(saver, plan, amount_kobo=4_000_00, reference=references.new(Kind.STASH_TO_PLAN))
    interest(plan, 300_00, 30_00)
    exit_early(plan, 10_000_00)
    wrong = put_in(saver, 700_00, plan=plan)
    ledger.reverse(wrong, reference="REV00000000000000001")
    return plan


def test_a_plan_has_descriptions_and_the_balances_of_the_ledger(life: Plan) -> None:
    rows, sums, span = rows_of(about(life.user, "plan", plan=life))
    wrong = Transaction.objects.get(status=Transaction.Status.REVERSED).reference
    assert told(rows) == [
        ("", "Paid in by card", 50_000_00, None, 50_000_00),
        ("", "From your stash", 4_000_00, None, 54_000_00),
        ("", "Interest earned", 300_00, None, 54_300_00),
        ("", "Tax withheld", None, 30_00, 54_270_00),
        ("", "Early exit penalty", None, 100_00, 54_170_00),
        ("", "To your stash", None, 9_900_00, 44_270_00),
        ("", "Correction", 700_00, None, 44_970_00),
        ("", f"Reversed: {wrong}", None, 700_00, 44_270_00),
    ]
    assert sums.balance_kobo == span.closing_kobo == ledger.balance_kobo(life.account)


def test_totals_by_kind_and_interest_before_and_after_tax(life: Plan) -> None:
    foot = rows_of(about(life.user, "plan", plan=life))[1].foot()
    assert {(total.kind, total.rows, total.in_kobo, total.out_kobo) for total in foot.totals} == {
        ("Card top-up", 1, 50_000_00, 0),
        ("Adjustment", 1, 700_00, 0),
        ("Stash to plan", 1, 4_000_00, 0),
        ("Interest", 1, 300_00, 0),
        ("Tax withheld", 1, 0, 30_00),
        ("Plan to stash", 1, 0, 9_900_00),
        ("Early exit penalty", 1, 0, 100_00),
        ("Reversal", 1, 0, 700_00),
    }
    assert (foot.rows, foot.in_kobo - foot.out_kobo) == (8, foot.closing_kobo)
    assert (foot.interest_gross_kobo, foot.interest_tax_kobo) == (300_00, 30_00)


def test_a_withdrawal_its_fee_and_their_return_are_named() -> None:
    saver = make_saver()
    payout = ask(saver)
    movement = payout.transaction
    ledger.settle_withdrawal(movement, payments.fees_of(payout), provider="paystack")
    back = ledger.return_withdrawal(movement, reference="REV00000000000000001")
    fee = Transaction.objects.get(part_of=movement, kind=Kind.FEE).reference
    rows, sums, span = rows_of(about(saver, "stash"))
    assert told(rows)[1:] == [
        ("", "Set aside for a withdrawal", None, 50_000_00, 50_000_00),
        ("", "Set aside for a fee", None, 76_87, 49_923_13),
        ("", f"Came back: {movement.reference}", 50_000_00, None, 99_923_13),
        ("", f"Given back: {fee}", 76_87, None, 100_000_00),
    ]
    assert sums.balance_kobo == span.closing_kobo == 100_000_00
    rows, sums, span = rows_of(about(saver, "everything"))
    said = [row[1] for row in told(rows)]
    assert {"Sent to your bank", "Fee", "VAT on the fee", "Stamp duty"} <= set(said)
    assert sums.balance_kobo == span.closing_kobo == 100_000_00
    foot = sums.foot()
    assert foot.in_kobo - foot.out_kobo == foot.closing_kobo
    assert back.amount_kobo == 50_000_00


def test_a_withdrawal_that_failed_is_named() -> None:
    saver = make_saver()
    payments.cancel_payout(ask(saver))
    rows, sums, _ = rows_of(about(saver, "stash"))
    assert [row[1] for row in told(rows)][3:] == ["Released to your stash", "Released to your stash"]
    assert sums.balance_kobo == 100_000_00


def test_the_stash_names_the_plan_at_the_other_end(life: Plan) -> None:
    rows = rows_of(about(life.user, "stash"))[0]
    assert told(rows) == [
        ("", "Paid in by card", 9_000_00, None, 9_000_00),
        ("", "To School fees", None, 4_000_00, 5_000_00),
        ("", "From School fees", 9_900_00, None, 14_900_00),
    ]


def test_everything_shows_a_move_between_own_accounts_as_two_rows(life: Plan) -> None:
    rows, sums, span = rows_of(about(life.user, "everything"))
    assert told(rows)[:4] == [
        ("School fees", "Paid in by card", 50_000_00, None, 50_000_00),
        ("Stash", "Paid in by card", 9_000_00, None, 59_000_00),
        ("Stash", "To School fees", None, 4_000_00, 55_000_00),
        ("School fees", "From your stash", 4_000_00, None, 59_000_00),
    ]
    held = sum(ledger.balance_kobo(account) for account in life.user.accounts.all())
    assert sums.balance_kobo == span.closing_kobo == held


def test_everything_counts_only_money_from_and_to_elsewhere(life: Plan) -> None:
    rows, _, span = rows_of(about(life.user, "everything"))
    foot = Sums.from_json(rows_of(about(life.user, "everything"))[1].to_json()).foot()
    assert (foot.in_kobo, foot.out_kobo) == (60_000_00, 830_00)
    assert span.opening_kobo + foot.in_kobo - foot.out_kobo == foot.closing_kobo
    own = [row for row in rows if row.kind == OWN_TRANSFER]
    assert [(row.in_kobo, row.out_kobo) for row in own] == [
        (None, 4_000_00),
        (4_000_00, None),
        (None, 9_900_00),
        (9_900_00, None),
    ]
    assert [
        (total.rows, total.in_kobo, total.out_kobo) for total in foot.totals if total.kind == OWN_TRANSFER
    ] == [(4, 0, 0)]


def test_a_reversed_transfer_counts_as_between_own_accounts(saver: User) -> None:
    plan = make_plan(saver)
    pay_in(saver, 900_00)
    move = plans.move_to_plan(saver, plan, amount_kobo=400_00, reference=references.new(Kind.STASH_TO_PLAN))
    ledger.reverse(move, reference=references.new(Kind.REVERSAL))
    foot = rows_of(about(saver, "everything"))[1].foot()
    assert (foot.rows, foot.in_kobo, foot.out_kobo, foot.closing_kobo) == (5, 900_00, 0, 900_00)
    # In a statement of the stash alone they are money out and in.
    assert rows_of(about(saver, "stash"))[1].foot().out_kobo == 400_00


def test_money_released_from_suspense_is_one_row_of_what_arrived(saver: User) -> None:
    reviewed = make_transaction(Kind.STASH_DEPOSIT, 3_000, user=saver, status=Transaction.Status.REVIEW)
    clearing, suspense = ledger.house_account("clearing", "paystack"), ledger.house_account("suspense")
    ledger.post(reviewed, Entry.Code.SUSPENSE, debit=clearing, credit=suspense, amount_kobo=1_500)
    ledger.release(
        reviewed,
        reference=references.new(Kind.STASH_DEPOSIT),
        asked_by=make_user(is_staff=True),
        approved_by=make_user(is_staff=True),
        reason="Ticket 7",
    )
    rows, sums, _ = rows_of(about(saver, "everything"))
    assert [(row.in_kobo, row.out_kobo) for row in rows] == [(1_500, None)]
    assert (sums.foot().in_kobo, sums.foot().closing_kobo) == (1_500, 1_500)


def test_a_withdrawal_has_a_row_for_each_step(saver: User) -> None:
    pay_in(saver, 500)
    own, hold = ledger.stash_account(saver), ledger.hold_account(saver)
    movement, _ = ledger.open_transaction(
        reference="STW00000000000000001", kind=Kind.STASH_WITHDRAWAL, user=saver, amount_kobo=200
    )
    ledger.post(movement, Entry.Code.HOLD, debit=own, credit=hold, amount_kobo=200)
    ledger.settle(
        movement, debit=hold, credit=ledger.house_account(Account.Kind.PROVIDER_BALANCE, "paystack")
    )
    rows = rows_of(about(saver, "everything"))[0]
    assert told(rows)[1:] == [
        ("Stash", "Set aside for a withdrawal", None, 200, 300),
        ("On its way out", "Set aside for a withdrawal", 200, None, 500),
        ("On its way out", "Sent to your bank", None, 200, 300),
    ]


def test_money_that_goes_back_has_a_row_for_each_step(saver: User) -> None:
    plan = make_plan(saver, name="Rent")
    paid, other = pay_in(saver, 5_000, plan=plan), pay_in(saver, 900)
    ledger.settle_refund(refund(paid, 2_000))
    ledger.fail_refund(refund(paid, 1_000))
    charge_back(paid, 3_000)
    refund(other, 100)
    plans.move_to_plan(saver, plan, amount_kobo=800, reference=references.new(Kind.STASH_TO_PLAN))
    charge_back(other, 800)
    pay_in(saver, 500)
    ledger.repay_debt(saver, reference=references.new(Kind.REPAYMENT), **people())
    ledger.write_off(saver, reference=references.new(Kind.WRITE_OFF), amount_kobo=300, **people())
    rows, sums, span = rows_of(about(saver, "everything"))
    assert told(rows) == [
        ("Rent", "Paid in by card", 5_000, None, 5_000),
        ("Stash", "Paid in by card", 900, None, 5_900),
        ("Rent", "Refunded to you", None, 2_000, 3_900),
        ("Rent", "Refunded to you", None, 1_000, 2_900),
        ("Rent", "Refund not made", 1_000, None, 3_900),
        ("Rent", "Repayment of money that went back", None, 3_000, 900),
        ("Stash", "Refunded to you", None, 100, 800),
        ("Stash", "To Rent", None, 800, 0),
        ("Rent", "From your stash", 800, None, 800),
        ("Stash", "Paid in by card", 500, None, 1_300),
        ("Stash", "Repayment of money that went back", None, 500, 800),
    ]
    foot = sums.foot()
    assert (foot.in_kobo, foot.out_kobo) == (7_400, 6_600)
    assert span.closing_kobo == foot.closing_kobo == ledger.balance_kobo(plan.account)


def test_posted_interest_that_is_taken_back_is_a_row_of_its_own(saver: User) -> None:
    with time_machine.travel(timezone.now() - datetime.timedelta(days=40), tick=False) as clock:
        plan = make_plan(saver, make_product(rate_bps=1000))
        paid = pay_in(saver, 5_000_000, plan=plan)
        clock.shift(datetime.timedelta(days=40))
        post_interest(plan)
        charge_back(paid, 5_000_000)
    rows, sums, _ = rows_of(about(saver, "plan", plan=plan))
    assert told(rows)[1:] == [
        ("", "Interest earned", 54_794, None, 5_054_794),
        ("", "Tax withheld", None, 5_479, 5_049_315),
        ("", "Repayment of money that went back", None, 5_000_000, 49_315),
        ("", "Interest corrected", None, 49_315, 0),
    ]
    foot = sums.foot()
    assert (foot.in_kobo, foot.out_kobo, foot.closing_kobo) == (5_054_794, 5_054_794, 0)


def test_every_kind_has_a_description_in_both_directions(saver: User) -> None:
    plan = make_plan(saver, name="{odd} names {plan}")
    words = Wording(saver, [plan.account], names_rows=True)
    usual: dict[str, Any] = {
        "code": "primary",
        "account_id": plan.account.pk,
        "plan_id": plan.pk,
        "original": None,
    }
    for kind in Kind:
        for is_credit in (0, 1):
            label, name, text = words.describe(**usual | {"kind": kind, "is_credit": is_credit})
            assert label
            assert text
            assert name == plan.name
    text = words.describe(**usual | {"kind": Kind.STASH_TO_PLAN, "is_credit": 0})[2]
    assert text == "To {odd} names {plan}"


def test_the_first_and_last_day_are_local_and_included(saver: User) -> None:
    # Lagos is an hour ahead: 23:30 UTC on 31 October is 1 November there.
    for moment in (
        "2026-10-31T22:59:59Z",
        "2026-10-31T23:00:00Z",
        "2026-11-30T22:59:59Z",
        "2026-11-30T23:00:00Z",
    ):
        with time_machine.travel(moment, tick=False):
            pay_in(saver, 100)
    rows, sums, span = rows_of(about(saver, "stash"), datetime.date(2026, 11, 1), datetime.date(2026, 11, 30))
    assert [row.balance_kobo for row in rows] == [200, 300]
    assert (span.opening_kobo, sums.balance_kobo, span.closing_kobo) == (100, 300, 300)


def test_later_rows_are_not_included(saver: User, settings: Settings) -> None:
    settings.STATEMENT_PAGE_ROWS = 2
    for _ in range(5):
        pay_in(saver, 100)
    subject = about(saver, "stash")
    span = spans.span_of(subject, since=EARLY, until=LATE, cutoff=spans.newest_entry())
    rows = []
    for page in statement_rows.pages(subject, span, Sums(0)):
        pay_in(saver, 7)
        rows += page.rows
    assert [row.in_kobo for row in rows] == [100] * 5
    assert span.closing_kobo == 500


def test_a_page_never_ends_within_a_move(saver: User, settings: Settings) -> None:
    plan = make_plan(saver)
    pay_in(saver, 100)
    for _ in range(4):
        plans.move_to_plan(saver, plan, amount_kobo=1, reference=references.new(Kind.STASH_TO_PLAN))
    whole = told(rows_of(about(saver, "everything"))[0])
    for size in (2, 3, 4, 5):
        settings.STATEMENT_PAGE_ROWS = size
        assert told(rows_of(about(saver, "everything"))[0]) == whole
    assert len(whole) == 9


@pytest.mark.parametrize("scope", ["plan", "everything"])
def test_a_page_is_one_query_at_any_size(saver: User, settings: Settings, scope: str) -> None:
    settings.STATEMENT_PAGE_ROWS = 10
    plan = make_plan(saver)
    what = {"plan": plan} if scope == "plan" else {}

    def queries(rows: int) -> int:
        fill(saver, rows, plan=plan)
        with CaptureQueriesContext(connection) as captured:
            assert len(rows_of(about(saver, scope, **what))[0]) == Entry.objects.count()
        return len(captured)

    one, three = queries(10), queries(20)
    assert three - one == 2


def test_rows_are_counted_before_a_form_without_reading_them_all(
    saver: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(saver, 30)
    subject = about(saver, "stash")
    assert spans.estimate_rows(subject, since=EARLY, until=LATE, most=100) == 30
    assert spans.estimate_rows(subject, since=EARLY, until=LATE, most=20) == 21
    assert spans.estimate_rows(subject, since=EARLY, until=datetime.date(2020, 2, 1), most=20) == 0
    monkeypatch.setattr(spans, "LOOKS_BACK_ROWS", 5)
    assert spans.estimate_rows(subject, since=EARLY, until=LATE, most=100) == 5


class Friends:
    """A circle of three: the saver, a member who shows their amount, and one who hides it."""

    def __init__(self, saver: User) -> None:
        self.circle = start_circle(nickname="Chioma")
        self.mine = join_circle(self.circle, saver, saved_kobo=1_000, nickname="Ada")
        self.shown = join_circle(self.circle, saved_kobo=2_000, nickname="Bola")
        self.hidden = join_circle(
            self.circle, saved_kobo=4_321, nickname="Musa", shown={"hides_amount": True}
        )


@pytest.fixture
def friends(saver: User) -> Friends:
    return Friends(saver)


def test_a_circle_shows_own_rows_and_the_visible_payments_of_others(saver: User, friends: Friends) -> None:
    rows, sums, span = rows_of(about(saver, "circle", circle=friends.circle))
    plan = friends.mine.plan.name
    assert told(rows) == [
        (plan, "Paid in by card", 1_000, None, 1_000),
        ("Bola", "Saved in the circle", 2_000, None, None),
        ("Musa", "Saved in the circle", None, None, None),
    ]
    assert [bool(row.reference) for row in rows] == [True, False, False]
    assert (span.opening_kobo, sums.balance_kobo, span.closing_kobo) == (0, 1_000, 1_000)


def test_a_hidden_amount_cannot_be_calculated(saver: User, friends: Friends) -> None:
    def all_figures(saved_kobo: int) -> object:
        member = join_circle(friends.circle, nickname=f"Tunde {saved_kobo}", shown={"hides_amount": True})
        pay_in(member.user, saved_kobo, plan=member.plan)
        subject = about(saver, "circle", circle=friends.circle)
        rows, sums, span = rows_of(subject)
        own = [row[5:] for row in rows if not row.name.startswith("Tunde")]
        circles.leave(_emptied(member))
        return own, sums.foot(), span.opening_kobo, span.closing_kobo

    first, second = all_figures(11), all_figures(999_999)
    assert isinstance(first, tuple)
    assert isinstance(second, tuple)
    assert first[0] == second[0]
    assert (first[1].totals, first[1].in_kobo, first[1].closing_kobo, first[2:]) == (
        second[1].totals,
        second[1].in_kobo,
        second[1].closing_kobo,
        second[2:],
    )


def _emptied(member: Any) -> Any:
    kobo = ledger.balance_kobo(member.plan.account)
    reference = references.new(Kind.PLAN_TO_STASH)
    plans.move_from_plan(member.user, member.plan, amount_kobo=kobo, reference=reference)
    return member


def test_a_former_member_sees_only_their_own_rows(saver: User, friends: Friends) -> None:
    circles.leave(_emptied(friends.mine))
    rows, sums, _ = rows_of(about(saver, "circle", circle=friends.circle))
    assert [row.description for row in rows] == ["Paid in by card", "To your stash"]
    assert sums.foot().closing_kobo == 0


def test_reversed_payments_of_others_are_not_shown(saver: User, friends: Friends) -> None:
    ledger.reverse(put_in(friends.shown.user, 77, plan=friends.shown.plan), reference="REV00000000000000001")
    rows = rows_of(about(saver, "circle", circle=friends.circle))[0]
    assert 77 not in {row.in_kobo for row in rows}


def test_a_circle_is_read_in_pages_by_time(saver: User, friends: Friends, settings: Settings) -> None:
    for _ in range(6):
        pay_in(saver, 1, plan=friends.mine.plan)
        pay_in(friends.shown.user, 2, plan=friends.shown.plan)
    whole = told(rows_of(about(saver, "circle", circle=friends.circle))[0])
    settings.STATEMENT_PAGE_ROWS = 4
    assert told(rows_of(about(saver, "circle", circle=friends.circle))[0]) == whole
    assert [row[2] for row in whole[3:]] == [1, 2] * 6


MOVES: list[Callable[[User, Plan, int], object]] = [
    lambda user, plan, kobo: pay_in(user, kobo),
    lambda user, plan, kobo: pay_in(user, kobo, plan=plan),
    lambda user, plan, kobo: ledger.reverse(
        put_in(user, kobo, plan=plan), reference=references.new(Kind.REVERSAL)
    ),
    lambda user, plan, kobo: plans.move_to_plan(
        user, plan, amount_kobo=kobo, reference=references.new(Kind.STASH_TO_PLAN)
    ),
    lambda user, plan, kobo: plans.move_from_plan(
        user, plan, amount_kobo=kobo, reference=references.new(Kind.PLAN_TO_STASH)
    ),
    lambda user, plan, kobo: interest(plan, kobo + 1, 1),
    lambda user, plan, kobo: charge_back(pay_in(user, kobo, plan=plan), kobo),
    lambda user, plan, kobo: ledger.fail_refund(refund(pay_in(user, kobo, plan=plan), kobo, source="stash")),
]


class RandomHistories(TestCase):
    """After any postings on any days, a statement of any period agrees with the ledger."""

    @hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
    @given(
        acts=st.lists(
            st.tuples(
                st.integers(0, 5), st.integers(0, len(MOVES) - 1), st.integers(0, 1), st.integers(1, 10**7)
            ),
            max_size=25,
        ),
        days=st.tuples(st.integers(-1, 30), st.integers(0, 30)),
        size=st.integers(2, 7),
    )
    def test_opening_and_closing_are_the_ledgers(
        self, acts: list[tuple[int, int, int, int]], days: tuple[int, int], size: int
    ) -> None:
        begins = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
        first = begins.date() + datetime.timedelta(days=days[0])
        last = first + datetime.timedelta(days=days[1])
        at, held = begins, {}
        with time_machine.travel(begins, tick=False):
            user = make_user()
            own = [make_plan(user), make_plan(user, make_product("target"))]
        for wait, move, which, kobo in acts:
            at += datetime.timedelta(days=wait, hours=1)
            with time_machine.travel(at, tick=False):
                with contextlib.suppress(Refused):
                    MOVES[move](user, own[which], kobo)
                held[timezone.localdate()] = _balances(user)
        for scope, what, places in _scopes(user, own):
            with override_settings(STATEMENT_PAGE_ROWS=size):
                rows, sums, span = rows_of(about(user, scope, **what), first, last)
            before = _held_at(held, first - datetime.timedelta(days=1), places)
            assert (span.opening_kobo, span.closing_kobo) == (before, _held_at(held, last, places))
            balance = span.opening_kobo
            for row in rows:
                balance += (row.in_kobo or 0) - (row.out_kobo or 0)
                assert row.balance_kobo == balance
                assert first <= timezone.localdate(row.at) <= last
            assert balance == sums.balance_kobo == span.closing_kobo
            assert len(rows) == sums.rows == spans.count_rows(about(user, scope, **what), span)


def _balances(user: User) -> dict[int, int]:
    return {account.pk: account.balance_kobo or 0 for account in user.accounts.all()}


def _scopes(user: User, own: list[Plan]) -> list[tuple[str, dict[str, Plan], set[int]]]:
    stash_account = ledger.stash_account(user).pk
    single = [("plan", {"plan": plan}, {plan.account.pk}) for plan in own]
    everything = {stash_account, *(plan.account.pk for plan in own)}
    return [*single, ("stash", {}, {stash_account}), ("everything", {}, everything)]


def _held_at(held: dict[datetime.date, dict[int, int]], day: datetime.date, places: set[int]) -> int:
    days = [known for known in held if known <= day]
    balances = held[max(days)] if days else {}
    return sum(kobo for account, kobo in balances.items() if account in places)
