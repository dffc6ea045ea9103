"""The foot of every page: what is set is shown, nothing else, and without a query."""

from __future__ import annotations

import pytest
from django.test import Client, RequestFactory
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from tests.factories import make_user
from web.error_pages import plain_page
from web.operator_settings import Operator
from web.templatetags.foot import page_foot

OPERATOR = Operator(
    name="Ọjà <Savings>",
    contact="help@example.com",
    terms_url="https://example.com/terms",
    privacy_url="https://example.com/privacy",
    source_url="https://example.com/source",
)


def test_it_names_what_is_set(settings: Settings) -> None:
    settings.OPERATOR = OPERATOR
    settings.SECURITY_CONTACTS = ["mailto:security@example.com"]
    foot = page_foot()
    assert "Run by <bdi>Ọjà &lt;Savings&gt;</bdi>" in foot
    assert 'href="mailto:help@example.com"' in foot
    for words in ("Terms", "Privacy", "Source", "Verify a statement", "Report a security problem"):
        assert f">{words}</a>" in foot


def test_it_claims_nothing_that_is_not_set(settings: Settings) -> None:
    settings.OPERATOR = Operator()
    settings.SECURITY_CONTACTS = []
    settings.USES_SIMULATOR = False
    foot = page_foot()
    for words in ("Run by", "Terms", "Privacy", "Source", "security", "simulator", 'href=""'):
        assert words not in foot
    assert "Asusu 0." in foot


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/statements/verify/", "/nowhere/", "/dashboard/"])
def test_every_kind_of_page_has_it_once(client: Client, settings: Settings, path: str) -> None:
    settings.OPERATOR = OPERATOR
    if path in {"/dashboard/", "/nowhere/"}:
        client.force_login(make_user())
    assert client.get(path).text.count("Run by <bdi>") == 1


def test_it_is_on_pages_of_a_broken_site(settings: Settings) -> None:
    settings.OPERATOR = OPERATOR
    for status in (400, 500, 503):
        assert "help@example.com" in plain_page(RequestFactory().get("/"), status).text


@pytest.mark.django_db
def test_it_needs_no_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        page_foot()
