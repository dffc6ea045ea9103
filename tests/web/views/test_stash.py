"""The stash page."""

from __future__ import annotations

import dataclasses
import datetime
import re

import pytest
import time_machine
from django.test import Client
from django.utils.html import strip_tags
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from savings.models import Product, User
from tests.factories import fill, make_plan, make_product, make_user, pay_in
from tests.payouts import ask, make_saver
from tests.provider import Provider
from tests.web.withdrawing import say
from web.pages import payouts

pytestmark = pytest.mark.django_db


def test_the_stash_shows_its_balance_and_what_moved(client: Client) -> None:
    user = make_user()
    plan = make_plan(user, holding_kobo=1_00, name="Rent")
    pay_in(user, 186_420_50)
    client.force_login(user)
    page = client.get("/stash/").content.decode()
    assert "₦186,420<small>.50</small>" in page
    assert "Added to stash" in page
    assert f"/plans/{plan.pk}/top-up/?from=stash" in page


def test_the_plans_to_move_to_are_in_the_order_of_the_top_up_page(client: Client) -> None:
    user = make_user()
    due = make_plan(user, make_product(Product.Kind.TARGET), target_kobo=95_000_00, days=70, name="Rent")
    make_plan(user, holding_kobo=1_00, name="Car")
    client.force_login(user)
    response = client.get("/stash/")
    asked = [row.card.plan.pk for _, rows in client.get("/plans/top-up/").context["groups"] for row in rows]
    assert [row.card.plan.pk for row in response.context["plans"]] == asked
    assert asked[0] == due.pk
    assert f'href="/plans/{due.pk}/top-up/?amount=9%2C500&amp;from=stash"' in response.text
    assert "₦95,000 to go" in strip_tags(
        re.sub(r"\s+", " ", response.text).replace("</span><span", "</span> <span")
    )


def test_a_newcomer_sees_what_to_do(client: Client) -> None:
    client.force_login(make_user())
    assert "No transactions yet" in client.get("/stash/").content.decode()


def test_the_page_costs_the_same_for_one_row_and_for_many(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    user, product = make_user(), make_product()
    client.force_login(user)
    client.get("/stash/")
    for rows in (1, 1_000):
        make_plan(user, product)
        fill(user, rows)
        with django_assert_num_queries(4):
            client.get("/stash/")


def test_a_page_with_withdrawals_costs_the_same_for_one_and_for_many(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    saver = make_saver()
    client.force_login(saver)
    ask(saver, 500_00)
    client.get("/stash/")
    for number in (1, 20):
        for _ in range(number):
            ask(saver, 500_00)
        # One for what is on its way out, and one for the fees among the latest rows.
        with django_assert_num_queries(6):
            page = client.get("/stash/")
    assert page.text.count("/cancel/") == payouts.MOST_ON_THE_WAY


def test_money_can_be_withdrawn_once_there_is_some(client: Client, saver: User) -> None:
    client.force_login(saver)
    to_forms = re.compile(r'<a class="btn btn-s" href="(/stash/(?:fund|withdraw)/)">')
    assert to_forms.findall(client.get("/stash/").text) == ["/stash/fund/"]
    pay_in(saver, 1_00)
    assert to_forms.findall(client.get("/stash/").text) == ["/stash/fund/", "/stash/withdraw/"]


def test_money_on_its_way_out_is_shown_with_its_countdown(client: Client, settings: Settings) -> None:
    rules = settings.PAYOUTS
    with time_machine.travel(datetime.datetime(2026, 4, 6, 9, 30, tzinfo=datetime.UTC), tick=False):
        saver = make_saver()
        client.force_login(saver)
        settings.PAYOUTS = dataclasses.replace(rules, delay=datetime.timedelta(hours=2))
        payout = ask(saver)
        page = words(client.get("/stash/").text)
        for text in (
            "On its way out",
            "₦50,076.87</span> on its way out",
            f"To <bdi>{payout.recipient}</bdi>",
            "Waiting to be sent: in about 2 hours,",
            ">6 Apr 2026, 12:30</time>",
            f'action="/stash/withdrawals/{payout.transaction.reference}/cancel/"',
        ):
            assert text in page
    with time_machine.travel(datetime.datetime(2026, 4, 6, 10, 30, tzinfo=datetime.UTC), tick=False):
        client.force_login(saver)
        assert "in about an hour," in client.get("/stash/").text


def test_what_waits_for_approval_can_be_cancelled_and_what_was_sent_cannot(
    client: Client, provider: Provider, settings: Settings
) -> None:
    settings.PAYOUTS = dataclasses.replace(settings.PAYOUTS, approval_from_kobo=50_000_00)
    saver = make_saver()
    client.force_login(saver)
    waiting, sent = ask(saver), ask(saver, 500_00)
    say(sent, "pending")
    page = words(client.get("/stash/").text)
    assert "Waiting for approval" in page
    assert "Sent, waiting for the bank" in page
    assert f"/withdrawals/{waiting.transaction.reference}/cancel/" in page
    assert f"/withdrawals/{sent.transaction.reference}/cancel/" not in page
    say(sent, "success")
    assert "Sent, waiting for the bank" not in client.get("/stash/").text


def test_a_withdrawal_of_another_user_is_not_shown(client: Client, saver: User) -> None:
    ask(make_saver())
    client.force_login(saver)
    assert "On its way out" not in client.get("/stash/").text


def words(html: str) -> str:
    return " ".join(html.split())
