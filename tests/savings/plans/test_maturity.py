"""Maturity: interest first, then the move to the stash or the new term, and one mail that says what moved."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.core.mail import EmailMessage
from django.utils import timezone

from savings import circles, ledger, outbox, plans, references, tasks
from savings.models import Account, InterestPosting, OutboxRow, Plan, Product, Transaction
from savings.models.plans import InterestPaid
from tests.factories import make_circle, make_plan, make_product, make_user, pay_in, settled
from tests.refunds import people

pytestmark = pytest.mark.django_db

Kind = Transaction.Kind
HELD_KOBO = 100_000_00
# 100,000 naira at 10 % for 30 days.
GROSS_KOBO, TAX_KOBO = 821_91, 82_19


@pytest.fixture
def clock() -> object:
    with time_machine.travel("2026-04-01T09:00:00Z", tick=False) as clock:
        yield clock


def locked_plan(*, at_maturity: str = Plan.AtMaturity.STASH, monthly: bool = False) -> Plan:
    """Return a plan of 30 days at 10 %, from 1 April to 1 May."""
    paid = InterestPaid.MONTHLY if monthly else InterestPaid.AT_MATURITY
    product = make_product(Product.Kind.LOCKED, rate_bps=1000, interest_paid=paid)
    return make_plan(product=product, holding_kobo=HELD_KOBO, days=30, at_maturity=at_maturity, name="Car")


def mature(clock: time_machine.Traveller, day: str) -> int:
    clock.move_to(f"{day}T01:00:00Z")
    return plans.mature_due_plans(timezone.localdate())


def stash_kobo(plan: Plan) -> int:
    return ledger.balance_kobo(ledger.stash_account(plan.user))


def plan_kobo(plan: Plan) -> int:
    return ledger.balance_kobo(Account.objects.get(plan=plan))


@pytest.mark.parametrize("monthly", [False, True])
@pytest.mark.parametrize("day", ["2026-05-01", "2026-05-20"])
def test_interest_and_money_move_to_the_stash_once(
    clock: time_machine.Traveller, day: str, *, monthly: bool
) -> None:
    plan = locked_plan(monthly=monthly)
    assert mature(clock, day) == 1
    assert mature(clock, day) == 0
    assert (plan_kobo(plan), stash_kobo(plan)) == (0, HELD_KOBO + GROSS_KOBO - TAX_KOBO)
    assert Transaction.objects.filter(kind=Kind.PLAN_TO_STASH).count() == 1
    posting = InterestPosting.objects.get()
    assert (posting.gross_kobo, posting.tax_kobo) == (GROSS_KOBO, TAX_KOBO)
    assert posting.period_end == datetime.date(2026, 5, 1).toordinal()
    assert list(ledger.run_checks()) == []


def test_the_owner_gets_one_mail_with_all_amounts(
    clock: time_machine.Traveller, mailoutbox: list[EmailMessage]
) -> None:
    plan = locked_plan()
    mature(clock, "2026-05-01")
    outbox.sweep(timezone.now(), tasks.HANDLERS)
    (mail,) = mailoutbox
    assert (mail.subject, mail.to) == ("Car has matured", [plan.user.email])
    for amount in ("₦100,000.00", "₦821.91", "₦82.19", "₦739.72", "₦100,739.72"):
        assert amount in str(mail.body)
        assert amount in OutboxRow.objects.get(kind="plan_matured").html


def test_a_mail_of_the_previous_release_is_still_sent(
    clock: time_machine.Traveller, mailoutbox: list[EmailMessage]
) -> None:
    locked_plan()
    mature(clock, "2026-05-01")
    OutboxRow.objects.filter(kind="plan_matured").update(payload={})
    outbox.sweep(timezone.now(), tasks.HANDLERS)
    assert "Amount: ₦100,000.00" in str(mailoutbox[0].body)


def test_nothing_moves_before_the_day_of_maturity(clock: time_machine.Traveller) -> None:
    locked_plan()
    assert mature(clock, "2026-04-30") == 0


def test_an_empty_plan_gets_its_interest(clock: time_machine.Traveller) -> None:
    """The release before quotes left the interest of an exit in the plan; it is still owed."""
    product = make_product(Product.Kind.LOCKED, rate_bps=1000, early_exit="free", interest_paid="maturity")
    plan = make_plan(product=product, holding_kobo=HELD_KOBO, days=30)
    clock.move_to("2026-04-11T09:00:00Z")
    stash = ledger.stash_account(plan.user)
    settled("plan_to_stash", HELD_KOBO, debit=plan.account, credit=stash, user=plan.user, plan=plan)
    assert mature(clock, "2026-05-01") == 1
    assert mature(clock, "2026-05-01") == 0
    assert stash_kobo(plan) == HELD_KOBO + 273_97 - 27_39
    assert OutboxRow.objects.filter(kind="plan_matured").count() == 1
    assert list(ledger.run_checks()) == []


@pytest.mark.parametrize("monthly", [False, True])
def test_a_new_term_without_the_interest(clock: time_machine.Traveller, *, monthly: bool) -> None:
    plan = locked_plan(at_maturity=Plan.AtMaturity.ROLLOVER, monthly=monthly)
    assert mature(clock, "2026-05-01") == 1
    assert mature(clock, "2026-05-01") == 0
    plan.refresh_from_db()
    assert (plan.started_on, plan.matures_on) == (datetime.date(2026, 5, 1), datetime.date(2026, 5, 31))
    assert (plan_kobo(plan), stash_kobo(plan)) == (HELD_KOBO, GROSS_KOBO - TAX_KOBO)
    assert list(ledger.run_checks()) == []


def test_interest_of_the_months_of_the_term_goes_to_the_stash_too(clock: time_machine.Traveller) -> None:
    product = make_product(Product.Kind.LOCKED, rate_bps=1000)
    at_maturity = Plan.AtMaturity.ROLLOVER
    plan = make_plan(product=product, holding_kobo=HELD_KOBO, days=100, at_maturity=at_maturity)
    for month in (5, 6, 7):
        clock.move_to(f"2026-{month:02}-01T01:00:00Z")
        plans.post_due_interest(timezone.localdate())
    assert plan_kobo(plan) > HELD_KOBO
    assert mature(clock, "2026-07-10") == 1
    net_kobo = sum(one.gross_kobo - one.tax_kobo for one in InterestPosting.objects.all())
    assert (plan_kobo(plan), stash_kobo(plan)) == (HELD_KOBO, net_kobo)
    assert list(ledger.run_checks()) == []


def test_what_staff_corrected_leaves_with_the_interest_of_the_term(clock: time_machine.Traveller) -> None:
    product = make_product(Product.Kind.LOCKED, rate_bps=1000)
    at_maturity = Plan.AtMaturity.ROLLOVER
    plan = make_plan(product=product, holding_kobo=HELD_KOBO, days=100, at_maturity=at_maturity)
    clock.move_to("2026-05-01T01:00:00Z")
    plans.post_due_interest(timezone.localdate())
    for kobo, gives in ((50_000, True), (10_000, False)):
        reference = references.new(Kind.INTEREST_CORRECTION)
        ledger.correct_interest(plan, gross_kobo=kobo, gives=gives, reference=reference, **people())
    assert mature(clock, "2026-07-10") == 1
    assert plan_kobo(plan) == HELD_KOBO
    assert list(ledger.run_checks()) == []


@pytest.mark.parametrize("monthly", [False, True])
def test_a_new_term_with_the_interest(clock: time_machine.Traveller, *, monthly: bool) -> None:
    plan = locked_plan(at_maturity=Plan.AtMaturity.COMPOUND, monthly=monthly)
    assert mature(clock, "2026-05-01") == 1
    assert (plan_kobo(plan), stash_kobo(plan)) == (HELD_KOBO + GROSS_KOBO - TAX_KOBO, 0)
    assert list(ledger.run_checks()) == []


@pytest.mark.parametrize("monthly", [False, True])
@pytest.mark.parametrize("at_maturity", Plan.RENEWING)
def test_terms_that_were_missed_come_to_the_same(
    clock: time_machine.Traveller, at_maturity: str, *, monthly: bool
) -> None:
    sums = []
    for days in (["2026-05-01", "2026-05-31", "2026-06-30"], ["2026-07-09"]):
        clock.move_to("2026-04-01T09:00:00Z")
        plan = locked_plan(at_maturity=at_maturity, monthly=monthly)
        for day in days:
            clock.move_to(f"{day}T01:00:00Z")
            plans.post_due_interest(timezone.localdate())
            assert mature(clock, day) == 1
            plans.post_due_interest(timezone.localdate())
        clock.move_to("2026-07-12T01:00:00Z")
        plans.post_due_interest(timezone.localdate())
        account = Account.objects.get(plan=plan)
        numerator = ledger.accrued_numerator(account, timezone.localdate())
        sums.append((account.balance_kobo, numerator, account.tax_remainder, stash_kobo(plan)))
        plan.refresh_from_db()
        assert plan.matures_on == datetime.date(2026, 7, 30)
    assert sums[0] == sums[1]
    assert list(ledger.run_checks()) == []


def test_a_renewal_is_mailed(clock: time_machine.Traveller, mailoutbox: list[EmailMessage]) -> None:
    locked_plan(at_maturity=Plan.AtMaturity.ROLLOVER)
    mature(clock, "2026-05-01")
    outbox.sweep(timezone.now(), tasks.HANDLERS)
    (mail,) = mailoutbox
    assert mail.subject == "Car has started again"
    for text in (
        "1 May 2026",
        "31 May 2026",
        "₦821.91",
        "Total moved to your stash: ₦739.72",
        "plan now: ₦100,000.00",
    ):
        assert text in str(mail.body)


def test_interest_of_a_circle_never_counts_on_its_board(clock: time_machine.Traveller) -> None:
    """Trial T9: interest posted into a member's plan left it as a withdrawal, and the score fell below zero."""
    circle = make_circle(product=make_product(Product.Kind.LOCKED, rate_bps=1000))
    membership = circles.join(
        make_user(), circle, nickname="Ada", reference="CIR00000000000000001", code=circle.invite_code
    )
    pay_in(membership.user, HELD_KOBO, plan=membership.plan)
    for month in (5, 6, 7):
        clock.move_to(f"2026-{month:02}-01T01:00:00Z")
        plans.post_due_interest(timezone.localdate())
    membership.refresh_from_db()
    assert membership.saved_kobo == HELD_KOBO == plan_kobo(membership.plan)
    assert stash_kobo(membership.plan) == sum(
        one.gross_kobo - one.tax_kobo for one in InterestPosting.objects.all()
    )
    assert list(ledger.run_checks()) == []


def test_a_plan_that_closes_gets_its_interest_first(clock: time_machine.Traveller) -> None:
    plan = make_plan(product=make_product(rate_bps=1000), holding_kobo=HELD_KOBO)
    clock.move_to("2026-05-01T09:00:00Z")
    plans.move_from_plan(plan.user, plan, amount_kobo=HELD_KOBO, reference="PTS00000000000000001")
    plans.close(plan)
    plans.close(plan)
    assert stash_kobo(plan) == HELD_KOBO + GROSS_KOBO - TAX_KOBO
    assert plans.post_due_interest(datetime.date(2026, 8, 1)) == 0
    assert list(ledger.run_checks()) == []


@pytest.mark.parametrize("monthly", [False, True])
@pytest.mark.parametrize("interest_to", Plan.InterestTo.values)
@pytest.mark.parametrize("at_maturity", Plan.AtMaturity.values)
def test_the_calendar_knows_where_the_interest_of_a_maturity_goes(
    clock: time_machine.Traveller, at_maturity: str, interest_to: str, *, monthly: bool
) -> None:
    plan = locked_plan(at_maturity=at_maturity, monthly=monthly)
    Plan.objects.filter(pk=plan.pk).update(interest_to=interest_to)
    loaded = Plan.objects.with_balance().get(pk=plan.pk)
    assert loaded.matures_on is not None
    expected = plans.goes_to_stash_on(loaded, loaded.matures_on)
    mature(clock, str(loaded.matures_on))
    movement = Transaction.objects.filter(kind=Transaction.Kind.INTEREST).latest("pk")
    entry = movement.entries.get(code="primary")
    assert (entry.credit_account.kind == Account.Kind.STASH) == expected
