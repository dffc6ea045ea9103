"""The help page: true answers with the figures of this installation, and the operator's own questions."""

from __future__ import annotations

import dataclasses
import datetime
import re

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from savings.models import Product
from savings.models.plans import EarlyExit
from tests.factories import make_product, make_user
from web.operator_settings import Operator, Question

pytestmark = pytest.mark.django_db


def help_text(client: Client) -> str:
    return " ".join(re.sub(r"<[^>]+>", "", client.get("/help/").text).split())


def test_it_answers_visitors_and_savers(client: Client) -> None:
    assert "Sign in" in help_text(client)
    client.force_login(make_user())
    text = help_text(client)
    assert "Who holds my money?" in text
    assert "Sign out" in text
    assert client.get("/help/").text.count('<details class="faq"') >= 20


def test_links_lead_to_it(client: Client) -> None:
    assert '<a href="/help/">All questions' in client.get("/").text
    client.force_login(make_user())
    assert client.get("/dashboard/").text.count('href="/help/"') == 2


def test_its_figures_are_those_of_the_settings(client: Client, settings: Settings) -> None:
    settings.PAYOUTS = dataclasses.replace(
        settings.PAYOUTS,
        delay=datetime.timedelta(minutes=90),
        wait=datetime.timedelta(hours=1),
        max_kobo=7_000_00,
        approval_from_kobo=6_000_00,
    )
    settings.STATEMENT_DAYS = 1
    settings.TOP_UP_MIN_KOBO = 123_00
    text = help_text(client)
    for words in (
        "90 minutes after",
        "wait of 1 hour",
        "to ₦7,000",
        "₦6,000 on",
        "for 1 day.",
        "from ₦123 to",
    ):
        assert words in text, words


def test_it_names_what_leaving_each_product_costs(client: Client) -> None:
    make_product(Product.Kind.TARGET, name="School", early_exit=EarlyExit.PENALTY, penalty_bps=150)
    make_product(Product.Kind.LOCKED, name="Rent", early_exit=EarlyExit.BLOCKED)
    text = help_text(client)
    assert re.search(r"School ?Leaving before the end costs 1\.5", text)
    assert re.search("Rent ?You can’t take money out before the end", text)


def test_it_names_the_operator_only_if_there_is_one(client: Client, settings: Settings) -> None:
    settings.OPERATOR = Operator()
    assert "ask who they are before you pay in" in help_text(client)
    assert "This site has no contact address yet." in help_text(client)
    settings.OPERATOR = Operator(name="Ọjà Savings", contact="help@example.com")
    text = help_text(client)
    assert "Ọjà Savings, who runs this site." in text
    assert "Contact Ọjà Savings: help@example.com" in text
    assert "ask who they are" not in text


def test_the_operators_questions_come_first_and_are_no_markup(client: Client, settings: Settings) -> None:
    settings.OPERATOR = Operator(
        questions=(Question("Where <b>is</b> it?", ("See https://example.com/map.", "Ask.")),)
    )
    page = client.get("/help/").text
    assert "Where &lt;b&gt;is&lt;/b&gt; it?" in page
    assert '<a href="https://example.com/map" rel="nofollow">' in page
    assert page.index("Where &lt;b&gt;") < page.index("Where is my money?")


def test_its_queries_do_not_grow_with_the_products(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for products in (1, 5):
        for _ in range(products):
            make_product()
        with django_assert_num_queries(2):
            client.get("/help/")
