"""Money that arrives: what is not as it was asked for waits in suspense, what has nowhere to go is in the stash."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import backoffice, ledger, money, payments, plans, references
from savings.exceptions import Refused
from savings.models import Account, Case, Entry, OutboxRow, Payment, Plan, Product, Transaction
from tests import factories
from tests.payments import AMOUNT, settle, start
from tests.provider import Provider
from tests.refunds import people

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
Status = Transaction.Status


def suspense_kobo_now() -> int:
    return ledger.balance_kobo(ledger.house_account(Account.Kind.SUSPENSE))


@pytest.mark.parametrize(
    ("changes", "reason", "suspense_kobo"),
    [
        ({"amount": AMOUNT - 1}, "less", AMOUNT - 1),
        ({"amount": AMOUNT - 1, "requested_amount": AMOUNT - 1}, "less", AMOUNT - 1),
        ({"amount": AMOUNT + 1, "requested_amount": AMOUNT + 1}, "more", AMOUNT + 1),
        ({"amount": 2 * AMOUNT}, "more", 2 * AMOUNT),
        ({"currency": "USD"}, "foreign_currency", 0),
    ],
)
def test_other_money_waits_in_suspense(
    provider: Provider, plan: Plan, changes: dict[str, object], reason: str, suspense_kobo: int
) -> None:
    payment = start(plan)
    provider.pay(payment)
    provider.change(payment.transaction.reference, **changes)
    movement = settle(payment)
    settle(payment)
    payment.refresh_from_db()
    assert (movement.status, payment.review_reason) == (Status.REVIEW, reason)
    assert suspense_kobo_now() == suspense_kobo
    assert ledger.balance_kobo(plan.account) == 0
    mail = OutboxRow.objects.get()
    assert (mail.kind, mail.user, mail.transaction) == ("payment_in_review", plan.user, movement)
    assert mail.payload["arrived"] == (money.naira(suspense_kobo) if suspense_kobo else "")
    assert payment.next_poll_at is None


def test_money_for_a_closed_account_waits_for_staff(provider: Provider, plan: Plan) -> None:
    payment = start(plan)
    provider.pay(payment, "abandon")
    assert settle(payment).status == Status.ABANDONED
    saver, root = plan.user, factories.make_user(is_staff=True, is_superuser=True)
    backoffice.close_account(saver.pk, by=root, reason="She asked for it")

    provider.pay(payment)
    movement = settle(payment)

    payment.refresh_from_db()
    assert (movement.status, payment.review_reason) == (Status.REVIEW, "closed")
    assert suspense_kobo_now() == AMOUNT
    backoffice.sync_cases(timezone.now())
    case = Case.objects.get()
    assert (case.kind, case.saver) == (Case.Kind.PAYMENT, saver)
    assert "closed before" in case.summary
    with pytest.raises(Refused, match="account is closed"):
        payments.release_from_suspense(movement, reference=references.new("stash_deposit"), **people())
    payments.request_refund(
        movement,
        amount_kobo=AMOUNT,
        source="suspense",
        reference=references.new("refund"),
        **people(),
    )
    assert suspense_kobo_now() == 0


def test_half_of_the_money_from_the_simulator_is_less(provider: Provider, plan: Plan) -> None:
    payment = start(plan)
    provider.pay(payment, "wrong-amount")
    assert settle(payment).status == Status.REVIEW
    assert suspense_kobo_now() == AMOUNT // 2


def test_money_earns_from_the_day_on_which_it_was_paid(provider: Provider) -> None:
    with time_machine.travel("2026-03-20T12:00:00Z", tick=False):
        plan = factories.make_plan()
    with time_machine.travel("2026-04-02T12:00:00Z", tick=False):
        payment = start(plan)
        provider.pay(payment)
        # Half past eleven in London is the next day in Lagos.
        provider.say(payment, paid_at="2026-03-29T23:30:00.000Z")
        settle(payment)
    payment.refresh_from_db()
    assert payment.paid_at == datetime.datetime(2026, 3, 29, 23, 30, tzinfo=datetime.UTC)
    assert set(Entry.objects.values_list("value_on", flat=True)) == {datetime.date(2026, 3, 30)}
    # Three days at 8.5 %: 1,746 kobo.
    earned = ledger.accrued_numerator(Account.objects.get(plan=plan), datetime.date(2026, 4, 2))
    assert earned == AMOUNT * plan.rate_bps * 3


@pytest.mark.parametrize(
    ("plan_began", "paid_at", "value_on"),
    [
        ("2026-03-01", "2026-03-25T12:00:00Z", datetime.date(2026, 3, 26)),
        ("2026-03-31", "2026-03-29T12:00:00Z", datetime.date(2026, 3, 31)),
        ("2026-03-01", "2026-04-05T12:00:00Z", datetime.date(2026, 4, 2)),
        ("2026-03-01", None, datetime.date(2026, 4, 2)),
        ("2026-03-01", "a week ago", datetime.date(2026, 4, 2)),
    ],
)
@pytest.mark.parametrize("amount", [AMOUNT, AMOUNT - 1])
def test_the_value_date_stays_within_its_limits(
    provider: Provider, plan_began: str, paid_at: str | None, value_on: datetime.date, amount: int
) -> None:
    with time_machine.travel(f"{plan_began}T12:00:00Z", tick=False):
        plan = factories.make_plan()
    with time_machine.travel("2026-04-02T12:00:00Z", tick=False):
        payment = start(plan)
        provider.pay(payment)
        provider.say(payment, paid_at=paid_at, amount=amount)
        settle(payment)
    if amount != AMOUNT and plan_began == "2026-03-31":
        # In suspense the beginning of the plan does not matter.
        value_on = datetime.date(2026, 3, 29)
    assert set(Entry.objects.values_list("value_on", flat=True)) == {value_on}


def test_the_provider_s_facts_are_stored(provider: Provider, payment: Payment) -> None:
    provider.pay(payment)
    provider.say(payment, id=4099260516)
    settle(payment)
    payment.refresh_from_db()
    assert (payment.provider_id, payment.card_country, payment.channel) == (4099260516, "NG", "card")
    assert payment.paid_at is not None


def test_one_payment_of_the_provider_is_credited_once(provider: Provider, plan: Plan) -> None:
    first, second = start(plan), start(plan)
    for payment in (first, second):
        provider.pay(payment)
        provider.say(payment, id=4099260516)
        settle(payment)
        payment.refresh_from_db()
    assert (first.transaction.status, first.provider_id) == (Status.SUCCESS, 4099260516)
    assert (second.transaction.status, second.review_reason) == (Status.REVIEW, "same_payment")
    assert second.provider_id is None
    assert ledger.balance_kobo(plan.account) == AMOUNT
    assert suspense_kobo_now() == 0


def test_a_reference_that_is_not_ours_is_not_asked_about(provider: Provider) -> None:
    provider.announce("somebody-elses=1", 70_00, outcome="silent")
    assert payments.settle_payment("somebody-elses=1") is None
    assert provider.requests == []
    assert not Transaction.objects.exists()


def test_money_for_a_plan_closed_meanwhile_goes_to_the_stash(provider: Provider, plan: Plan) -> None:
    payment = start(plan)
    provider.pay(payment, "abandon")
    settle(payment)
    plans.close(plan)
    provider.pay(payment)
    movement = settle(payment)
    payment.refresh_from_db()
    assert (movement.status, movement.kind, movement.plan) == (Status.SUCCESS, "top_up", None)
    assert payment.meant_for == plan
    assert ledger.balance_kobo(ledger.stash_account(plan.user)) == AMOUNT
    assert ledger.balance_kobo(plan.account) == 0


def test_payments_that_together_are_more_than_a_plan_may_hold(
    provider: Provider, plan: Plan, settings: Settings
) -> None:
    settings.PLAN_MAX_KOBO = 2 * AMOUNT - 1
    for payment in [start(plan), start(plan)]:
        provider.pay(payment)
        assert settle(payment).status == Status.SUCCESS
    payment.refresh_from_db()
    assert payment.meant_for == plan
    assert ledger.balance_kobo(plan.account) == AMOUNT
    assert ledger.balance_kobo(ledger.stash_account(plan.user)) == AMOUNT


@pytest.mark.parametrize(
    ("at_maturity", "in_plan_kobo"), [(Plan.AtMaturity.STASH, 0), (Plan.AtMaturity.ROLLOVER, AMOUNT)]
)
def test_money_for_a_plan_matured_meanwhile(provider: Provider, at_maturity: str, in_plan_kobo: int) -> None:
    locked = factories.make_product(Product.Kind.LOCKED)
    plan = factories.make_plan(product=locked, days=30, at_maturity=at_maturity)
    payment = start(plan)
    provider.pay(payment)
    with time_machine.travel(timezone.now() + datetime.timedelta(days=31)):
        assert settle(payment).status == Status.SUCCESS
    assert ledger.balance_kobo(plan.account) == in_plan_kobo
    assert ledger.balance_kobo(ledger.stash_account(plan.user)) == AMOUNT - in_plan_kobo
