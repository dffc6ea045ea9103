"""A key without its owner shows another person's balance, and the page names the tests that catch that."""

from __future__ import annotations

import pytest
from django.test import Client

from savings.models import User
from tests.factories import make_product
from web.lab import shared_value, wrong_key


def test_the_second_visitor_sees_the_first_ones_balance_without_the_owner() -> None:
    without, with_owner = wrong_key.visit_all()
    assert [is_own for _, _, is_own in without.visits] == [True, False]
    assert without.visits[1][1] == wrong_key.render_balance(wrong_key.PEOPLE[0])
    assert [is_own for _, _, is_own in with_owner.visits] == [True, True]


def test_the_products_tag_refuses_a_missing_owner() -> None:
    assert wrong_key.refusal() == "owner is nothing, and cannot be part of a fragment's key."


def test_the_named_tests_exist() -> None:
    found = wrong_key.guards()
    assert len(found) == len(wrong_key.TESTS)
    for (where, code), name in zip(found, wrong_key.TESTS, strict=True):
        assert where.startswith("tests/web/caching/test_pages.py:")
        assert f"def {name}(" in code


@pytest.mark.django_db
def test_the_page_shows_made_up_people_alone(saver_client: Client, saver: User) -> None:
    page = saver_client.get("/lab/wrong-key/")
    result = page.text.partition('id="result"')[2]
    assert "Somebody else’s" in result
    assert "test_nobody_gets_anything_of_another_user" in result
    assert saver.name not in result
    assert not User.objects.filter(name__in=[person.name for person in wrong_key.PEOPLE]).exists()
    assert page.context["lesson"] == "caching"


@pytest.mark.django_db
def test_its_figures_count_the_wrong_visits_and_the_queries_of_shared_data() -> None:
    make_product()
    assert [one.value for one in wrong_key.headlines()][:3] == ["1 of 2", "0 of 2", "20 : 2"]


@pytest.mark.parametrize("products", [1, 4])
def test_data_that_all_share_is_computed_once_under_one_key(saver_client: Client, products: int) -> None:
    for _ in range(products):
        make_product()
    shared = shared_value.measured()
    assert shared.agree
    assert [outcome.queries for outcome in shared.outcomes] == [2 * shared_value.READERS, 2]
    assert shared.outcomes[0].rows == shared_value.READERS * products
    page = saver_client.get("/lab/wrong-key/").text
    assert "Data that all share" in page
    assert "def list_banks(" in page
