"""Saved cards on the pages: the list, the choice to save one, and paying with one in one step."""

from __future__ import annotations

import datetime
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import time_machine
from django.test import Client

from savings import autosave, ledger, payments
from savings.models import Payment, Plan, SavedCard, Transaction, User
from tests import cards
from tests.autosave import make_rule
from tests.factories import PASSWORD, make_plan, make_user
from tests.provider import Provider
from tests.web.form_filling import filled_in

pytestmark = pytest.mark.django_db
Status = Transaction.Status
CHARGE = "/transaction/charge_authorization"
FUND = "/stash/fund/"


@pytest.fixture
def card(provider: Provider, saver: User) -> SavedCard:
    return cards.save_card(provider, saver)


def pay(client: Client, url: str, **fields: str) -> Any:
    """Fill in the form and send it."""
    return client.post(url, filled_in(client, url, **{"amount": "25,000"} | fields))


def latest() -> Transaction:
    return Transaction.objects.order_by("-pk")[0]


# The list -------------------------------------------------------------------------------------------------------------


def test_the_list_shows_each_card_with_what_stops_it(saver_client: Client, saver: User) -> None:
    cards.make_card(saver, name="Salary", last4="4242")
    cards.make_card(saver, brand="Mastercard", last4="5100", trouble="refused")
    page = saver_client.get("/cards/").content.decode()
    assert "Salary" in page
    assert "Visa ··4242, expires 12/30" in page
    assert "Expires 12/30" in page
    assert page.count("Default") == 1
    assert payments.why_not_chargeable(SavedCard.objects.get(last4="5100")) in page
    assert "AUTH_" not in page


@pytest.mark.parametrize(
    ("expires_on", "words"), [("2026-11-30", "Expires today"), ("2026-11-29", ""), ("2026-12-31", "")]
)
def test_a_card_that_expires_this_month_is_marked(
    saver_client: Client, saver: User, expires_on: str, words: str
) -> None:
    with time_machine.travel("2026-11-30T09:00:00Z", tick=False):
        cards.make_card(saver, expires_on=datetime.date.fromisoformat(expires_on))
        saver_client.force_login(saver)
        for url in ("/cards/", FUND):
            page = saver_client.get(url).text
            assert ("Expires today" in page) == bool(words), url
            assert "Expires this month" not in page
    with time_machine.travel("2026-11-03T09:00:00Z", tick=False):
        assert ("Expires this month" in saver_client.get("/cards/").text) == expires_on.startswith("2026-11")


def test_a_card_that_expires_today_is_no_default_and_pays_no_later_date(
    saver_client: Client, saver: User
) -> None:
    with time_machine.travel("2026-11-30T09:00:00Z", tick=False):
        saver_client.force_login(saver)
        for day in ("2030-12-31", "2026-11-30"):
            cards.make_card(saver, expires_on=datetime.date.fromisoformat(day))
        assert "Make default" not in saver_client.get("/cards/").text
        sources = saver_client.get("/auto-save/stash/").context["sources"]
        assert [one.why_not for one in sources if one.why_not] == ["Expires today, before the first date."]


def test_a_default_card_that_expires_today_says_both(saver_client: Client, saver: User) -> None:
    with time_machine.travel("2026-11-30T09:00:00Z", tick=False):
        saver_client.force_login(saver)
        cards.make_card(saver, expires_on=datetime.date(2026, 11, 30))
        page = saver_client.get("/cards/").text
    assert "Default</span>" in page
    assert "Expires today</span>" in page


def test_the_list_leads_to_a_way_to_add_a_card(saver_client: Client, saver: User) -> None:
    cards.make_card(saver)
    page = saver_client.get("/cards/").text
    assert 'href="/stash/fund/"' in page
    assert "Add a card" in page


def test_the_list_says_how_many_auto_saves_a_card_pays(saver_client: Client, saver: User) -> None:
    card = cards.make_card(saver)
    make_rule(user=saver, card=card)
    autosave.pause_rule(make_rule(user=saver, card=card))
    assert "Expires 12/30 · 1 auto-save<" in saver_client.get("/cards/").text


def test_without_cards_the_list_says_how_to_save_one(saver_client: Client) -> None:
    assert "No saved card yet" in saver_client.get("/cards/").content.decode()
    assert '/cards/"' in saver_client.get("/profile/").content.decode()
    assert '/cards/"' in saver_client.get("/stash/").content.decode()


def test_a_full_list_says_so(saver_client: Client, saver: User) -> None:
    for _ in range(payments.MOST_CARDS):
        cards.make_card(saver)
    assert "which is the limit" in saver_client.get("/cards/").content.decode()
    assert "save_card" not in saver_client.get(FUND).content.decode()


def test_a_card_is_renamed_made_default_and_removed_after_a_question(
    saver_client: Client, saver: User
) -> None:
    first, second = cards.make_card(saver), cards.make_card(saver)
    assert saver_client.post(f"/cards/{second.pk}/rename/", {"name": " My  card "})["Location"] == "/cards/"
    assert saver_client.post(f"/cards/{second.pk}/default/")["Location"] == "/cards/"
    second.refresh_from_db()
    assert (second.name, second.is_default) == ("My card", True)
    page = saver_client.get(f"/cards/{second.pk}/remove/").content.decode()
    assert "Remove this card?" in page
    assert SavedCard.objects.current().count() == 2
    assert saver_client.post(f"/cards/{second.pk}/remove/")["Location"] == "/cards/"
    assert list(SavedCard.objects.current()) == [first]
    assert "My card is removed." in saver_client.get("/cards/").content.decode()
    assert saver_client.post(f"/cards/{second.pk}/remove/").status_code == 404


@pytest.mark.parametrize("name", ["x" * 41, "x" * 2_000])
def test_a_bad_name_is_refused_beside_the_field(saver_client: Client, saver: User, name: str) -> None:
    card = cards.make_card(saver)
    response = saver_client.post(f"/cards/{card.pk}/rename/", {"name": name})
    assert response.status_code == 422
    card.refresh_from_db()
    assert card.name == ""


@pytest.mark.parametrize("what", ["rename", "default", "remove"])
def test_another_user_s_card_is_not_there(saver_client: Client, what: str) -> None:
    card = cards.make_card(make_user())
    assert saver_client.post(f"/cards/{card.pk}/{what}/", {"name": "Mine"}).status_code == 404
    card.refresh_from_db()
    assert (card.name, card.removed_at) == ("", None)


# Saving one -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_ticked", [False, True])
@pytest.mark.parametrize("where", ["plan", "stash"])
def test_the_choice_to_save_a_card_is_stored_with_its_text_and_the_device(
    provider: Provider, saver_client: Client, saver: User, where: str, *, is_ticked: bool
) -> None:
    url = f"/plans/{make_plan(saver).pk}/top-up/" if where == "plan" else FUND
    page = saver_client.get(url).content.decode()
    assert payments.MANDATE in page
    fields = filled_in(saver_client, url, amount="5,000") | ({"save_card": "on"} if is_ticked else {})
    saver_client.post(url, fields, headers={"User-Agent": "Firefox " * 50})
    payment = Payment.objects.get()
    assert payment.mandate == (payments.MANDATE if is_ticked else "")
    assert payment.mandate_device == (("Firefox " * 50)[:200] if is_ticked else "")
    provider.pay(payment)
    saver_client.get(f"/payments/return/{payment.transaction.reference}/")
    assert SavedCard.objects.count() == is_ticked


# Paying with one ------------------------------------------------------------------------------------------------------


def test_saved_cards_are_offered_first_and_the_default_is_chosen(saver_client: Client, saver: User) -> None:
    plan = make_plan(saver)
    first = cards.make_card(saver)
    second = cards.make_card(saver, name="Salary")
    cards.make_card(saver, trouble="refused", last4="9999")
    payments.make_default_card(second)
    for url in (f"/plans/{plan.pk}/top-up/", FUND):
        page = saver_client.get(url).content.decode()
        places = [
            page.index(f'value="{source}"') for source in (f"card-{second.pk}", f"card-{first.pk}", "card")
        ]
        assert places == sorted(places)
        assert f'value="card-{second.pk}" checked' in page
        assert "9999" not in page


def test_the_stash_can_be_asked_for_by_the_link(saver_client: Client, saver: User, card: SavedCard) -> None:
    plan = make_plan(saver)
    page = saver_client.get(f"/plans/{plan.pk}/top-up/?from=stash").content.decode()
    assert 'value="stash" checked' in page
    page = saver_client.get(f"/plans/{plan.pk}/top-up/?from=nonsense").content.decode()
    assert f'value="card-{card.pk}" checked' in page


@pytest.mark.parametrize("where", ["plan", "stash"])
def test_paying_with_a_saved_card_leads_to_the_receipt(
    provider: Provider, saver_client: Client, saver: User, card: SavedCard, where: str
) -> None:
    url = f"/plans/{make_plan(saver).pk}/top-up/" if where == "plan" else FUND
    response = pay(saver_client, url, source=f"card-{card.pk}", save_card="on")
    movement = latest()
    assert response["Location"] == f"/transactions/{movement.reference}/"
    assert (movement.status, movement.payment.saved_card) == (Status.SUCCESS, card)
    assert movement.payment.mandate == ""
    page = saver_client.get(response["Location"]).content.decode()
    assert "Visa ··4081" in page


def test_the_same_form_sent_twice_charges_once(
    provider: Provider, saver_client: Client, saver: User, card: SavedCard
) -> None:
    asked = filled_in(saver_client, FUND, amount="25,000", source=f"card-{card.pk}")
    first, second = saver_client.post(FUND, asked), saver_client.post(FUND, asked)
    assert first["Location"] == second["Location"]
    assert provider.paths().count(f"POST {CHARGE}") == 1


def test_a_declined_charge_says_why_and_what_to_do(
    provider: Provider, saver_client: Client, saver: User
) -> None:
    card = cards.save_card(provider, saver, "card-no-funds")
    response = pay(saver_client, FUND, source=f"card-{card.pk}")
    movement = latest()
    assert movement.status == Status.FAILED
    page = saver_client.get(response["Location"]).content.decode()
    assert page.count("There wasn’t enough money on the card.") >= 1
    assert "No money left your account." in page
    assert "Try another card" in page


def test_a_challenge_shows_the_button_to_the_provider(
    provider: Provider, saver_client: Client, saver: User
) -> None:
    card = cards.save_card(provider, saver, "card-challenge")
    response = pay(saver_client, FUND, source=f"card-{card.pk}")
    movement = latest()
    waiting = f"/payments/return/{movement.reference}/"
    assert response["Location"] == waiting
    page = saver_client.get(waiting).content.decode()
    payment = Payment.objects.get(transaction=movement)
    assert "Approve the payment" in page
    assert f'href="{payment.checkout_url}"' in page
    receipt = saver_client.get(f"/transactions/{movement.reference}/").content.decode()
    assert "Approve the payment" in receipt
    assert saver_client.post(f"/payments/send/{movement.reference}/")["Location"] == payment.checkout_url
    provider.pay(payment)
    back = saver_client.get(f"/payments/return/?trxref=x&reference={movement.reference}")
    assert back["Location"] == waiting
    assert saver_client.get(waiting)["Location"] == f"/transactions/{movement.reference}/"
    movement.refresh_from_db()
    assert movement.status == Status.SUCCESS


@pytest.mark.parametrize("query", ["", "?reference=", "?reference=../x", f"?reference={'A' * 41}"])
def test_a_return_without_a_reference_leads_to_the_list(saver_client: Client, query: str) -> None:
    assert saver_client.get(f"/payments/return/{query}")["Location"] == "/transactions/"


def test_a_lost_answer_waits_and_is_never_charged_again(
    provider: Provider, saver_client: Client, card: SavedCard
) -> None:
    provider.answers[CHARGE] = lambda request: httpx.Response(504)
    response = pay(saver_client, FUND, source=f"card-{card.pk}")
    movement = latest()
    assert response["Location"] == f"/payments/return/{movement.reference}/"
    page = saver_client.get(response["Location"]).content.decode()
    assert "We’re waiting for the payment provider." in page
    assert "Back to the payment page" not in page
    receipt = saver_client.get(f"/transactions/{movement.reference}/").content.decode()
    assert "Check now" in receipt
    calls = len(provider.requests)
    saver_client.post(f"/payments/send/{movement.reference}/")
    assert len(provider.requests) == calls
    provider.announce(movement.reference, movement.amount_kobo, outcome="success")
    saver_client.get(response["Location"])
    movement.refresh_from_db()
    assert movement.status == Status.SUCCESS
    assert provider.paths().count(f"POST {CHARGE}") == 1


@pytest.mark.parametrize("source", ["", "card-0", "card-x", "stash", "card-99999999999999999999"])
def test_a_source_that_is_not_offered_is_refused_and_what_was_typed_stays(
    provider: Provider, saver_client: Client, card: SavedCard, source: str
) -> None:
    response = pay(saver_client, FUND, source=source, amount="1,234")
    assert response.status_code == 422
    page = response.content.decode()
    assert "Choose where the money comes from." in page
    assert "1,234" in page
    assert f"POST {CHARGE}" not in provider.paths()


def test_another_user_s_card_cannot_be_charged(
    provider: Provider, saver_client: Client, card: SavedCard
) -> None:
    other = cards.save_card(provider, make_user())
    assert pay(saver_client, FUND, source=f"card-{other.pk}").status_code == 422
    assert f"POST {CHARGE}" not in provider.paths()


def test_a_card_that_was_removed_meanwhile_is_refused(
    provider: Provider, saver_client: Client, card: SavedCard
) -> None:
    cards.make_card(card.user)
    asked = filled_in(saver_client, FUND, amount="5,000", source=f"card-{card.pk}")
    payments.remove_card(card)
    assert saver_client.post(FUND, asked).status_code == 422


# A large amount -------------------------------------------------------------------------------------------------------


def test_a_large_amount_needs_a_fresh_sign_in_and_keeps_what_was_typed(
    provider: Provider, saver_client: Client, saver: User, card: SavedCard
) -> None:
    plan = make_plan(saver)
    url = f"/plans/{plan.pk}/top-up/"
    response = pay(saver_client, url, source=f"card-{card.pk}", amount="100,000.01")
    form = f"{url}?amount=100%2C000.01&from=card-{card.pk}"
    assert response["Location"].startswith("/accounts/reauthenticate/?next=")
    assert response["Location"].endswith(quote(form, safe=""))
    assert f"POST {CHARGE}" not in provider.paths()
    saver_client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = saver_client.get(form).content.decode()
    assert 'value="100,000.01"' in page
    assert f'value="card-{card.pk}" checked' in page
    pay(saver_client, form, source=f"card-{card.pk}", amount="100,000.01")
    assert latest().status == Status.SUCCESS
    assert ledger.balance_kobo(Plan.objects.get(pk=plan.pk).account) == 100_000_01


def test_an_amount_up_to_the_limit_needs_no_second_step(
    provider: Provider, saver_client: Client, card: SavedCard
) -> None:
    response = pay(saver_client, FUND, source=f"card-{card.pk}", amount="100,000")
    assert response["Location"].startswith("/transactions/")
