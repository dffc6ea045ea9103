"""The provider's fee: its cost entry, who bears it, and a fee that the provider tells later."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from savings import ledger, payments
from savings.exceptions import BadAmount
from savings.models import Account, Entry, OutboxRow, Payment, Plan, Transaction
from tests.payments import AMOUNT, settle, start
from tests.provider import Provider, fee

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
Status = Transaction.Status

Line = tuple[str, str, str, int]


def lines(payment: Payment) -> list[Line]:
    """Return the entries of a payment: step, debit, credit, kobo."""
    entries = Entry.objects.filter(transaction=payment.transaction).order_by("id")
    return list(entries.values_list("code", "debit_account__kind", "credit_account__kind", "amount_kobo"))


def house_kobo(kind: str, place: str = "") -> int:
    return ledger.balance_kobo(ledger.house_account(kind, place))


def reviewed(payment: Payment) -> str:
    """Settle a payment that must go to review, and return the reason."""
    assert settle(payment).status == Status.REVIEW
    payment.refresh_from_db()
    assert set(OutboxRow.objects.values_list("kind", flat=True)) == {"payment_in_review"}
    return payment.review_reason


def poll(payment: Payment, **after: float) -> int:
    now = payment.transaction.created_on + datetime.timedelta(**after)
    with time_machine.travel(now, tick=False):
        answered = payments.poll_due_payments(now)
    payment.refresh_from_db()
    return answered


@pytest.mark.parametrize(
    ("amount_kobo", "fee_kobo"),
    [(100_00, 1_50), (2_499_99, 3_749), (2_500_00, 137_50), (25_000_00, 475_00), (1_000_000_00, 2_000_00)],
)
def test_a_success_is_followed_by_its_cost(
    provider: Provider, plan: Plan, amount_kobo: int, fee_kobo: int
) -> None:
    payment = start(plan, amount_kobo)
    provider.pay(payment)
    settle(payment)
    settle(payment)
    assert fee(amount_kobo) == fee_kobo
    assert lines(payment) == [
        ("primary", "clearing", "plan", amount_kobo),
        ("cost", "provider_fees", "clearing", fee_kobo),
    ]
    assert house_kobo(Account.Kind.CLEARING, "paystack") == amount_kobo - fee_kobo
    assert house_kobo(Account.Kind.PROVIDER_FEES) == fee_kobo


def test_an_underpayment_has_its_cost_too(provider: Provider, plan: Plan) -> None:
    payment = start(plan, 30_000_00)
    provider.pay(payment, "wrong-amount")
    assert reviewed(payment) == "less"
    assert lines(payment) == [
        ("suspense", "clearing", "suspense", 1_500_000),
        ("cost", "provider_fees", "clearing", 32_500),
    ]


def test_a_fee_of_nothing_has_no_entry(provider: Provider, payment: Payment) -> None:
    provider.pay(payment)
    provider.say(payment, fees=0)
    settle(payment)
    assert [line[0] for line in lines(payment)] == ["primary"]
    payment.refresh_from_db()
    assert payment.next_poll_at is None


def test_a_fee_may_be_the_whole_payment(provider: Provider, payment: Payment) -> None:
    provider.pay(payment)
    provider.say(payment, fees=AMOUNT)
    settle(payment)
    assert lines(payment)[1] == ("cost", "provider_fees", "clearing", AMOUNT)


def test_a_fee_above_the_payment_is_left_to_staff(provider: Provider, payment: Payment) -> None:
    provider.pay(payment)
    provider.say(payment, fees=AMOUNT + 1)
    assert reviewed(payment) == "fee"
    assert lines(payment) == [("suspense", "clearing", "suspense", AMOUNT)]


def test_the_payer_bears_the_fee(provider: Provider, plan: Plan, settings: Settings) -> None:
    settings.FEE_BEARER_CARD = payments.PAYER
    payment = start(plan, 30_050)
    provider.pay(payment)
    provider.say(payment, amount=40_333, fees=10_283)
    assert settle(payment).status == Status.SUCCESS
    assert lines(payment) == [("primary", "clearing", "plan", 30_050)]
    assert house_kobo(Account.Kind.PROVIDER_FEES) == 0


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        # The surplus is less than the fee, or more.
        ({"amount": 2_540_000, "fees": 48_100}, "less"),
        ({"amount": 2_600_000, "fees": 48_100}, "more"),
        # The provider did not add its fee.
        ({"amount": AMOUNT, "fees": 47_500}, "less"),
        # Whether the payment is exact depends on the fee.
        ({"amount": AMOUNT, "fees": None}, "fee"),
    ],
)
def test_who_bears_the_fee_is_not_guessed(
    provider: Provider, payment: Payment, settings: Settings, said: dict[str, int], reason: str
) -> None:
    settings.FEE_BEARER_CARD = payments.PAYER
    provider.pay(payment)
    provider.say(payment, **said)
    assert reviewed(payment) == reason
    expected: list[Line] = [("suspense", "clearing", "suspense", said["amount"])]
    if said["fees"]:
        expected.append(("cost", "provider_fees", "clearing", said["fees"]))
    assert lines(payment) == expected


def test_a_fee_on_top_that_we_should_bear_is_more_money(provider: Provider, payment: Payment) -> None:
    provider.pay(payment)
    provider.say(payment, amount=AMOUNT + 485_00, fees=485_00)
    assert reviewed(payment) == "more"


def test_a_foreign_card_is_not_accepted(provider: Provider, payment: Payment, plan: Plan) -> None:
    provider.pay_abroad(payment)
    assert reviewed(payment) == "channel"
    assert lines(payment) == [
        ("suspense", "clearing", "suspense", AMOUNT),
        ("cost", "provider_fees", "clearing", 1_075_00),
    ]
    assert payment.card_country == "GB"
    assert ledger.balance_kobo(plan.account) == 0


def test_a_foreign_card_can_be_accepted(provider: Provider, payment: Payment, settings: Settings) -> None:
    settings.FEE_BEARER_FOREIGN_CARD = payments.OPERATOR
    provider.pay_abroad(payment)
    assert settle(payment).status == Status.SUCCESS
    assert lines(payment)[1] == ("cost", "provider_fees", "clearing", 1_075_00)


@pytest.mark.parametrize(
    "case",
    [
        ("FEE_BEARER_CARD", {"channel": "card"}, "review"),
        ("FEE_BEARER_CARD", {"channel": "bank_transfer"}, "success"),
        ("FEE_BEARER_OTHER", {"channel": "bank_transfer"}, "review"),
        ("FEE_BEARER_OTHER", {"channel": ""}, "review"),
        ("FEE_BEARER_OTHER", {"channel": "card"}, "success"),
        # A foreign card in a wallet is a foreign card.
        (
            "FEE_BEARER_FOREIGN_CARD",
            {"channel": "apple_pay", "authorization": {"country_code": "US"}},
            "review",
        ),
        # A card whose country the provider does not name is taken for a local one.
        ("FEE_BEARER_FOREIGN_CARD", {"authorization": {"country_code": None}}, "success"),
    ],
)
def test_each_channel_has_its_own_setting(
    provider: Provider,
    payment: Payment,
    settings: Settings,
    case: tuple[str, dict[str, object], str],
) -> None:
    setting, said, status = case
    for name in ("FEE_BEARER_CARD", "FEE_BEARER_FOREIGN_CARD", "FEE_BEARER_OTHER"):
        setattr(settings, name, payments.REFUSED if name == setting else payments.OPERATOR)
    provider.pay(payment)
    provider.say(payment, **said)
    assert settle(payment).status == status


@pytest.fixture
def without_fee(provider: Provider, payment: Payment) -> Payment:
    """A payment that was credited before the provider told its fee."""
    provider.pay(payment)
    provider.say(payment, fees=None)
    assert settle(payment).status == Status.SUCCESS
    payment.refresh_from_db()
    assert [line[0] for line in lines(payment)] == ["primary"]
    return payment


def test_a_late_fee_is_posted_when_the_provider_tells_it(provider: Provider, without_fee: Payment) -> None:
    assert poll(without_fee, minutes=30) == 0
    assert poll(without_fee, hours=2) == 1
    assert without_fee.next_poll_at is not None
    provider.say(without_fee, fees=475_00)
    assert poll(without_fee, hours=27) == 1
    assert lines(without_fee)[1:] == [("cost", "provider_fees", "clearing", 475_00)]
    paid = Payment.objects.get()
    assert (paid.fee_kobo, paid.next_poll_at) == (475_00, None)
    assert poll(without_fee, hours=60) == 0
    primary, cost = Entry.objects.order_by("id")
    assert (cost.value_on, cost.posted_at > primary.posted_at) == (primary.value_on, True)


def test_a_later_event_brings_the_late_fee_once(provider: Provider, without_fee: Payment) -> None:
    provider.say(without_fee, fees=475_00)
    provider.deliver()
    settle(without_fee)
    settle(without_fee)
    assert [line[0] for line in lines(without_fee)] == ["primary", "cost"]


def test_a_late_fee_of_money_in_suspense(provider: Provider, payment: Payment) -> None:
    provider.pay(payment, "wrong-amount")
    provider.say(payment, fees=None)
    assert reviewed(payment) == "less"
    assert payments.post_late_fee(payment.transaction.reference, fee_kobo=287_50)
    assert not payments.post_late_fee(payment.transaction.reference, fee_kobo=287_50)
    assert lines(payment)[1:] == [("cost", "provider_fees", "clearing", 287_50)]


def test_a_late_fee_that_cannot_be(without_fee: Payment) -> None:
    reference = without_fee.transaction.reference
    with pytest.raises(BadAmount):
        payments.post_late_fee(reference, fee_kobo=-1)
    assert not payments.post_late_fee(reference, fee_kobo=AMOUNT + 1)
    without_fee.refresh_from_db()
    assert (without_fee.review_reason, without_fee.next_poll_at) == ("fee", None)
    assert without_fee.transaction.status == Status.SUCCESS
    assert len(lines(without_fee)) == 1


def test_a_late_fee_of_nothing(without_fee: Payment) -> None:
    assert payments.post_late_fee(without_fee.transaction.reference, fee_kobo=0)
    assert len(lines(without_fee)) == 1
    assert not payments.post_late_fee(without_fee.transaction.reference, fee_kobo=5)


def test_a_late_fee_of_a_payment_that_has_none_to_come(provider: Provider, payment: Payment) -> None:
    assert not payments.post_late_fee("TOP00000000000000000", fee_kobo=5)
    assert not payments.post_late_fee(payment.transaction.reference, fee_kobo=5)
    provider.pay(payment)
    provider.say(payment, currency="USD", fees=None)
    settle(payment)
    payment.refresh_from_db()
    assert payment.next_poll_at is None
    assert not payments.post_late_fee(payment.transaction.reference, fee_kobo=5)
    assert lines(payment) == []


def test_a_provider_that_never_tells_the_fee_is_asked_for_a_month(without_fee: Payment) -> None:
    for day in range(1, 35):
        poll(without_fee, days=day, hours=1)
    assert without_fee.next_poll_at is None
    assert 25 <= without_fee.polls <= 31
    assert without_fee.transaction.status == Status.SUCCESS
    assert len(lines(without_fee)) == 1


def test_a_cost_that_the_previous_release_left_out_is_posted_once(without_fee: Payment) -> None:
    # As the release without cost entries settles it: with the fee, and without its entry.
    Payment.objects.update(fee_kobo=475_00)
    assert [damage.check for damage in ledger.run_checks()] == ["costs"]
    assert payments.post_missing_costs() == 1
    assert lines(without_fee)[1:] == [("cost", "provider_fees", "clearing", 475_00)]
    assert payments.post_missing_costs() == 0


def test_no_cost_is_missing_where_the_payer_bore_the_fee(
    provider: Provider, payment: Payment, settings: Settings
) -> None:
    settings.FEE_BEARER_CARD = payments.PAYER
    provider.pay(payment)
    provider.say(payment, amount=AMOUNT + 500_00, fees=500_00)
    settle(payment)
    assert payments.post_missing_costs() == 0
    assert len(lines(payment)) == 1


def test_costs_are_found_with_one_query_however_many_have_theirs(
    provider: Provider, plan: Plan, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(2):
        for payment in (start(plan, AMOUNT) for _ in range(3)):
            provider.pay(payment)
            settle(payment)
        # The rows to do, and the postponed ones, of which there are none.
        with django_assert_num_queries(2):
            payments.post_missing_costs()
