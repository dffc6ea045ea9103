"""The pages of bank accounts: the list, adding one in two steps, the default, removing, and the link in the mail."""

from __future__ import annotations

import datetime

import httpx
import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from savings import payments
from savings.models import OutboxRow, Payout, Recipient, User
from tests import payouts
from tests.factories import make_user
from tests.provider import Provider
from tests.web.test_every_page import Page
from tests.web.withdrawing import sign_in
from web.simulator.banks import NAMES, UNKNOWN

pytestmark = pytest.mark.django_db

LIST, ADD = "/stash/accounts/", "/stash/accounts/add/"
HTMX = {"HX-Request": "true"}
GOOD = {"bank_code": "058", "account_number": "0123456789"}
# The simulator's name for that account.
NAME = NAMES[0]
TEN_DIGITS = "An account number has 10 digits."


@pytest.fixture(autouse=True)
def banks(provider: Provider) -> Provider:
    return provider


@pytest.fixture
def browser(client: Client, saver: User) -> Client:
    """The saver's browser, freshly signed in."""
    sign_in(saver, client)
    return client


def token_of(browser: Client) -> str:
    response = browser.post(ADD, GOOD)
    assert response.status_code == 200
    token: str = response.context["found"].token
    return token


def test_an_account_is_found_confirmed_and_added(browser: Client, saver: User) -> None:
    page = browser.get(ADD).text
    assert page.index("Access Bank") < page.index("First Bank") < page.index("Guaranty Trust")
    found = browser.post(ADD, GOOD)
    assert NAME in found.text
    assert "24 hours after you add it" in found.text
    assert not Recipient.objects.exists()
    token = found.context["found"].token
    assert f'name="token" value="{token}"' in found.text
    assert [browser.post(ADD, {"token": token})["Location"] for _ in range(2)] == [LIST, LIST]
    recipient = saver.recipients.get()
    assert (recipient.bank_name, recipient.account_name) == ("Guaranty Trust Bank", NAME)
    listed = browser.get(LIST).text
    for text in ("0123456789", NAME, "Default</span>", "Usable from\n", "is added"):
        assert text in listed
    assert OutboxRow.objects.filter(kind="recipient_added").count() == 1


def test_an_account_in_another_name_is_warned_about_before_it_is_added(browser: Client, saver: User) -> None:
    words = "This account isn’t in your name"
    assert words in browser.post(ADD, GOOD).text
    User.objects.filter(pk=saver.pk).update(name=NAME)
    assert words not in browser.post(ADD, GOOD).text


def test_a_newcomer_is_led_to_adding_one(browser: Client) -> None:
    assert "No bank account yet" in browser.get(LIST).text


def test_htmx_gets_the_form_alone(browser: Client) -> None:
    fragment = browser.post(ADD, GOOD, headers=HTMX)
    assert fragment.text.lstrip().startswith("<form")
    done = browser.post(ADD, {"token": fragment.context["found"].token}, headers=HTMX)
    assert done["HX-Redirect"] == LIST


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        ("", "Enter the account number."),
        ("012345678", TEN_DIGITS),
        ("01234567890", TEN_DIGITS),
        ("01234S6789", TEN_DIGITS),
        ("\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19", TEN_DIGITS),
        ("\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669", TEN_DIGITS),
        ("-123456789", TEN_DIGITS),
        ("012345678\x00", TEN_DIGITS),
        ("0" * 5_000, TEN_DIGITS),
    ],
)
def test_a_bad_account_number_is_named_beside_the_field(
    browser: Client, banks: Provider, number: str, sentence: str
) -> None:
    response = browser.post(ADD, GOOD | {"account_number": number}, headers=HTMX)
    assert response.status_code == 422
    assert response.context["form"].errors == {"account_number": [sentence]}
    if number.isalnum() and len(number) < 100:
        assert f'value="{number}"' in response.text
    assert '<option value="058" selected>' in response.text
    assert "GET /bank/resolve" not in banks.paths()


@pytest.mark.parametrize("code", ["", "999", "058 ", "\x00"])
def test_a_bad_bank_is_named_beside_the_field(browser: Client, code: str) -> None:
    response = browser.post(ADD, GOOD | {"bank_code": code})
    assert response.status_code == 422
    assert response.context["form"].errors["bank_code"] == ["Choose a bank from the list."]
    assert 'value="0123456789"' in response.text


def test_an_unknown_account_is_named_beside_the_number(browser: Client, banks: Provider) -> None:
    response = browser.post(ADD, GOOD | {"account_number": f"{UNKNOWN}0000000000"[:10]})
    assert response.status_code == 422
    assert response.context["form"].errors["account_number"] == ["This bank has no account with that number."]


def test_an_account_of_somebody_else_is_refused_where_the_operator_wants_that(
    browser: Client, settings: Settings
) -> None:
    settings.PAYOUTS = settings.PAYOUTS.__class__(**{**vars(settings.PAYOUTS), "own_accounts_only": True})
    response = browser.post(ADD, GOOD)
    assert response.status_code == 422
    assert f"This account belongs to {NAME}" in response.text


def test_without_the_list_of_banks_the_page_says_so(browser: Client, banks: Provider) -> None:
    cache.clear()
    banks.instead = lambda _: httpx.Response(503)
    page = browser.get(ADD)
    assert page.status_code == 200
    assert "We can’t load the list of banks right now" in page.text
    response = browser.post(ADD, GOOD)
    assert response.status_code == 422
    assert "We can’t load the list of banks" in response.context["form"].errors["bank_code"][0]
    assert 'value="0123456789"' in response.text
    assert browser.get(LIST).status_code == 200


def test_a_provider_that_goes_away_before_the_name_is_there_says_so(browser: Client, banks: Provider) -> None:
    banks.answers["/bank/resolve"] = lambda _: httpx.Response(503)
    response = browser.post(ADD, GOOD)
    assert response.status_code == 422
    assert "We can’t reach the payment provider right now" in response.text


def test_a_confirmation_is_refused(browser: Client, saver: User, client: Client) -> None:
    other = payments.find_account(make_user(), **GOOD).token
    for token in ("", "x", "x" * 3_000, "\x00", other, f"{token_of(browser)}x"):
        response = browser.post(ADD, {"token": token})
        assert response.status_code == 422
        assert "bank_code" in response.context["form"].fields
        assert response.context["confirmed"].errors
    assert not Recipient.objects.exists()


def test_a_confirmation_that_comes_late_is_refused(browser: Client, saver: User) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.core.signing.time.time", lambda: timezone.now().timestamp() - 601)
        token = payments.find_account(saver, **GOOD).token
    response = browser.post(ADD, {"token": token})
    assert response.status_code == 422
    assert "more than ten minutes" in response.text


def test_looking_accounts_up_is_limited(browser: Client, banks: Provider) -> None:
    statuses = [browser.post(ADD, GOOD).status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    assert banks.paths().count("GET /bank/resolve") == 10
    # The page itself is not.
    assert browser.get(ADD).status_code == 200


def test_the_pages_are_valid_html(browser: Client, saver: User) -> None:
    recipient = payouts.make_recipient(saver)
    link = f"{LIST}undo/{payments.undo_token(recipient)}/"
    pages = [browser.get(LIST), browser.post(ADD, GOOD), browser.post(ADD, {"token": "x"})]
    pages += [Client().get(link), Client().get(f"{LIST}undo/x/"), Client().post(link)]
    assert [Page("", page.text).errors for page in pages] == [[]] * 6


def test_a_sixth_account_is_refused(browser: Client, saver: User) -> None:
    for _ in range(payments.MOST_RECIPIENTS):
        payouts.make_recipient(saver)
    listed = browser.get(LIST).text
    assert "which is the limit" in listed
    assert f'href="{ADD}"' not in listed
    assert "Remove one first" in browser.post(ADD, GOOD).text


def test_another_default_is_chosen(browser: Client, saver: User) -> None:
    first, second = payouts.make_recipient(saver), payouts.make_recipient(saver)
    assert browser.post(f"{LIST}{second.pk}/default/")["Location"] == LIST
    assert list(saver.recipients.current()) == [second, first]
    assert browser.get(f"{LIST}{second.pk}/default/").status_code == 405


def test_removing_an_account_cancels_what_was_not_sent(browser: Client) -> None:
    saver = payouts.make_saver()
    sign_in(saver, browser)
    payout = payouts.ask(saver)
    recipient = payout.recipient
    assert browser.post(f"{LIST}{recipient.pk}/remove/")["Location"] == LIST
    page = browser.get(LIST).text
    assert "A withdrawal to it was cancelled. The money is back in your stash." in page
    payout.refresh_from_db()
    assert payout.state == Payout.State.CANCELLED
    # Again: nothing is left to do.
    assert browser.post(f"{LIST}{recipient.pk}/remove/")["Location"] == LIST
    assert browser.get(f"{LIST}{recipient.pk}/remove/").status_code == 405


def test_an_account_of_another_user_is_not_found(browser: Client) -> None:
    theirs = payouts.make_recipient(make_user())
    for action in ("remove", "default"):
        assert browser.post(f"{LIST}{theirs.pk}/{action}/").status_code == 404
    theirs.refresh_from_db()
    assert theirs.removed_at is None
    assert theirs.account_number not in browser.get(LIST).text


def test_the_link_in_the_mail_removes_the_account_without_signing_in(saver: User) -> None:
    recipient = payouts.make_recipient(saver)
    link = f"{LIST}undo/{payments.undo_token(recipient)}/"
    visitor = Client()
    asked = visitor.get(link)
    assert "Remove this account?" in asked.text
    assert saver.recipients.current().count() == 1
    assert "The account is removed" in visitor.post(link).text
    assert saver.recipients.current().count() == 0
    for again in (visitor.get(link), visitor.post(link)):
        assert "The account is removed" in again.text


def test_a_link_that_is_not_ours_or_too_old_is_over(saver: User, settings: Settings) -> None:
    recipient = payouts.make_recipient(saver)
    token = payments.undo_token(recipient)
    settings.EMAIL_UNDO_DAYS = -1
    for text in ("x", f"{token}x", token):
        response = Client().post(f"{LIST}undo/{text}/")
        assert response.status_code == 404
        assert "This link no longer works" in response.text
    recipient.refresh_from_db()
    assert recipient.removed_at is None


def test_a_new_account_says_from_when_it_works(browser: Client, saver: User) -> None:
    usable_at = timezone.now() + datetime.timedelta(hours=3)
    payouts.make_recipient(saver, usable_at=usable_at)
    assert f"{timezone.localtime(usable_at):%H:%M}" in browser.get(LIST).text


def test_the_pages_cost_the_same_for_one_account_and_for_many(
    browser: Client, saver: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    browser.get(ADD)
    for _ in range(2):
        payouts.make_recipient(saver)
        with django_assert_num_queries(2):
            browser.get(LIST)
        with django_assert_num_queries(2):
            browser.get(ADD)
        for _ in range(3 - saver.recipients.count()):
            payouts.make_recipient(saver)
