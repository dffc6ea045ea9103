"""Bank accounts to withdraw to: finding, adding, removing and undoing them, and the list of banks."""

from __future__ import annotations

import dataclasses
import datetime

import httpx
import pytest
import time_machine
from django.core import signing
from django.core.cache import cache
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import payments
from savings.exceptions import Refused
from savings.models import OutboxRow, Payout, Recipient, User
from tests.factories import make_user
from tests.payouts import ask, held, make_recipient, make_saver
from tests.provider import Provider
from web.simulator import banks

pytestmark = pytest.mark.django_db

GTB, NUMBER = "058", "0123456789"


@pytest.fixture
def user() -> User:
    return make_user(name="Ada Nwosu")


def find(user: User, number: str = NUMBER, bank: str = GTB) -> payments.FoundAccount:
    return payments.find_account(user, bank_code=bank, account_number=number)


def add(user: User, number: str = NUMBER) -> Recipient:
    return payments.add_recipient(user, find(user, number).token)


def name_of(number: str) -> str:
    return str(banks.resolve(number, GTB)["account_name"])


def away(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody there", request=request)


def test_an_account_is_found_with_the_name_that_its_bank_has(provider: Provider, user: User) -> None:
    found = find(user)
    assert (found.bank_name, found.account_number) == ("Guaranty Trust Bank", NUMBER)
    assert found.account_name == name_of(NUMBER)
    assert not Recipient.objects.exists()


@pytest.mark.parametrize(
    "number",
    [
        "",
        "123456789",
        "12345678901",
        "12345678a9",
        "０１２３４５６７８９",
        "٠١٢٣٤٥٦٧٨٩",
        "01234 6789",
        "-123456789",
        "0123456789\n",
    ],
)
def test_an_account_number_has_ten_plain_digits(provider: Provider, user: User, number: str) -> None:
    with pytest.raises(Refused, match="10 digits") as refusal:
        find(user, number)
    assert refusal.value.field == "account_number"
    assert not any("resolve" in path for path in provider.paths())


def test_an_account_that_does_not_exist_is_refused(provider: Provider, user: User) -> None:
    with pytest.raises(Refused, match="no account with that number") as refusal:
        find(user, "4040000000")
    assert refusal.value.field == "account_number"


@pytest.mark.parametrize("bank", ["", "999999", "030", "063", "058'"])
def test_a_bank_that_is_not_in_the_list_is_refused(provider: Provider, user: User, bank: str) -> None:
    with pytest.raises(Refused, match="Choose a bank") as refusal:
        find(user, bank=bank)
    assert refusal.value.field == "bank_code"


def test_a_new_account_waits_and_its_owner_is_told(
    provider: Provider, user: User, settings: Settings
) -> None:
    recipient = add(user)
    assert recipient.usable_at == recipient.added_at + settings.PAYOUTS.wait
    assert (recipient.is_default, recipient.code) == (True, f"RCP_{GTB}{NUMBER}")
    mail = OutboxRow.objects.get(kind="recipient_added")
    assert payments.recipient_of_token(mail.payload["secret"]) == recipient
    assert mail.payload["account"] == "Guaranty Trust Bank ··6789"


def test_the_same_confirmation_twice_adds_one_account(provider: Provider, user: User) -> None:
    token = find(user).token
    assert payments.add_recipient(user, token) == payments.add_recipient(user, token)
    assert Recipient.objects.count() == 1
    with pytest.raises(Refused, match="added this account already"):
        find(user)


def test_a_confirmation_of_somebody_else_or_an_old_one_adds_nothing(provider: Provider, user: User) -> None:
    token = find(user).token
    for person, confirmed in (
        (make_user(), token),
        (user, token[:-1]),
        (user, ""),
        (user, signing.dumps([1])),
    ):
        with pytest.raises(Refused, match="Look up the account again"):
            payments.add_recipient(person, confirmed)
    with (
        time_machine.travel(timezone.now() + datetime.timedelta(minutes=11)),
        pytest.raises(Refused, match="ten minutes"),
    ):
        payments.add_recipient(user, token)
    assert not Recipient.objects.exists()


def test_five_accounts_at_most(provider: Provider, user: User) -> None:
    late = find(user, "0123456788").token
    for number in range(payments.MOST_RECIPIENTS):
        add(user, f"100000000{number}")
    with pytest.raises(Refused, match="5 bank accounts"):
        find(user)
    with pytest.raises(Refused, match="5 bank accounts"):
        payments.add_recipient(user, late)
    payments.remove_recipient(user.recipients.current()[0])
    assert payments.add_recipient(user, late)


def test_a_provider_that_does_not_answer_adds_nothing(provider: Provider, user: User) -> None:
    token = find(user).token
    provider.instead = away
    with pytest.raises(Refused, match="can’t reach the payment provider right now"):
        payments.add_recipient(user, token)
    with pytest.raises(Refused, match="can’t reach the payment provider right now"):
        find(user, "0123456780")
    assert not Recipient.objects.exists()


# Whose account it is.


@pytest.mark.parametrize(
    ("name", "account_name", "is_own"),
    [
        ("Ngozi Adéọlá Okafor", "OKAFOR NGOZI", True),
        ("Ngozi Okafor", "OKAFOR, NGOZI ADEOLA", True),
        ("Ada", "ADA OBI", True),
        ("Ada Obi", "ADA", True),
        ("Ada Obi", "OBI CHUKWU", False),
        ("Ada Obi", "CHUKWU ADA", False),
        ("Ada Obi", "ADAOBI", False),
        ("", "ADA OBI", False),
        ("Ada Obi", "", False),
        ("Ada Ada", "ADA OBI", True),
        ("Ọlá-Olú Bello", "BELLO OLA OLU", True),
    ],
)
def test_names_are_compared_without_order_case_and_marks(name: str, account_name: str, is_own: bool) -> None:  # noqa: FBT001
    assert payments.is_own_name(name, account_name) is is_own


def test_only_own_accounts_if_the_operator_says_so(
    provider: Provider, user: User, settings: Settings
) -> None:
    other = next(
        f"{digit}123456789"
        for digit in range(10)
        if not payments.is_own_name(user.name, name_of(f"{digit}123456789"))
    )
    token = find(user, other).token
    settings.PAYOUTS = dataclasses.replace(settings.PAYOUTS, own_accounts_only=True)
    with pytest.raises(Refused, match="only to an account in your own name") as refusal:
        find(user, other)
    assert refusal.value.field == "account_number"
    with pytest.raises(Refused, match="own name"):
        payments.add_recipient(user, token)


def test_staff_see_the_same_account_at_other_users(provider: Provider, user: User) -> None:
    mine = add(user)
    theirs = add(make_user())
    payments.remove_recipient(theirs)
    add(make_user(), "0123456780")
    assert list(payments.same_account(mine)) == [theirs]


# Removing and undoing.


def test_removing_an_account_cancels_what_was_not_sent_to_it() -> None:
    user = make_saver()
    first, second = user.recipients.current()[0], make_recipient(user, is_default=False)
    unsent, sent = ask(user, 1_000_00, first), ask(user, 2_000_00, first)
    Payout.objects.filter(pk=sent.pk).update(state=Payout.State.SENT, sent_at=timezone.now())
    assert [payments.remove_recipient(first) for _ in range(2)] == [1, 0]
    states = dict(Payout.objects.values_list("pk", "state"))
    assert states == {unsent.pk: Payout.State.CANCELLED, sent.pk: Payout.State.SENT}
    assert held(user)[1] == 2_010_75
    assert list(user.recipients.current()) == [second]
    second.refresh_from_db()
    assert second.is_default


def test_there_is_one_default() -> None:
    user = make_saver()
    second = make_recipient(user, is_default=False)
    payments.make_default(second)
    assert user.recipients.current()[0] == second
    assert user.recipients.filter(is_default=True).count() == 1
    payments.remove_recipient(second)
    payments.make_default(second)
    assert user.recipients.current().get().is_default


def test_a_link_that_is_not_ours_finds_nothing() -> None:
    of_nobody = signing.dumps(10**9, salt="savings.payments.recipients.undo")
    for token in ("", "x", signing.dumps(1), of_nobody):
        assert payments.recipient_of_token(token) is None


def test_an_undo_link_works_for_a_week(user: User) -> None:
    recipient = make_recipient(user)
    token = payments.undo_token(recipient)
    with time_machine.travel(timezone.now() + datetime.timedelta(days=6)):
        assert payments.recipient_of_token(token) == recipient
    with time_machine.travel(timezone.now() + datetime.timedelta(days=8)):
        assert payments.recipient_of_token(token) is None


# The list of banks.


def test_banks_are_asked_for_once_a_day_and_kept_while_the_provider_is_away(provider: Provider) -> None:
    cache.clear()
    found = payments.list_banks()
    assert [bank.name.casefold() for bank in found] == sorted(bank.name.casefold() for bank in found)
    assert {"030", "063"}.isdisjoint(bank.code for bank in found)
    assert payments.list_banks() == found
    assert len([path for path in provider.paths() if path == "GET /bank"]) == 1
    provider.instead = away
    with time_machine.travel(timezone.now() + datetime.timedelta(days=2)):
        assert payments.list_banks() == found


def test_without_any_list_the_reason_is_said(provider: Provider) -> None:
    cache.clear()
    provider.instead = away
    with pytest.raises(Refused, match="can’t load the list of banks right now") as refusal:
        payments.list_banks()
    assert refusal.value.field == "bank_code"
