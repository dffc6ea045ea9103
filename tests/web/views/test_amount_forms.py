"""Amount forms without a script: suggestions as links, sources as rows, and what follows from the amount."""

from __future__ import annotations

import html
import re

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from savings import money, payments
from savings.models import Plan, Product, User
from savings.models.plans import EarlyExit
from tests.factories import make_plan, make_product, make_user, pay_in
from tests.web.form_filling import filled_in
from web.hidden_balances import COOKIE, HIDDEN

pytestmark = pytest.mark.django_db


def words(client: Client, url: str) -> str:
    """Return the text of a page's form."""
    page = client.get(url).text.partition('id="form"')[2].partition("</form>")[0]
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", page).split()))


def suggestions(client: Client, url: str) -> list[str]:
    links = re.findall(r'href="(\?amount=[^"]+)"', client.get(url).text)
    # What reaches the goal is offered once more, where more is typed.
    return [html.unescape(link) for link in dict.fromkeys(links)]


def test_suggestions_fill_the_field_by_a_link(saver_client: Client, saver: User) -> None:
    plan = make_plan(saver, target_kobo=60_000_00, holding_kobo=4_000_00)
    url = f"/plans/{plan.pk}/top-up/"
    links = suggestions(saver_client, url)
    assert links == [f"?amount={amount}&from=card" for amount in ("5%2C000", "10%2C000", "56%2C000")]
    assert "₦56,000 to goal" in words(saver_client, url)
    filled = saver_client.get(url + links[-1])
    assert filled.context["form"]["amount"].value() == "56,000"
    assert "will hold ₦60,000.00" in words(saver_client, url + links[-1])
    assert "Pay ₦56,000" in words(saver_client, url + links[-1])


@pytest.mark.parametrize(
    ("amount", "shown", "hidden"),
    [
        ("6,000", ["data-below"], ["data-before", "data-reached"]),
        ("56,000", ["data-reached"], ["data-before", "data-below", "data-beyond"]),
        ("100,202.82", ["data-reached", "data-beyond"], ["data-before", "data-below"]),
        ("", ["data-before"], []),
    ],
)
def test_an_amount_beyond_the_goal_says_by_how_much(
    saver_client: Client, saver: User, amount: str, shown: list[str], hidden: list[str]
) -> None:
    plan = make_plan(saver, target_kobo=60_000_00, holding_kobo=4_000_00)
    url = f"/plans/{plan.pk}/top-up/?amount={amount}"
    page = saver_client.get(url).text
    for name in (*shown, *hidden):
        assert (f"{name} hidden" in page) == (name in hidden), name
    if "data-beyond" in shown:
        assert "Reaches your goal ₦44,202.82 over Pay ₦56,000 instead" in words(saver_client, url)


def test_the_stash_has_round_amounts_and_says_what_it_will_hold(saver_client: Client, saver: User) -> None:
    pay_in(saver, 1_000_50)
    assert suggestions(saver_client, "/stash/fund/") == [
        "?amount=2%2C000",
        "?amount=5%2C000",
        "?amount=10%2C000",
        "?amount=50%2C000",
    ]
    assert "Your stash will hold ₦3,000.50" in words(saver_client, "/stash/fund/?amount=2,000")
    assert "Pay ₦2,000 by card" in words(saver_client, "/stash/fund/?amount=2,000")
    assert "Pay by card" in words(saver_client, "/stash/fund/")


def test_everything_is_suggested_on_the_way_out(saver_client: Client, saver: User) -> None:
    url = f"/plans/{make_plan(saver, holding_kobo=217_500_25, name='Rent').pk}/withdraw/"
    [link] = suggestions(saver_client, url)
    assert "All of it: ₦217,500.25" in words(saver_client, url)
    data = filled_in(saver_client, url + link)
    assert data["amount"] == "217,500.25"
    assert "Rent will hold ₦0.00" in words(saver_client, url + link)
    assert saver_client.post(url, data).status_code == 302


def test_hidden_balances_stay_hidden_and_round_suggestions_can_be_read(
    saver_client: Client, saver: User
) -> None:
    plan = make_plan(saver, target_kobo=60_000_00, holding_kobo=4_000_00)
    saver_client.cookies[COOKIE] = HIDDEN
    page = words(saver_client, f"/plans/{plan.pk}/top-up/?amount=3000")
    assert "₦ 5,000" in page
    assert "₦•••• to goal" in page
    assert "will hold ₦••••" in page
    assert "All of it: ₦••••" in words(saver_client, f"/plans/{plan.pk}/withdraw/")


def test_the_bar_shows_what_is_there_and_what_an_amount_adds(saver_client: Client, saver: User) -> None:
    plan = make_plan(saver, target_kobo=10_000_00, holding_kobo=4_000_00)
    page = saver_client.get(f"/plans/{plan.pk}/top-up/?amount=2000").text
    assert re.findall(r'max="100" value="(\d+)"', page) == ["60", "40"]


def test_an_empty_plan_has_nothing_to_suggest(saver_client: Client, saver: User) -> None:
    assert suggestions(saver_client, f"/plans/{make_plan(saver).pk}/withdraw/") == []


@pytest.mark.parametrize("amount", ["", "abc", "-5", "0", "9" * 40, "<i>", "12.345"])
def test_no_consequence_is_promised_for_what_is_no_amount(saver_client: Client, amount: str) -> None:
    page = saver_client.get("/stash/fund/", {"amount": amount}).text
    assert '<p class="small" hidden>' in page
    assert "<i>" not in page


def test_more_than_the_plan_holds_has_no_consequence(saver_client: Client, saver: User) -> None:
    url = f"/plans/{make_plan(saver, holding_kobo=100_00).pk}/withdraw/?amount=101"
    assert '<p class="small" hidden>' in saver_client.get(url).text


@pytest.mark.parametrize(
    ("stash_kobo", "why"), [(0, "Nothing to move."), (99_99, "Less than ₦100, the least you can move.")]
)
def test_a_stash_with_too_little_cannot_be_chosen(
    saver_client: Client, saver: User, stash_kobo: int, why: str
) -> None:
    url = f"/plans/{make_plan(saver).pk}/top-up/?from=stash"
    if stash_kobo:
        pay_in(saver, stash_kobo)
    card, stash = saver_client.get(url).context["sources"]
    assert (card.is_chosen, stash.is_chosen, stash.why_not) == (True, False, why)
    assert why in words(saver_client, url)
    assert re.search(r'value="stash"\s+disabled', saver_client.get(url).text)


def test_a_stash_with_money_is_chosen_by_its_link(saver_client: Client, saver: User) -> None:
    pay_in(saver, 100_00)
    url = f"/plans/{make_plan(saver).pk}/top-up/?from=stash"
    card, stash = saver_client.get(url).context["sources"]
    assert (card.is_chosen, stash.is_chosen, stash.why_not) == (False, True, "")
    assert suggestions(saver_client, url)[0] == "?amount=2%2C000&from=stash"


def test_a_refused_form_keeps_what_was_typed_and_chosen(saver_client: Client, saver: User) -> None:
    pay_in(saver, 5_000_00)
    url = f"/plans/{make_plan(saver).pk}/top-up/"
    response = saver_client.post(url, filled_in(saver_client, url, amount="6,000", source="stash"))
    assert response.status_code == 422
    assert 'value="6,000"' in response.text
    assert re.search(r'value="stash"\s+checked', response.text)


def test_another_users_plan_has_no_form(saver_client: Client) -> None:
    plan = make_plan(make_user(), holding_kobo=100_00)
    for verb in ("top-up", "withdraw"):
        assert saver_client.get(f"/plans/{plan.pk}/{verb}/?amount=100").status_code == 404


def test_the_forms_cost_the_same_for_one_plan_and_for_many(
    saver_client: Client, saver: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    plan = make_plan(saver, target_kobo=60_000_00, holding_kobo=4_000_00)
    for more in (0, 20):
        for _ in range(more):
            make_plan(saver, holding_kobo=100_00)
        for url, queries in (
            (f"/plans/{plan.pk}/top-up/", 5),
            (f"/plans/{plan.pk}/withdraw/", 2),
            ("/stash/fund/", 3),
        ):
            saver_client.get(url)
            with django_assert_num_queries(queries):
                saver_client.get(url)


HTMX = {"HX-Request": "true"}


@time_machine.travel("2026-11-24T12:00:00Z", tick=False)
def test_the_sum_that_gets_there_in_time_is_suggested(saver_client: Client, saver: User) -> None:
    plan = make_plan(saver, make_product(Product.Kind.TARGET), target_kobo=600_000_00)
    url = f"/plans/{plan.pk}/top-up/"
    chip = re.search(r"₦([\d,]+) a (?:week|month)", words(saver_client, url))
    assert chip
    line = saver_client.get(f"/plans/{plan.pk}/").text
    assert re.search(rf"₦{chip[1]} a (?:month for \d+ months|week for \d+ weeks) gets you there", line)


def test_an_early_exit_says_what_it_costs_before_the_quote(
    saver_client: Client, saver: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    product = make_product(Product.Kind.TARGET, early_exit=EarlyExit.PENALTY, penalty_bps=100)
    plan = make_plan(saver, product, holding_kobo=10_000_00)
    url = f"/plans/{plan.pk}/exit/preview/"
    assert f'hx-post="{url}"' in saver_client.get(f"/plans/{plan.pk}/exit/").text

    def said(amount: str) -> str:
        page = saver_client.post(url, {"amount": amount}, headers=HTMX).text
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())

    leaves = "Leaves ₦9,500 of your ₦1,000,000 goal."
    assert said("500") == f"Taken out ₦500.00 Penalty, 1% − ₦5.00 In your stash ₦495.00 {leaves}"
    assert said("10,000.01").startswith("You have ₦10,000 in this plan")
    assert said("five") == said("") == ""
    # Without htmx the form comes back, and nothing has moved.
    assert saver_client.post(url, {"amount": "500"})["Location"] == f"/plans/{plan.pk}/exit/"
    assert Plan.objects.get(pk=plan.pk).account.balance_kobo == 10_000_00


def test_a_preview_of_another_savers_exit_is_not_found(saver_client: Client) -> None:
    plan = make_plan(make_user("bola@example.com"), make_product(Product.Kind.TARGET), holding_kobo=100_00)
    url = f"/plans/{plan.pk}/exit/preview/"
    assert saver_client.post(url, {"amount": "50"}, headers=HTMX).status_code == 404


def test_a_withdrawal_says_what_it_costs_before_the_confirmation(saver_client: Client, saver: User) -> None:
    url = "/stash/withdraw/preview/"

    def said(amount: str) -> str:
        page = saver_client.post(url, {"amount": amount}, headers=HTMX).text
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())

    fees_kobo = payments.fees_for(20_000_00).total_kobo
    total = money.naira(20_000_00 + fees_kobo)
    assert said("20,000") == f"You get ₦20,000.00 Fees {money.naira(fees_kobo)} Leaves your stash {total}"
    assert said("x") == said("") == ""
    assert saver_client.get(url)["Location"] == "/stash/withdraw/"


@pytest.mark.parametrize(("asked", "shown"), [("25000", "25,000"), ("1250.5", "1,250.50"), ("five", "five")])
def test_an_amount_in_a_url_fills_the_field_with_separators(
    saver_client: Client, saver: User, asked: str, shown: str
) -> None:
    plan = make_plan(saver)
    for page in (f"/plans/{plan.pk}/top-up/", "/stash/fund/", f"/auto-save/plans/{plan.pk}/"):
        assert f'value="{shown}"' in saver_client.get(page, {"amount": asked}).text
