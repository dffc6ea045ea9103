"""A quarter at the provider, simulated day by day: at its end the books and the provider have the same money."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.management import call_command
from pytest_django.fixtures import Settings

from savings import ledger, payments, plans, references
from savings.ledger import Purpose
from savings.models import (
    Account,
    Dispute,
    Payment,
    Postponement,
    Refund,
    Settlement,
    Transaction,
)
from tests.factories import make_plan, make_user
from tests.payments import start
from tests.provider import Provider
from web.simulator import disputes, money, store, switches
from web.simulator import payments as charges
from web.simulator.events import deliver_due

pytestmark = pytest.mark.django_db

LAGOS = ZoneInfo("Africa/Lagos")
Kind, Status = Account.Kind, Transaction.Status
FIRST, LAST = datetime.date(2027, 1, 4), datetime.date(2027, 4, 6)


class Quarter:
    """The people and plans of the quarter, and what they do."""

    def __init__(self, provider: Provider, settings: Settings) -> None:
        self.provider, self.settings = provider, settings
        self.staff = [make_user(is_staff=True), make_user(is_staff=True)]
        self.ada, self.bola = make_user(), make_user()
        self.plans = {name: make_plan(user) for name, user in {"ada": self.ada, "bola": self.bola}.items()}
        self.spare = make_plan(self.ada)
        self.paid: dict[str, Payment] = {}
        self.asked: dict[str, Refund] = {}

    # What payers do

    def pay(self, name: str, naira: int, who: str = "ada", outcome: str = "success") -> None:
        payment = start(self.plans[who], naira * 100)
        self.provider.pay(payment, outcome)
        self.paid[name] = payment

    def pay_with_the_fee(self, name: str, naira: int) -> None:
        """The payer bears the fee: the provider adds it to the amount."""
        self.settings.FEE_BEARER_CARD = "payer"
        payment = start(self.plans["bola"], naira * 100)
        amount = next(
            kobo for kobo in range(naira * 100, naira * 110) if kobo - money.fee(kobo) == naira * 100
        )
        self.provider.change(payment.transaction.reference, amount=amount)
        self.provider.pay(payment)
        self.paid[name] = payment
        self.run()
        self.settings.FEE_BEARER_CARD = "operator"

    def pay_abroad(self, name: str, naira: int, bearer: str) -> None:
        self.settings.FEE_BEARER_FOREIGN_CARD = bearer
        self.pay(name, naira, "bola", "foreign")
        self.run()

    def spend(self) -> None:
        """Move all money on from Ada's plan to another plan of hers."""
        kobo = ledger.balance_kobo(self.plans["ada"].account)
        for move, plan, kind in (
            (plans.move_from_plan, self.plans["ada"], "plan_to_stash"),
            (plans.move_to_plan, self.spare, "stash_to_plan"),
        ):
            move(self.ada, plan, amount_kobo=kobo, reference=references.new(kind))

    def pay_somebody_else(self, reference: str, naira: int) -> None:
        self.provider.announce(reference, naira * 100, outcome="silent")

    def dispute(self, name: str, resolution: str = "") -> None:
        """Dispute a payment. Without a resolution nobody answers, and the provider takes the money."""
        payment = charges.known(self.paid[name].transaction.reference)
        opened = disputes.open_for(payment)
        if resolution:
            disputes.resolve(opened, resolution, opened["amount"])

    # What staff do

    def refund(self, name: str, naira: int, *, fails: bool = False, source: str = "") -> None:
        switches.turn("refunds_fail", on=fails)
        self.asked[f"{name} {naira}"] = payments.request_refund(
            Transaction.objects.get(pk=self.paid[name].transaction_id),
            amount_kobo=naira * 100,
            asked_by=self.staff[0],
            approved_by=self.staff[1],
            reason="The payer asked for it.",
            reference=references.new("refund"),
            source=source,
        )
        self.run(seconds=60)
        switches.turn("refunds_fail", on=False)

    def move(self, purpose: str, naira: int, bank: str = "customers") -> None:
        ledger.post_treasury(
            purpose,
            amount_kobo=naira * 100,
            reference=references.new("treasury"),
            asked_by=self.staff[0],
            approved_by=self.staff[1],
            reason="Monthly",
            bank=bank,
        )

    def top_up_balance(self, naira: int) -> None:
        assert money.top_up(naira * 100, store.next_id())
        self.move(Purpose.BALANCE_TOP_UP, naira)

    def close(self, month: int) -> None:
        ledger.close_month(datetime.date(2027, month, 1))

    # The timetable

    def run(self, *, seconds: int = 0) -> None:
        """Let every task run, then again some seconds later, when the provider has done what was asked."""
        now = datetime.datetime.now(LAGOS)
        later = [now + datetime.timedelta(seconds=seconds)] if seconds else []
        for moment in [now, *later]:
            with time_machine.travel(moment, tick=False):
                deliver_due()
                payments.sweep_events(moment)
                payments.poll_due_payments(moment)
                payments.sweep_refunds(moment)
        deliver_due()


def script(quarter: Quarter) -> dict[str, list[Callable[[], None]]]:
    """Return what happens, by day. Pays are settled on the next working day."""
    act = quarter
    return {
        "2027-01-04": [lambda: act.pay("first", 25_000), lambda: act.pay("big", 500_000, "bola")],
        "2027-01-06": [lambda: act.pay("quiet", 40_000, outcome="silent"), lambda: act.pay_somebody_else("x-1", 900)],
        "2027-01-08": [lambda: act.pay_with_the_fee("net", 30_000), lambda: act.pay("late", 1_000, "ada", "late")],
        # Before the weekend, so that it is pending until Monday: a part goes back from what is collected.
        "2027-01-09": [lambda: act.pay("parts", 60_000), lambda: act.refund("parts", 20_000)],
        "2027-01-12": [lambda: act.pay_abroad("abroad", 80_000, "refused")],
        "2027-01-13": [
            lambda: act.pay("cover", 100_000, "bola"),
            lambda: act.refund("abroad", 80_000, source="suspense"),
        ],
        "2027-01-20": [lambda: act.pay("whole", 15_000), lambda: act.pay("more", 45_000, "bola")],
        "2027-01-21": [
            lambda: act.pay("less", 9_000, "bola", "wrong-amount"),
            lambda: act.move(Purpose.CAPITAL_IN, 50_000, "own"),
        ],
        "2027-01-25": [lambda: act.top_up_balance(150_000), lambda: act.move(Purpose.SWEEP, 20_000)],
        # Nothing is pending on this Wednesday: the balance pays.
        "2027-01-27": [lambda: act.refund("whole", 15_000)],
        "2027-02-02": [lambda: act.close(1), lambda: act.pay("february", 70_000)],
        "2027-02-03": [lambda: act.refund("february", 10_000, fails=True)],
        "2027-02-05": [lambda: act.refund("parts", 40_000), lambda: act.pay_abroad("welcome", 64_000, "operator")],
        "2027-02-10": [lambda: act.pay("spent", 120_000), lambda: act.pay("won", 33_000, "bola")],
        "2027-02-11": [act.spend],
        "2027-02-15": [lambda: act.dispute("won", "declined"), lambda: act.pay("again", 200_000, "bola")],
        "2027-02-17": [lambda: act.dispute("spent")],
        "2027-02-22": [lambda: act.pay("cheap", 2_000), lambda: act.dispute("cheap", "merchant-accepted")],
        "2027-02-26": [lambda: act.pay_somebody_else("x-2", 7_777), lambda: act.pay("friday", 12_345)],
        "2027-03-03": [lambda: act.close(2), lambda: act.pay("march", 310_000, "bola")],
        "2027-03-10": [lambda: act.refund("march", 1_234), lambda: act.top_up_balance(25_000)],
        "2027-03-31": [lambda: act.pay("last", 18_000), lambda: act.refund("last", 6_000)],
        # Not settled any more.
        "2027-04-06": [lambda: act.pay("pending", 26_000), lambda: act.refund("pending", 5_000)],
    }  # fmt: skip


def live(quarter: Quarter) -> None:
    """Let the quarter pass: settlements in the morning, then what happens, and the timetable in the evening."""
    days = script(quarter)
    for number in range((LAST - FIRST).days + 1):
        day = FIRST + datetime.timedelta(days=number)
        for hour, acts in ((7, []), (10, days.pop(day.isoformat(), [])), (22, [])):
            with time_machine.travel(datetime.datetime.combine(day, datetime.time(hour), LAGOS), tick=False):
                for happen in acts:
                    happen()
                    quarter.run()
                quarter.run()
                if hour == 7:
                    payments.fetch_settlements(datetime.datetime.now(LAGOS))
                    payments.sweep_disputes()
    assert not days


def house(kind: str, place: str = "") -> int:
    return ledger.balance_kobo(ledger.house_account(kind, place))


def test_after_a_quarter_the_books_and_the_provider_have_the_same_money(
    provider: Provider, settings: Settings
) -> None:
    with time_machine.travel(datetime.datetime.combine(FIRST, datetime.time(0, 1), LAGOS), tick=False):
        quarter = Quarter(provider, settings)
    live(quarter)
    end = datetime.datetime.combine(LAST, datetime.time(23), LAGOS)
    with time_machine.travel(end, tick=False):
        assert list(Postponement.objects.values_list("task", "reason")) == []
        assert house(Kind.CLEARING, "paystack") == money.balance(money.PENDING)
        assert house(Kind.PROVIDER_BALANCE, "paystack") == money.balance(money.BALANCE)
        # The owner's own account and what it gave are not at the provider.
        assert house(Kind.BANK, "customers") == money.balance(money.BANK) + 20_000_00
        assert house(Kind.BANK, "own") == 30_000_00
        assert [line.difference_kobo for line in payments.reconcile()] == [0, 0, 0]
        call_command("reconcile")
        assert list(ledger.run_checks()) == []
    assert_everything_happened(quarter)


def assert_everything_happened(quarter: Quarter) -> None:
    """Otherwise the equations could hold because nothing went wrong."""
    assert min(money.balance(place) for place in (money.PENDING, money.BALANCE, money.BANK)) > 0
    assert house(Kind.RECEIVABLE) > 0
    statuses = {
        name: Refund.objects.get(pk=refund.pk).transaction.status for name, refund in quarter.asked.items()
    }
    assert statuses.pop("february 10000") == Status.FAILED
    assert set(statuses.values()) == {Status.SUCCESS}
    assert Payment.objects.filter(review_reason="unknown").count() == 2
    assert set(Dispute.objects.values_list("status", flat=True)) == {"resolved"}
    assert Transaction.objects.filter(kind="chargeback", status=Status.SUCCESS).count() == 2
    assert Settlement.objects.filter(deductions_kobo__gt=0).count() >= 3
    taken = Transaction.objects.filter(
        kind="treasury",
        entries__debit_account__kind=Kind.CLEARING,
        entries__credit_account__kind=Kind.PROVIDER_BALANCE,
    )
    assert taken.count() >= 2
