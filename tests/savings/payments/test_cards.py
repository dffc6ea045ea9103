"""Saved cards: saved by choice alone, renewed, named, removed here and at the provider, and announced to expire."""

from __future__ import annotations

import datetime

import httpx
import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from savings import outbox, payments, tasks
from savings.exceptions import Refused
from savings.models import AutosaveRule, OutboxRow, Payment, SavedCard, Transaction, User
from tests import cards, factories
from tests.provider import Provider
from web.simulator import store

pytestmark = pytest.mark.django_db
DEACTIVATE = "/customer/authorization/deactivate"
TODAY = datetime.date(2026, 5, 10)


@pytest.fixture
def user() -> User:
    return factories.make_user()


def make_rule(user: User, card: SavedCard) -> AutosaveRule:
    return AutosaveRule.objects.create(
        reference="RUL01M85MW6EM6C1D15Q",
        user=user,
        source="card",
        card=card,
        amount_kobo=1_000_00,
        every="day",
        next_on=timezone.localdate(),
    )


def rechecks() -> int:
    return OutboxRow.objects.filter(kind="autosave_recheck").count()


def test_a_card_is_saved_with_the_mandate_and_the_device(provider: Provider, user: User) -> None:
    payment = cards.pay_and_save(provider, user)
    card = SavedCard.objects.get()
    assert (card.user, card.payment, card.is_default, card.is_usable) == (user, payment, True, True)
    assert (card.brand, card.last4, card.bank, card.country) == ("Visa", "4081", "Test Bank", "NG")
    assert (card.email, card.expires_on) == (user.email, datetime.date(2030, 12, 31))
    assert card.authorization_code.startswith("AUTH_")
    assert (card.mandate, card.mandate_device) == (payments.MANDATE, cards.DEVICE)
    assert card.mandate_at == payment.transaction.created_on


def test_nothing_is_stored_without_the_choice(provider: Provider, user: User) -> None:
    payment = cards.pay_and_save(provider, user, saves=False)
    assert payment.transaction.status == Transaction.Status.SUCCESS
    assert not SavedCard.objects.exists()
    assert (payment.mandate, payment.mandate_device) == ("", "")
    told = [str(value) for value in Payment.objects.values_list()[0]]
    assert not any("AUTH_" in value or "SIG_" in value for value in told)


@pytest.mark.parametrize("outcome", ["declined", "abandon", "wrong-amount", "forged"])
def test_a_payment_that_is_not_credited_saves_no_card(provider: Provider, user: User, outcome: str) -> None:
    cards.pay_and_save(provider, user, outcome=outcome)
    assert not SavedCard.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"reusable": False},
        {"reusable": "true"},
        {"authorization_code": ""},
        {"authorization_code": "A" * 101},
        {"authorization_code": 5},
        {"last4": None},
        {"signature": "S" * 101},
    ],
)
def test_an_authorization_that_cannot_be_used_again_still_credits(
    provider: Provider, user: User, changes: dict[str, object]
) -> None:
    payment = payments.start_payment(
        user, plan=None, amount_kobo=1_000_00, reference="STD01M85MW6EM6C1D15Q", mandate=payments.MANDATE
    )
    provider.pay(payment)
    provider.say(payment, authorization=changes)
    movement = payments.settle_payment(payment.transaction.reference)
    assert movement is not None
    assert movement.status == Transaction.Status.SUCCESS
    assert not SavedCard.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"exp_month": "13"},
        {"exp_month": None, "exp_year": 0},
        {"exp_year": "99"},
        {"brand": "x" * 300, "bank": "y" * 300},
        {"signature": None},
        {"country_code": "nigeria"},
    ],
)
def test_odd_facts_about_a_card_are_left_out(
    provider: Provider, user: User, changes: dict[str, object]
) -> None:
    payment = payments.start_payment(
        user, plan=None, amount_kobo=1_000_00, reference="STD01M85MW6EM6C1D15Q", mandate=payments.MANDATE
    )
    provider.pay(payment)
    provider.say(payment, authorization=changes)
    payments.settle_payment(payment.transaction.reference)
    assert SavedCard.objects.get().is_usable


def test_the_same_card_again_is_renewed(provider: Provider, user: User) -> None:
    first = cards.save_card(provider, user)
    payments.rename_card(first, "Salary")
    SavedCard.objects.update(trouble="refused", expires_on=datetime.date(2020, 1, 31))
    again = cards.save_card(provider, user)
    assert (again.pk, again.name, again.is_default) == (first.pk, "Salary", True)
    assert again.authorization_code != first.authorization_code
    assert (again.is_usable, again.expires_on) == (True, datetime.date(2030, 12, 31))


def test_a_disputed_card_stays_disputed_when_it_is_saved_again(provider: Provider, user: User) -> None:
    cards.save_card(provider, user)
    SavedCard.objects.update(trouble="disputed")
    assert cards.save_card(provider, user).trouble == "disputed"


def test_another_card_is_another_row_and_not_the_default(provider: Provider, user: User) -> None:
    first = cards.save_card(provider, user)
    second = cards.save_card(provider, user, "other-card")
    assert list(SavedCard.objects.current().filter(user=user)) == [first, second]
    assert (first.is_default, second.is_default) == (True, False)


def test_two_people_can_save_the_same_card(provider: Provider, user: User) -> None:
    cards.save_card(provider, user)
    assert cards.save_card(provider, factories.make_user()).is_default


def test_an_eleventh_card_is_not_saved(provider: Provider, user: User) -> None:
    for _ in range(payments.MOST_CARDS):
        cards.make_card(user)
    payment = cards.pay_and_save(provider, user, outcome="other-card")
    assert payment.transaction.status == Transaction.Status.SUCCESS
    assert SavedCard.objects.count() == payments.MOST_CARDS


@pytest.mark.parametrize(("bearer", "saved"), [("payer", True), ("operator", False)])
def test_a_foreign_card_is_saved_only_where_its_payer_bears_the_fee(
    provider: Provider, user: User, settings: Settings, bearer: str, *, saved: bool
) -> None:
    settings.FEE_BEARER_FOREIGN_CARD = bearer
    payment = payments.start_payment(
        user, plan=None, amount_kobo=10_000_00, reference="STD01M85MW6EM6C1D15Q", mandate=payments.MANDATE
    )
    provider.pay(payment, "foreign")
    if bearer == "payer":
        # The provider adds its fee to the amount.
        provider.say(payment, amount=10_500_00, fees=500_00)
    payments.settle_payment(payment.transaction.reference)
    payment.transaction.refresh_from_db()
    assert payment.transaction.status == Transaction.Status.SUCCESS
    assert SavedCard.objects.exists() is saved


def test_a_card_is_renamed(provider: Provider, user: User) -> None:
    card = cards.save_card(provider, user)
    payments.rename_card(card, "  My \u202esalary  ")
    card.refresh_from_db()
    assert (card.name, str(card)) == ("My salary", "My salary")
    payments.rename_card(card, " ")
    card.refresh_from_db()
    assert str(card) == "Visa ··4081"
    with pytest.raises(Refused, match="40"):
        payments.rename_card(card, "x" * 41)


def test_one_card_is_the_default(provider: Provider, user: User) -> None:
    first, second = cards.save_card(provider, user), cards.save_card(provider, user, "other-card")
    payments.make_default_card(second)
    payments.make_default_card(second)
    assert list(SavedCard.objects.filter(is_default=True)) == [second]
    payments.remove_card(second)
    payments.make_default_card(second)
    assert list(SavedCard.objects.filter(is_default=True)) == [first]


def test_a_card_is_removed_here_at_once_and_then_at_the_provider(provider: Provider, user: User) -> None:
    card = cards.save_card(provider, user)
    make_rule(user, card)
    assert payments.remove_card(card)
    assert not payments.remove_card(card)
    card.refresh_from_db()
    assert (card.is_usable, card.is_default, card.deactivated_at) == (False, False, None)
    assert rechecks() == 1
    [row] = OutboxRow.objects.filter(kind=payments.DEACTIVATE_CARD)
    assert outbox.deliver(row.pk, tasks.HANDLERS)
    card.refresh_from_db()
    assert card.deactivated_at
    known = store.get("authorization", card.authorization_code)
    assert known
    assert known["is_deactivated"]


def test_removing_is_tried_again_while_the_provider_is_down(provider: Provider, user: User) -> None:
    card = cards.save_card(provider, user)
    payments.remove_card(card)
    provider.answers[DEACTIVATE] = lambda request: httpx.Response(503)
    [row] = OutboxRow.objects.filter(kind=payments.DEACTIVATE_CARD)
    assert not outbox.deliver(row.pk, tasks.HANDLERS)
    card.refresh_from_db()
    assert (card.is_usable, card.deactivated_at) == (False, None)
    with pytest.raises(Refused, match="removed"):
        cards.charge(card)
    provider.answers.clear()
    OutboxRow.objects.update(due_at=timezone.now())
    assert outbox.deliver(row.pk, tasks.HANDLERS)
    card.refresh_from_db()
    assert card.deactivated_at


@pytest.mark.parametrize(
    ("status", "message", "is_done"),
    [
        (404, "Authorization code not found", True),
        (400, "Authorization code does not exist", True),
        (400, "Try later", False),
        (401, "Invalid key", False),
    ],
)
def test_a_card_that_the_provider_does_not_know_is_done(
    provider: Provider, user: User, status: int, message: str, *, is_done: bool
) -> None:
    payments.remove_card(cards.save_card(provider, user))
    provider.answers[DEACTIVATE] = lambda request: httpx.Response(
        status, json={"status": False, "message": message}
    )
    [row] = OutboxRow.objects.filter(kind=payments.DEACTIVATE_CARD)
    assert outbox.deliver(row.pk, tasks.HANDLERS) is is_done
    assert bool(SavedCard.objects.get().deactivated_at) is is_done


def test_a_card_saved_again_with_the_same_right_is_not_deleted(provider: Provider, user: User) -> None:
    card = cards.save_card(provider, user)
    payments.remove_card(card)
    again = cards.save_card(provider, user)
    SavedCard.objects.filter(pk=again.pk).update(authorization_code=card.authorization_code)
    [row] = OutboxRow.objects.filter(kind=payments.DEACTIVATE_CARD)
    assert outbox.deliver(row.pk, tasks.HANDLERS)
    assert f"POST {DEACTIVATE}" not in provider.paths()


def test_a_card_that_stops_working_has_rules_looked_at(provider: Provider, user: User) -> None:
    card = cards.save_card(provider, user, "card-not-reusable")
    make_rule(user, card)
    cards.charge(card)
    assert rechecks() == 1


@pytest.mark.parametrize(
    ("expires_on", "is_told"),
    [
        (TODAY, True),
        (TODAY + datetime.timedelta(days=31), True),
        (TODAY + datetime.timedelta(days=32), False),
        (TODAY - datetime.timedelta(days=1), False),
        (None, False),
    ],
)
def test_a_card_that_expires_within_a_month_is_announced_once(
    provider: Provider, user: User, expires_on: datetime.date | None, *, is_told: bool
) -> None:
    cards.save_card(provider, user)
    SavedCard.objects.update(expires_on=expires_on)
    assert payments.announce_expiring_cards(TODAY) == is_told
    assert payments.announce_expiring_cards(TODAY) == 0
    assert OutboxRow.objects.filter(kind="card_expires", user=user).count() == is_told


def test_the_next_expiry_of_the_same_card_is_announced_too(provider: Provider, user: User) -> None:
    cards.save_card(provider, user)
    SavedCard.objects.update(expires_on=TODAY)
    payments.announce_expiring_cards(TODAY)
    later = TODAY + datetime.timedelta(days=365)
    SavedCard.objects.update(expires_on=later)
    assert payments.announce_expiring_cards(later) == 1


def test_removed_cards_and_closed_accounts_are_not_announced(provider: Provider, user: User) -> None:
    card, other = cards.save_card(provider, user), cards.save_card(provider, factories.make_user())
    SavedCard.objects.update(expires_on=TODAY)
    payments.remove_card(card)
    User.objects.filter(pk=other.user_id).update(is_active=False)
    assert payments.announce_expiring_cards(TODAY) == 0


def test_announced_cards_cost_the_same_queries_however_many(
    provider: Provider, user: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for person in (user, factories.make_user(), factories.make_user()):
        cards.save_card(provider, person)
    SavedCard.objects.update(expires_on=TODAY)
    payments.announce_expiring_cards(TODAY)
    with django_assert_num_queries(3):
        payments.announce_expiring_cards(TODAY)
