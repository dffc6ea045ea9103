"""The pages of a withdrawal: the amount and the account, the confirmation, and cancelling."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.core import signing
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from savings import ledger, payments
from savings.models import OutboxRow, Payout, Recipient, Transaction, User
from tests.factories import make_user, pay_in
from tests.payouts import ask, held, make_recipient, make_saver
from tests.web.test_every_page import Page
from tests.web.withdrawing import sign_in

pytestmark = pytest.mark.django_db

WITHDRAW, CONFIRM = "/stash/withdraw/", "/stash/withdraw/confirm/"
HTMX = {"HX-Request": "true"}
OUTDATED = "has changed, or the page is too old"
# 10:00 in Lagos.
NOW = datetime.datetime(2026, 4, 6, 9, tzinfo=datetime.UTC)
STASH = 100_000_00


@pytest.fixture
def clock(db: None) -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def saver(clock: time_machine.Traveller) -> User:
    """A saver with ₦100,000 in the stash and a bank account."""
    return make_saver(STASH)


@pytest.fixture
def recipient(saver: User) -> Recipient:
    return saver.recipients.get()


@pytest.fixture
def browser(client: Client, saver: User) -> Client:
    """The saver's browser, freshly signed in."""
    sign_in(saver, client)
    return client


def asked(recipient: Recipient, amount: str = "50,000") -> dict[str, Any]:
    return {"amount": amount, "recipient": recipient.pk}


def confirmation(browser: Client, data: dict[str, Any]) -> dict[str, Any]:
    """Ask for a withdrawal, and return what the form of its confirmation sends."""
    response = browser.post(WITHDRAW, data)
    assert response.status_code == 200, response.context["form"].errors
    context = response.context
    sent = {"all_of_it": "1"} if context["is_all"] else {"amount": context["amount"]}
    sent |= {"token": context["token"], "recipient": str(context["quote"].recipient.pk)}
    for name, value in sent.items():
        assert f'name="{name}" value="{value}"' in response.text
    return sent


def words(html: str) -> str:
    return " ".join(html.split())


def nothing_moved(user: User) -> bool:
    return not Payout.objects.exists() and held(user)[1] == 0


def test_the_way_from_the_stash_to_the_receipt(browser: Client, saver: User, recipient: Recipient) -> None:
    page = words(browser.get(WITHDRAW).text)
    chosen = f'value="{recipient.pk}" checked'
    for text in ("₦99,896.25", recipient.account_number, chosen, "₦26.87", "Over ₦50,000"):
        assert text in page
    confirm = words(browser.post(WITHDRAW, asked(recipient)).text)
    for text in (
        '<dt>Amount</dt><dd><span class="money">₦50,000.00</span>',
        '<dt>Fee</dt><dd><span class="money">₦25.00</span>',
        '<dt>VAT on the fee</dt><dd><span class="money">₦1.87</span>',
        '<dt>Stamp duty</dt><dd><span class="money">₦50.00</span>',
        '<dt>Leaves your stash</dt><dd><span class="money">₦50,076.87</span>',
        recipient.account_number,
        "ADA OBI",
        "We usually send it within a minute of your confirmation.",
        ">10:05</time>",
    ):
        assert text in confirm
    assert nothing_moved(saver)
    data = confirmation(browser, asked(recipient))
    responses = [browser.post(CONFIRM, data) for _ in range(2)]
    payout = Payout.objects.get()
    assert {one["Location"] for one in responses} == {f"/transactions/{payout.transaction.reference}/"}
    assert held(saver) == (STASH - 50_076_87, 50_076_87)
    assert OutboxRow.objects.filter(kind="payout_asked").count() == 1
    assert "Your withdrawal is on its way." in browser.get(responses[0]["Location"]).text
    assert list(ledger.run_checks()) == []


def test_all_of_it_includes_the_fees(browser: Client, saver: User, recipient: Recipient) -> None:
    data = confirmation(browser, {"all_of_it": "", "amount": "nonsense", "recipient": recipient.pk})
    assert browser.post(CONFIRM, data).status_code == 302
    assert held(saver) == (0, STASH)


def test_htmx_gets_the_form_alone(browser: Client, recipient: Recipient) -> None:
    fragment = browser.post(WITHDRAW, asked(recipient), headers=HTMX)
    assert fragment.text.lstrip().startswith("<form")
    done = browser.post(CONFIRM, confirmation(browser, asked(recipient)), headers=HTMX)
    assert done["HX-Redirect"].startswith("/transactions/STW")


def test_a_saver_without_an_account_is_led_to_adding_one(client: Client) -> None:
    sign_in(make_user(), client)
    for response in (client.get(WITHDRAW), client.post(WITHDRAW, {"amount": "5"})):
        assert "First add a bank account" in response.text
        assert "/stash/accounts/add/" in response.text


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        (None, "Enter an amount."),
        ("", "Enter an amount."),
        ("0", "above zero"),
        ("-5", "above zero"),
        ("1e9", "in figures"),
        ("12.345", "at most two digits"),
        ("9" * 30, "That amount is too large. Enter up to"),
        ("1\x00", "in figures"),
        ("99.99", "The least you can withdraw is ₦100."),
        ("99,950", "Enter up to ₦99,896.25."),
        ("5,000,000.01", "The most you can withdraw at once is ₦5,000,000."),
    ],
)
def test_bad_amounts_are_named_beside_the_field(
    browser: Client, saver: User, recipient: Recipient, amount: str | None, sentence: str
) -> None:
    data = asked(recipient) | {"amount": amount}
    if amount is None:
        del data["amount"]
    for url in (WITHDRAW, CONFIRM):
        response = browser.post(url, data, headers=HTMX)
        assert response.status_code == 422
        assert sentence in " ".join(response.context["form"].errors["amount"])
        assert "<html" not in response.text
        if amount:
            assert response.context["form"]["amount"].value() == amount
    assert nothing_moved(saver)


@pytest.mark.parametrize("value", [None, "", "x", "0", "999999", "9" * 40, "\x00"])
def test_an_account_that_is_none_is_named_beside_the_field(
    browser: Client, saver: User, recipient: Recipient, value: str | None
) -> None:
    data = {"amount": "500"} | ({} if value is None else {"recipient": value})
    for url in (WITHDRAW, CONFIRM):
        response = browser.post(url, data)
        assert response.status_code == 422
        assert response.context["form"].errors["recipient"] == ["Choose one of your bank accounts."]
        assert 'value="500"' in response.text
    assert nothing_moved(saver)


def test_an_account_of_another_user_is_refused(browser: Client, saver: User) -> None:
    theirs = make_recipient(make_user())
    response = browser.post(WITHDRAW, asked(theirs))
    assert response.status_code == 422
    assert theirs.account_number not in response.text
    assert nothing_moved(saver)


def test_a_new_account_is_shown_but_cannot_be_chosen(
    browser: Client, saver: User, recipient: Recipient
) -> None:
    new = make_recipient(saver, usable_at=NOW + datetime.timedelta(hours=24), account_number="5555555555")
    page = words(browser.get(WITHDRAW).text)
    assert f'value="{new.pk}" disabled>' in page
    assert "7 April 2026, 10:00" in page
    response = browser.post(WITHDRAW, asked(new))
    assert response.status_code == 422
    assert "from 7 April 2026, 10:00" in response.context["form"].errors["recipient"][0]
    assert nothing_moved(saver)


def test_the_limit_of_a_day_says_when_it_is_over(
    browser: Client, saver: User, recipient: Recipient, settings: Settings
) -> None:
    settings.PAYOUTS = dataclasses.replace(settings.PAYOUTS, day_max_kobo=60_000_00)
    ask(saver)
    assert "₦10,000 is left today" in browser.get(WITHDRAW).text
    response = browser.post(WITHDRAW, asked(recipient, "10,000.01"))
    assert response.status_code == 422
    assert "from 7 April 2026, 00:00" in response.context["form"].errors["amount"][0]
    assert browser.post(WITHDRAW, asked(recipient, "10,000")).status_code == 200


def test_after_a_change_of_how_one_signs_in_withdrawals_wait(
    browser: Client, saver: User, recipient: Recipient
) -> None:
    data = confirmation(browser, asked(recipient))
    User.objects.filter(pk=saver.pk).update(credentials_changed_at=NOW)
    page = browser.get(WITHDRAW).text
    assert "You cannot withdraw anything now." in page
    assert "withdraw again from 7 April 2026, 10:00" in page
    for url, sent in ((WITHDRAW, asked(recipient)), (CONFIRM, data)):
        response = browser.post(url, sent)
        assert response.status_code == 422
        assert "The way you sign in has changed." in response.text
    assert nothing_moved(saver)


@pytest.mark.parametrize("token", [None, "", "x", "x" * 3_000, "\x00", "a:b:c"])
def test_a_bad_confirmation_shows_a_new_one(
    browser: Client, saver: User, recipient: Recipient, token: str | None
) -> None:
    data = confirmation(browser, asked(recipient))
    del data["token"]
    response = browser.post(CONFIRM, data | ({} if token is None else {"token": token}))
    assert response.status_code == 422
    assert response.context["confirmed"].errors
    assert nothing_moved(saver)
    data["token"] = response.context["token"]
    assert browser.post(CONFIRM, data).status_code == 302


def test_a_changed_confirmation_is_refused(browser: Client, saver: User, recipient: Recipient) -> None:
    data = confirmation(browser, asked(recipient, "500"))
    payload, _, signature = data["token"].partition(":")
    response = browser.post(CONFIRM, data | {"token": f"{payload}x:{signature}"})
    assert response.status_code == 422
    assert OUTDATED in response.text
    # What the token names counts, not the other fields.
    assert browser.post(CONFIRM, data | {"amount": "90,000"}).status_code == 302
    assert Payout.objects.get().transaction.amount_kobo == 500_00


def test_after_five_minutes_the_page_shows_a_new_confirmation(
    browser: Client, saver: User, recipient: Recipient, clock: time_machine.Traveller
) -> None:
    data = confirmation(browser, asked(recipient))
    clock.shift(301)
    response = browser.post(CONFIRM, data)
    assert response.status_code == 422
    assert OUTDATED in response.text
    assert ">10:10</time>" in response.text
    assert nothing_moved(saver)
    data["token"] = response.context["token"]
    assert browser.post(CONFIRM, data).status_code == 302


def test_a_confirmation_of_another_session_or_user_is_refused(
    browser: Client, saver: User, recipient: Recipient
) -> None:
    data = confirmation(browser, asked(recipient))
    elsewhere = Client()
    sign_in(saver, elsewhere)
    response = elsewhere.post(CONFIRM, data)
    assert response.status_code == 422
    assert OUTDATED in response.text
    other, theirs = make_saver(), Client()
    sign_in(other, theirs)
    response = theirs.post(CONFIRM, data | {"recipient": str(other.recipients.get().pk)})
    assert response.status_code == 422
    assert OUTDATED in response.text
    assert nothing_moved(saver)
    assert nothing_moved(other)


def test_a_confirmation_does_not_contain_the_key_of_the_session(
    browser: Client, recipient: Recipient
) -> None:
    values = signing.loads(
        confirmation(browser, asked(recipient))["token"], salt="savings.payments.payouts.quote"
    )
    assert str(browser.session.session_key) not in map(str, values)


def test_other_fees_show_a_new_confirmation(
    browser: Client, saver: User, recipient: Recipient, settings: Settings
) -> None:
    data = confirmation(browser, asked(recipient))
    settings.PAYOUTS = dataclasses.replace(settings.PAYOUTS, vat_bps=1_000)
    response = browser.post(CONFIRM, data)
    assert response.status_code == 422
    assert "₦2.50" in response.text
    assert nothing_moved(saver)


def test_less_money_than_confirmed_asks_for_the_amount_again(
    browser: Client, saver: User, recipient: Recipient
) -> None:
    first, second = (confirmation(browser, asked(recipient, "60,000")) for _ in range(2))
    assert browser.post(CONFIRM, first).status_code == 302
    response = browser.post(CONFIRM, second)
    assert response.status_code == 422
    assert "more than you can withdraw" in response.context["form"].errors["amount"][0]
    assert Payout.objects.count() == 1


def test_an_account_that_was_removed_meanwhile_is_refused(
    browser: Client, saver: User, recipient: Recipient
) -> None:
    data = confirmation(browser, asked(recipient))
    other = make_recipient(saver)
    payments.remove_recipient(recipient)
    response = browser.post(CONFIRM, data)
    assert response.status_code == 422
    assert "Choose one of your bank accounts." in response.text
    assert f'value="{other.pk}"' in response.text
    assert nothing_moved(saver)


def test_what_waits_for_approval_or_for_its_time_says_so(
    browser: Client, recipient: Recipient, settings: Settings
) -> None:
    settings.PAYOUTS = dataclasses.replace(
        settings.PAYOUTS, approval_from_kobo=50_000_00, delay=datetime.timedelta(minutes=30)
    )
    page = words(browser.post(WITHDRAW, asked(recipient)).text)
    assert "Our staff check withdrawals of this size" in page
    page = words(browser.post(WITHDRAW, asked(recipient, "49,999")).text)
    assert ">10:30, 6 April 2026</time>. You can cancel it until then." in page


def test_without_fees_the_page_has_no_lines_for_them(
    browser: Client, recipient: Recipient, settings: Settings
) -> None:
    rules = settings.PAYOUTS
    free = tuple(band._replace(fee_kobo=0, is_duty_borne=True) for band in rules.fees)
    settings.PAYOUTS = dataclasses.replace(rules, fees=free)
    assert "Withdrawals are free." in browser.get(WITHDRAW).text
    response = browser.post(WITHDRAW, asked(recipient))
    assert response.context["lines"] == [("Amount", "₦50,000.00")]


def test_the_amount_of_a_link_is_filled_in(browser: Client) -> None:
    assert 'value="500.50"' in browser.get(f"{WITHDRAW}?amount=500.50").text
    assert "&lt;b&gt;" in browser.get(f"{WITHDRAW}?amount=<b>").text
    assert browser.get(CONFIRM)["Location"] == WITHDRAW


def test_a_withdrawal_is_cancelled(browser: Client, saver: User) -> None:
    payout = ask(saver)
    url = f"/stash/withdrawals/{payout.transaction.reference}/cancel/"
    assert browser.get(url).status_code == 405
    for _ in range(2):
        assert browser.post(url)["Location"] == "/stash/"
    assert held(saver) == (STASH, 0)
    assert "The withdrawal of ₦50,000 is cancelled." in browser.get("/stash/").text


def test_what_was_sent_cannot_be_cancelled(browser: Client, saver: User) -> None:
    payout = ask(saver)
    Payout.objects.update(state=Payout.State.SENT, sent_at=NOW)
    response = browser.post(f"/stash/withdrawals/{payout.transaction.reference}/cancel/")
    assert response.status_code == 422
    assert "so it can’t be cancelled any more." in response.text
    assert held(saver)[1] == 50_076_87


def test_a_withdrawal_of_another_user_is_not_found(browser: Client) -> None:
    payout = ask(make_saver())
    url = f"/stash/withdrawals/{payout.transaction.reference}/cancel/"
    assert browser.post(url).status_code == 404
    payout.refresh_from_db()
    assert payout.state == Payout.State.WAITING


def test_a_card_payment_is_no_withdrawal_to_cancel(browser: Client, saver: User) -> None:
    movement: Transaction = pay_in(saver, 500_00)
    assert browser.post(f"/stash/withdrawals/{movement.reference}/cancel/").status_code == 404


def test_the_pages_are_valid_html(browser: Client, saver: User, recipient: Recipient) -> None:
    make_recipient(saver, usable_at=NOW + datetime.timedelta(hours=1))
    pages = [browser.get(WITHDRAW), browser.post(WITHDRAW, {}), browser.post(WITHDRAW, asked(recipient))]
    pages.append(browser.post(CONFIRM, asked(recipient) | {"token": "x"}))
    assert [Page("", page.text).errors for page in pages] == [[]] * 4


def test_the_pages_cost_the_same_for_one_row_and_for_many(
    browser: Client, saver: User, recipient: Recipient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    browser.post(WITHDRAW, asked(recipient, "500"))
    for _ in range(2):
        with django_assert_num_queries(8):
            browser.get(WITHDRAW)
        with django_assert_num_queries(8):
            browser.post(WITHDRAW, asked(recipient, "500"))
        for _ in range(4):
            make_recipient(saver)
            ask(saver, 500_00)
