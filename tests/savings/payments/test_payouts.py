"""Withdrawals: fees, limits, confirming, cancelling and approving. What the provider does is in other modules."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

import pytest
import time_machine
from django.core import signing
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import ledger, payments
from savings.exceptions import BadAmount, NotEnoughMoney, QuoteOutdated, Refused
from savings.models import Dispute, OutboxRow, Payment, Payout, Transaction, User
from tests.factories import make_user, pay_in
from tests.payouts import SESSION, ask, held, make_recipient, make_saver
from web.payout_settings import fee_bands

pytestmark = pytest.mark.django_db

State = Payout.State
Status = Transaction.Status
FEES_50_000 = 25_00 + 1_87 + 50_00


def rules(settings: Settings, **changes: Any) -> None:
    settings.PAYOUTS = dataclasses.replace(settings.PAYOUTS, **changes)


def quote(user: User, amount_kobo: int | None) -> payments.PayoutQuote:
    return payments.quote_payout(user, user.recipients.current()[0], amount_kobo)


def token(user: User, amount_kobo: int | None = 50_000_00, session: str = SESSION) -> str:
    return payments.sign_payout(user, quote(user, amount_kobo), session=session)


# Fees: the table in the settings, VAT and stamp duty.


@pytest.mark.parametrize(
    ("amount_kobo", "fees"),
    [
        (1, (10_00, 75, 0)),
        (5_000_00, (10_00, 75, 0)),
        (5_000_01, (25_00, 1_87, 0)),
        (9_999_99, (25_00, 1_87, 0)),
        (10_000_00, (25_00, 1_87, 50_00)),
        (50_000_00, (25_00, 1_87, 50_00)),
        (50_000_01, (50_00, 3_75, 50_00)),
    ],
)
def test_a_fee_is_that_of_its_band_with_vat_and_duty(amount_kobo: int, fees: tuple[int, int, int]) -> None:
    assert payments.fees_for(amount_kobo) == fees


@pytest.mark.parametrize(
    ("table", "fees"),
    [
        ("*:50 vat-included", (46_52, 3_48, 50_00)),
        ("*:50 duty-borne", (50_00, 3_75, 0)),
        ("*:50 vat-included duty-borne", (46_52, 3_48, 0)),
        ("*:0", (0, 0, 50_00)),
        ("*:0 duty-borne", (0, 0, 0)),
        ("*:10.75 vat-included", (10_00, 75, 50_00)),
    ],
)
def test_vat_may_be_contained_and_duty_borne(
    settings: Settings, table: str, fees: tuple[int, int, int]
) -> None:
    rules(settings, fees=fee_bands(table))
    assert payments.fees_for(20_000_00) == fees


@pytest.mark.parametrize(
    "table",
    [
        "",
        "50",
        "5000:10",
        "*:50, 5000:10",
        "5000:10, 5000:20, *:50",
        "*:-1",
        "*:1.5",
        "*:50 free",
        "*:5, *:6",
    ],
)
def test_a_fee_table_that_makes_no_sense_is_refused(table: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="PAYOUT_FEES"):
        fee_bands(table)


@pytest.mark.parametrize(
    "table", ["5000:10, 50000:25, *:50", "100:90, *:1", "*:0", "9999:0, *:500 duty-borne"]
)
def test_all_of_it_is_the_most_that_is_covered(settings: Settings, table: str) -> None:
    rules(settings, fees=fee_bands(table))
    edges = [100_00, 5_000_00, 9_999_00, 10_000_00, 50_000_00, 200_000_00]
    for available in {edge + step for edge in edges for step in (-60_00, -1, 0, 1, 10_75, 76_87, 103_75)}:
        most = payments.most_for(available)
        covered = [
            kobo for kobo in range(max(1, available - 700_00), available + 1, 25) if _fits(kobo, available)
        ]
        assert most == 0 or _fits(most, available)
        assert most >= max(covered, default=0)
        assert not _fits(most + 1, available)


def _fits(amount_kobo: int, available_kobo: int) -> bool:
    return amount_kobo + payments.fees_for(amount_kobo).total_kobo <= available_kobo


# Quotes and limits.


def test_all_of_it_leaves_nothing_but_what_fees_take() -> None:
    user = make_saver(50_076_87)
    payout = ask(user, None)
    assert payout.transaction.amount_kobo == 50_000_00
    assert held(user) == (0, 50_076_87)


def test_money_and_fees_are_set_aside_at_once() -> None:
    user = make_saver()
    payout = ask(user)
    assert (payout.state, payout.transaction.status) == (State.WAITING, Status.PENDING)
    assert payments.fees_of(payout) == (25_00, 1_87, 50_00)
    assert held(user) == (50_000_00 - FEES_50_000, 50_000_00 + FEES_50_000)
    assert set(OutboxRow.objects.filter(transaction=payout.transaction).values_list("kind", flat=True)) == {
        "payout",
        "payout_asked",
    }
    assert list(ledger.run_checks()) == []


@pytest.mark.parametrize(
    ("amount_kobo", "error", "message"),
    [
        (0, BadAmount, "The least you can withdraw is ₦100."),
        (99_99, BadAmount, "The least you can withdraw is ₦100."),
        (5_000_000_01, BadAmount, "The most you can withdraw at once is ₦5,000,000."),
        (100_000_00, NotEnoughMoney, "Enter up to ₦99,896.25."),
        (99_896_26, NotEnoughMoney, "with the fee of ₦103.75 is more than you can withdraw."),
        (-5, BadAmount, "least"),
        (10**18, BadAmount, "most"),
    ],
)
def test_an_amount_outside_the_limits_is_refused(
    amount_kobo: int, error: type[Refused], message: str
) -> None:
    user = make_saver()
    with pytest.raises(error, match=message.replace(".", r"\.")) as refusal:
        quote(user, amount_kobo)
    assert refusal.value.field == "amount_kobo"


def test_the_limit_of_a_day_counts_what_is_on_its_way_and_says_when_it_ends(settings: Settings) -> None:
    rules(settings, day_max_kobo=60_000_00)
    with time_machine.travel("2026-05-03T10:00:00Z", tick=False):
        user = make_saver(200_000_00)
        ask(user, 50_000_00)
        assert payments.room(user).most_kobo == 10_000_00
        with pytest.raises(BadAmount, match=r"₦10,000 is left today.*4 May 2026, 00:00"):
            quote(user, 10_000_01)
        payments.cancel_payout(ask(user, 10_000_00))
        ask(user, 10_000_00)
        with pytest.raises(BadAmount, match="You have reached the limit of ₦60,000 a day"):
            quote(user, 100_00)
        assert payments.room(user).most_kobo == 0
    # Midnight in Lagos, not in UTC.
    with time_machine.travel("2026-05-03T23:00:01Z", tick=False):
        assert quote(user, 60_000_00).amount_kobo == 60_000_00


def test_disputed_and_owed_money_stays_and_the_page_says_why() -> None:
    user = make_saver(100_000_00)
    deposit = pay_in(user, 30_000_00)
    payment = Payment.objects.create(transaction=deposit, paid_kobo=30_000_00, provider_id=7)
    Dispute.objects.create(payment=payment, provider_id=1, amount_kobo=30_000_00)
    found = payments.room(user)
    assert found.most_kobo == payments.most_for(100_000_00)
    assert any("₦30,000 is disputed" in reason for reason in found.reasons)
    with pytest.raises(NotEnoughMoney, match="₦30,000 is disputed"):
        quote(user, 110_000_00)


def test_a_stash_that_cannot_pay_the_fee_has_nothing_to_withdraw() -> None:
    user = make_saver(105_00)
    found = payments.room(user)
    assert found.most_kobo == 0
    assert "the fee comes on top" in found.reasons[0]
    with pytest.raises(NotEnoughMoney):
        quote(user, 100_00)


def test_a_new_bank_account_waits(settings: Settings) -> None:
    user = make_saver()
    new = make_recipient(user, usable_at=timezone.now() + datetime.timedelta(hours=2))
    with pytest.raises(Refused, match="You added this account a short time ago") as refusal:
        payments.quote_payout(user, new, 500_00)
    assert refusal.value.field == "recipient"


def test_after_a_change_of_the_sign_in_withdrawals_wait() -> None:
    user = make_saver()
    confirmed = token(user)
    User.objects.filter(pk=user.pk).update(credentials_changed_at=timezone.now())
    with pytest.raises(Refused, match="The way you sign in has changed"):
        payments.request_payout(user, confirmed, session=SESSION)
    with time_machine.travel(timezone.now() + datetime.timedelta(hours=24, seconds=1)):
        user.refresh_from_db()
        assert ask(user).state == State.WAITING


# Confirming.


def test_a_confirmation_that_is_sent_twice_gives_one_withdrawal() -> None:
    user = make_saver()
    confirmed = token(user)
    first, second = (payments.request_payout(user, confirmed, session=SESSION) for _ in range(2))
    assert first == second
    assert Payout.objects.count() == 1
    assert held(user)[1] == 50_000_00 + FEES_50_000


def test_a_confirmation_of_somebody_else_or_another_session_moves_nothing() -> None:
    user, other = make_saver(), make_saver()
    confirmed = token(user)
    for person, session in ((other, SESSION), (user, "another-session"), (user, "")):
        with pytest.raises(QuoteOutdated):
            payments.request_payout(person, confirmed, session=session)
    assert not Payout.objects.exists()


def test_a_confirmation_that_was_changed_moves_nothing() -> None:
    user = make_saver()
    confirmed = token(user)
    for changed in (confirmed[:-1], "x" + confirmed, "", signing.dumps([user.pk, SESSION, 1, 2])):
        with pytest.raises(QuoteOutdated):
            payments.request_payout(user, changed, session=SESSION)
    assert not Payout.objects.exists()


def test_a_confirmation_is_valid_for_five_minutes() -> None:
    with time_machine.travel("2026-05-03T10:00:00Z", tick=False) as clock:
        user = make_saver()
        early, late = token(user), token(user)
        clock.shift(300)
        payments.request_payout(user, early, session=SESSION)
        clock.shift(2)
        with pytest.raises(QuoteOutdated):
            payments.request_payout(user, late, session=SESSION)
        # What was confirmed in time is found again.
        assert payments.request_payout(user, early, session=SESSION) == Payout.objects.get()


def test_a_fee_that_changed_meanwhile_is_not_charged(settings: Settings) -> None:
    user = make_saver()
    confirmed = token(user)
    rules(settings, fees=fee_bands("*:100"))
    with pytest.raises(QuoteOutdated):
        payments.request_payout(user, confirmed, session=SESSION)
    assert held(user) == (100_000_00, 0)


def test_a_bank_account_that_was_removed_meanwhile_gets_nothing() -> None:
    user = make_saver()
    confirmed = token(user)
    payments.remove_recipient(user.recipients.current()[0])
    with pytest.raises(Refused, match="removed"):
        payments.request_payout(user, confirmed, session=SESSION)
    assert held(user) == (100_000_00, 0)


def test_two_confirmations_cannot_spend_the_same_money() -> None:
    user = make_saver(60_000_00)
    first, second = token(user), token(user)
    payments.request_payout(user, first, session=SESSION)
    with pytest.raises(NotEnoughMoney):
        payments.request_payout(user, second, session=SESSION)
    assert Payout.objects.count() == 1


# Cancelling, and approval.


@pytest.mark.parametrize("table", ["*:50", "*:0 duty-borne"])
def test_a_withdrawal_that_waits_can_be_cancelled(settings: Settings, table: str) -> None:
    rules(settings, fees=fee_bands(table), delay=datetime.timedelta(minutes=30))
    user = make_saver()
    payout = ask(user)
    for _ in range(2):
        payments.cancel_payout(payout)
    payout.refresh_from_db()
    assert (payout.state, payout.transaction.status, payout.transaction.failure_code) == (
        State.CANCELLED,
        Status.ABANDONED,
        "cancelled",
    )
    assert held(user) == (100_000_00, 0)
    assert list(ledger.run_checks()) == []


def test_a_cancelled_withdrawal_needs_staff_no_more() -> None:
    payout = ask(make_saver())
    Payout.objects.update(staff_note="The provider balance is too low for it.")
    payments.cancel_payout(payout)
    assert Payout.objects.get().staff_note == ""


def test_only_a_withdrawal_that_was_sent_can_be_asked_about() -> None:
    payout = ask(make_saver())
    with pytest.raises(Refused, match="with the provider"):
        payments.ask_soon(payout)
    later = timezone.now() + datetime.timedelta(hours=1)
    Payout.objects.update(state=State.SENT, sent_at=timezone.now(), next_try_at=later)
    payments.ask_soon(payout)
    asked_at = Payout.objects.get().next_try_at
    assert asked_at is not None
    assert asked_at <= timezone.now()


def test_a_withdrawal_that_was_sent_cannot_be_cancelled() -> None:
    payout = ask(make_saver())
    Payout.objects.update(state=State.SENT, sent_at=timezone.now())
    with pytest.raises(Refused, match="sent already"):
        payments.cancel_payout(payout)
    assert Payout.objects.get().state == State.SENT


def test_above_the_limit_a_withdrawal_waits_for_approval(settings: Settings) -> None:
    rules(settings, approval_from_kobo=50_000_00)
    user, staff = make_saver(), make_user(is_staff=True)
    below, payout = ask(user, 49_000_00), ask(user)
    assert (below.state, payout.state, payout.next_try_at) == (State.WAITING, State.APPROVAL, None)
    assert not OutboxRow.objects.filter(transaction=payout.transaction, kind="payout").exists()
    payments.approve_payout(payout, by=staff)
    payout.refresh_from_db()
    assert (payout.state, payout.decided_by) == (State.WAITING, staff)
    assert OutboxRow.objects.filter(transaction=payout.transaction, kind="payout").exists()
    with pytest.raises(Refused, match="not waiting for approval"):
        payments.approve_payout(payout, by=staff)
    Payout.objects.filter(pk=payout.pk).update(state=State.SENT, sent_at=timezone.now())
    with pytest.raises(Refused, match="sent already"):
        payments.refuse_payout(payout, by=staff, reason="Too late")


@pytest.mark.parametrize("approval_from_kobo", [1, None])
def test_a_refusal_gives_the_money_back_with_the_reason(
    settings: Settings, approval_from_kobo: int | None
) -> None:
    rules(settings, approval_from_kobo=approval_from_kobo)
    user, staff = make_saver(), make_user(is_staff=True)
    payout = ask(user)
    with pytest.raises(Refused, match="Give the reason"):
        payments.refuse_payout(payout, by=staff, reason=" ")
    payments.refuse_payout(payout, by=staff, reason="The account is not yours.")
    payout.refresh_from_db()
    assert (payout.state, payout.transaction.failure_code) == (State.RETURNED, "refused_by_staff")
    assert held(user) == (100_000_00, 0)
    mail = OutboxRow.objects.get(kind="payout_returned")
    assert mail.payload["reason"] == "The account is not yours."


@pytest.mark.parametrize("fields", [{}, {"is_staff": True}, {"is_staff": True, "is_superuser": True}])
def test_nobody_decides_about_their_own_withdrawal(settings: Settings, fields: dict[str, bool]) -> None:
    rules(settings, approval_from_kobo=1)
    user = make_saver()
    payout = ask(user)
    User.objects.filter(pk=user.pk).update(**fields)
    user.refresh_from_db()
    for decide in (
        payments.approve_payout,
        lambda one, by: payments.refuse_payout(one, by=by, reason="Mine"),
    ):
        with pytest.raises(Refused, match="Someone else"):
            decide(payout, by=user)
    assert Payout.objects.get().state == State.APPROVAL


@pytest.mark.parametrize("fields", [{}, {"is_staff": True, "is_active": False}])
def test_only_active_staff_decide_about_a_withdrawal(settings: Settings, fields: dict[str, Any]) -> None:
    rules(settings, approval_from_kobo=1)
    payout, other = ask(make_saver()), make_user(**fields)
    with pytest.raises(Refused, match="Only staff"):
        payments.approve_payout(payout, by=other)
    with pytest.raises(Refused, match="Only staff"):
        payments.refuse_payout(payout, by=other, reason="Mine")
    assert Payout.objects.get().state == State.APPROVAL
