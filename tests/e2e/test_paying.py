"""Paying on the provider's page, with every outcome."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.person import Person


@pytest.fixture
def bola(browser: Browser, site: str) -> Iterator[Person]:
    person = Person(browser, site)
    person.signs_in("bola@example.com")
    yield person
    person.leaves()


def go_to_the_provider(person: Person) -> None:
    person.goes_to("/stash/fund/")
    person.page.get_by_label("Amount").fill("1,000")
    person.page.locator("main form button[type=submit]").click()
    person.page.wait_for_url(re.compile(r"/pay/"))


@pytest.mark.parametrize(
    ("button", "told", "status"),
    [
        ("Pay ₦1,000.00", "₦1,000 is in your stash.", "Done"),
        ("The bank declines", "failed", "Failed"),
        ("Leave without paying", "You left before paying", "Not finished"),
        ("Paid later", "₦1,000 is in your stash.", "Done"),
        ("Paid, event sent twice", "₦1,000 is in your stash.", "Done"),
        ("Paid, no event", "₦1,000 is in your stash.", "Done"),
        ("Half the amount is paid", "We’re checking this payment.", "Being checked"),
        ("Forged event", "You left before paying", "Not finished"),
    ],
)
def test_each_outcome_of_a_payment_is_on_its_receipt(
    bola: Person, button: str, told: str, status: str
) -> None:
    go_to_the_provider(bola)
    barriers = bola.barriers()
    bola.page.get_by_role("button", name=button).click()
    bola.page.wait_for_url(re.compile(r"/transactions/STD"), timeout=30_000)
    expect(bola.page.locator(".toast")).to_contain_text(told)
    expect(bola.page.locator("article.slip")).to_contain_text(status)
    assert barriers + bola.barriers() == []
    assert bola.complaints == []


def test_the_waiting_page_is_accessible(bola: Person) -> None:
    go_to_the_provider(bola)
    bola.page.get_by_role("button", name="Paid later").click()
    expect(bola.page.get_by_role("main")).to_contain_text("We’re waiting for the payment provider.")
    assert bola.barriers() == []
