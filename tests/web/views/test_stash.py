"""The stash page."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.factories import fill, make_plan, make_product, make_user, pay_in

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


def test_a_newcomer_sees_what_to_do(client: Client) -> None:
    client.force_login(make_user())
    assert "Nothing here yet" in client.get("/stash/").content.decode()


def test_the_page_costs_the_same_for_one_row_and_for_many(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    user, product = make_user(), make_product()
    client.force_login(user)
    client.get("/stash/")
    for rows in (1, 1_000):
        make_plan(user, product)
        fill(user, rows)
        with django_assert_num_queries(3):
            client.get("/stash/")
