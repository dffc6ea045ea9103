"""The provider's settlements: fetched, compared and booked once, with what it took from the balance."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import ledger, payments, references
from savings.models import Account, Entry, Payment, Plan, Postponement, Settlement, Transaction
from tests.factories import make_user
from tests.payments import AMOUNT, settle, start
from tests.provider import Provider, fee
from web.simulator import agenda, money, money_shapes, settlements, store, switches

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
Kind = Account.Kind
FEE = fee(AMOUNT)


@pytest.fixture
def paid(provider: Provider, payment: Payment) -> Payment:
    """A payment of ₦25,000 that is paid and booked."""
    provider.pay(payment)
    settle(payment)
    return payment


def fetch() -> int:
    """Let the provider settle everything, and fetch its settlements."""
    settlements.run(everything=True)
    return payments.fetch_settlements(timezone.now())


def house(kind: str, place: str = "paystack") -> int:
    return ledger.balance_kobo(ledger.house_account(kind, place))


def held() -> dict[str, str]:
    """The reasons why rows are kept for staff, by task."""
    return dict(Postponement.objects.values_list("task", "reason"))


def deduct(kobo: int, model: str, row: int) -> None:
    assert money.deduct(kobo, model=model, row=row, currency="NGN", may_owe=False)


def test_a_settlement_is_fetched_and_booked_once(paid: Payment) -> None:
    assert [fetch(), fetch(), payments.fetch_settlements(timezone.now())] == [1, 0, 0]
    [settlement] = Settlement.objects.all()
    assert (settlement.gross_kobo, settlement.fees_kobo, settlement.deductions_kobo) == (AMOUNT, FEE, 0)
    assert settlement.settled_on == timezone.localdate()
    assert (house(Kind.BANK, "customers"), house(Kind.CLEARING)) == (AMOUNT - FEE, 0)
    assert list(settlement.payments.all()) == [paid]


def test_it_goes_to_the_balance_where_that_is_arranged(settings: Settings, paid: Payment) -> None:
    settings.SETTLES_TO_BALANCE = True
    switches.turn("settles_to_balance", on=True)
    fetch()
    assert house(Kind.PROVIDER_BALANCE) == money.balance(money.BALANCE) == AMOUNT - FEE
    assert house(Kind.BANK, "customers") == 0


def test_a_payment_that_is_still_open_is_settled_first(provider: Provider, payment: Payment) -> None:
    provider.pay(payment, "silent")
    assert fetch() == 1
    payment.refresh_from_db()
    assert payment.transaction.status == Transaction.Status.SUCCESS
    assert payment.settlement


def test_a_fee_that_was_missing_is_posted_first(provider: Provider, payment: Payment) -> None:
    provider.pay(payment, "silent")
    provider.say(payment, fees=None)
    settle(payment)
    provider.say(payment, fees=FEE)
    assert fetch() == 1
    assert house(Kind.CLEARING) == 0


def test_a_payment_without_the_provider_s_number_is_found_by_its_reference(paid: Payment) -> None:
    Payment.objects.update(provider_id=None)
    assert fetch() == 1


def test_a_payment_that_nobody_started_waits_in_suspense(
    provider: Provider, paid: Payment, caplog: pytest.LogCaptureFixture
) -> None:
    provider.announce("order-7", 70_000_00, outcome="silent")
    assert [fetch(), fetch()] == [1, 0]
    unknown = Payment.objects.get(foreign_reference="order-7")
    assert (unknown.transaction.status, unknown.review_reason) == ("review", "unknown")
    assert unknown.transaction.user is None
    assert house(Kind.SUSPENSE, "") == 70_000_00
    assert house(Kind.PROVIDER_FEES, "") == FEE + fee(70_000_00)
    assert house(Kind.BANK, "customers") == money.balance(money.BANK)
    assert f"payment {unknown.transaction.reference} needs a review: unknown" in caplog.text


def test_a_settlement_that_differs_is_kept_for_staff_and_stops_no_other(
    provider: Provider, paid: Payment, plan: Plan, caplog: pytest.LogCaptureFixture
) -> None:
    provider.announce("order-7", 70_000_00, outcome="silent")
    settlements.run(everything=True)
    change(store.documents("settlement")[0]["id"], gross=AMOUNT)
    second = start(plan)
    provider.pay(second)
    settle(second)
    assert fetch() == 1
    assert "its totals are ₦25,000" in held()["record_settlement"]
    assert not Payment.objects.exclude(foreign_reference="").exists()
    assert Settlement.objects.get().payments.get() == second
    assert "record_settlement failed" in caplog.text


def test_one_that_is_paid_out_after_a_newer_one_is_found(
    provider: Provider, paid: Payment, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    settlements.run(everything=True)
    shape = money_shapes.settlement
    late = store.documents("settlement")[0]["id"]

    def processing(one: dict[str, Any]) -> dict[str, Any]:
        return shape(one) | ({"status": "processing"} if one["id"] == late else {})

    with monkeypatch.context() as patch:
        patch.setattr(money_shapes, "settlement", processing)
        provider.pay(start(plan), "silent")
        assert fetch() == 1
    assert payments.fetch_settlements(timezone.now()) == 1
    assert Settlement.objects.filter(provider_id=late).exists()


def test_the_list_is_read_no_further_than_needed(provider: Provider, paid: Payment, plan: Plan) -> None:
    fetch()
    later = timezone.now() + timedelta(days=60)
    with time_machine.travel(later):
        for _ in range(60):
            provider.pay(start(plan, 1_000_00), "silent")
            settlements.run(everything=True)
        payments.fetch_settlements(later)
        before = len(provider.requests)
        payments.fetch_settlements(later)
    # The movements of the balance, and one page.
    assert len(provider.requests) - before == 2


def test_a_settlement_that_was_kept_is_booked_once_it_is_right(paid: Payment) -> None:
    settlements.run(everything=True)
    number = store.documents("settlement")[0]["id"]
    change(number, fees=0)
    assert fetch() == 0
    change(number, fees=FEE)
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        assert payments.fetch_settlements(timezone.now()) == 1
    assert held() == {}


def change(settlement_id: int, **changes: Any) -> None:
    """Change a settlement at the provider."""
    settlement = store.get("settlement", str(settlement_id))
    assert settlement
    store.put("settlement", str(settlement_id), settlement | changes)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(200, json={"status": True, "data": {"settlements": []}}),
        httpx.Response(401, json={"status": False, "message": "Invalid key"}),
    ],
)
def test_a_provider_that_lists_nothing_changes_nothing(
    provider: Provider, paid: Payment, answer: httpx.Response
) -> None:
    provider.instead = lambda _: answer
    assert fetch() == 0
    assert not Settlement.objects.exists()


def test_a_settlement_that_cannot_be_read_stops_no_other(
    paid: Payment, caplog: pytest.LogCaptureFixture
) -> None:
    settlements.run(everything=True)
    number = store.documents("settlement")[0]["id"]
    store.put("settlement", "1", (store.get("settlement", str(number)) or {}) | {"id": 1, "currency": ""})
    assert payments.fetch_settlements(timezone.now()) == 1
    assert "a row that cannot be read" in caplog.text


def test_pages_are_read_until_all_settlements_are_known(provider: Provider, plan: Plan) -> None:
    for _ in range(51):
        provider.pay(start(plan, 1_000_00), "silent")
        settlements.run(everything=True)
    assert payments.fetch_settlements(timezone.now()) == 51
    pages = [path for path in provider.paths() if path == "GET /settlement"]
    assert len(pages) == 2


# What the provider takes from the balance


@pytest.fixture
def balance(paid: Payment) -> Iterator[None]:
    """₦20,000.00 on the balance, topped up from the bank."""
    fetch()
    assert money.top_up(20_000_00, 1)
    ledger.post_treasury(
        ledger.Purpose.BALANCE_TOP_UP,
        amount_kobo=20_000_00,
        reference=references.new("treasury"),
        asked_by=make_user(is_staff=True),
        approved_by=make_user(is_staff=True),
        reason="Test",
    )
    yield
    agenda.catch_up()


@pytest.mark.usefixtures("balance")
def test_what_a_dispute_took_from_the_balance_is_booked_once() -> None:
    deduct(5_000_00, "Dispute", 8)
    for _ in range(2):
        payments.fetch_settlements(timezone.now())
    assert house(Kind.PROVIDER_BALANCE) == money.balance(money.BALANCE) == 15_000_00
    assert house(Kind.CLEARING) == 5_000_00
    [entry] = Entry.objects.filter(credit_account__kind=Kind.PROVIDER_BALANCE)
    assert entry.transaction.kind == Transaction.Kind.TREASURY


@pytest.mark.usefixtures("balance")
@pytest.mark.parametrize(
    ("change_kobo", "reason"),
    [(-20_000_01, "Provider balance (paystack) has ₦20,000"), (100, "gave ₦1 back")],
)
def test_a_row_of_the_balance_that_cannot_be_booked_is_kept_for_staff(change_kobo: int, reason: str) -> None:
    money.post(money.BALANCE, change_kobo, reason="Refund", model="Refund", row=3, currency="NGN")
    money.post(money.BALANCE, -1, reason="Refund", model="Refund", row=4, currency="NGN")
    payments.fetch_settlements(timezone.now())
    assert reason in held()["record_taking"]
    assert house(Kind.PROVIDER_BALANCE) == 20_000_00 - 1


# The comparison


@pytest.mark.usefixtures("balance")
def test_the_books_and_the_provider_agree(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("reconcile")
    written = capsys.readouterr().out
    assert "provider balance: ₦20,000.00; provider, balance: ₦20,000.00; difference ₦0.00" in written
    assert "agree" in written


@pytest.mark.usefixtures("balance")
def test_a_difference_is_an_error(provider: Provider) -> None:
    provider.announce("order-7", 1_000_00, outcome="silent")
    with pytest.raises(CommandError, match="differ"):
        call_command("reconcile")
    assert [line.difference_kobo for line in payments.reconcile()] == [fee(1_000_00) - 1_000_00, 0, 0]
    provider.instead = lambda _: httpx.Response(500)
    with pytest.raises(CommandError, match="no answer"):
        call_command("reconcile")
