"""The landing page: correct figures, and no promise of missing features."""

import datetime

import pytest
import time_machine
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from savings.models import Product
from savings.models.plans import InterestPaid
from tests.factories import make_product, make_user

pytestmark = pytest.mark.django_db


def test_it_shows_the_products_with_their_best_rates(client: Client) -> None:
    product = make_product(Product.Kind.LOCKED, name="Locked away", rate_bps=900)
    product.rates.create(from_days=365, rate_bps=1350)
    make_product(Product.Kind.FLEXIBLE, name="No longer", is_offered=False)
    page = client.get("/").text
    assert "Locked away" in page
    assert "13.5%" in page
    assert "No longer" not in page


@time_machine.travel(datetime.datetime(2026, 11, 24, 9, tzinfo=datetime.UTC))
def test_its_example_is_worked_out_to_the_kobo(client: Client) -> None:
    make_product(Product.Kind.TARGET, rate_bps=1100, interest_paid=InterestPaid.AT_MATURITY)
    page = client.get("/").text
    # 25,000.00 on the 24th of each month: 365 + 335 + 304 + ... days at 11 %.
    assert "₦17,931<small>.50</small>" in page
    assert "₦300,000.00" in page


def test_it_names_what_leaving_early_costs(client: Client) -> None:
    make_product(Product.Kind.TARGET, name="Target", penalty_bps=150)
    assert "plan early costs 1.5% of what you withdraw" in client.get("/").text


def test_it_works_without_any_product(client: Client) -> None:
    page = client.get("/").text
    assert "A savings box you can see into." in page
    assert 'id="rates"' not in page


def test_it_says_when_no_real_money_moves(client: Client, settings: Settings) -> None:
    assert "No real money moves here." in client.get("/").text
    settings.USES_SIMULATOR = False
    assert "No real money moves here." not in client.get("/").text


def test_a_signed_in_user_is_redirected_to_the_dashboard(client: Client) -> None:
    client.force_login(make_user())
    assert client.get("/")["Location"] == "/dashboard/"


def test_its_queries_do_not_grow_with_the_products(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        make_product()
    with django_assert_num_queries(3):
        client.get("/")
