"""The first saving: from the landing page to money in a plan, its receipt and its email."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from typing import Literal

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect

from tests.e2e.person import Person


@pytest.fixture(params=["light", "dark"])
def ada(request: pytest.FixtureRequest, browser: Browser, site: str) -> Iterator[Person]:
    scheme: Literal["light", "dark"] = request.param
    person = Person(browser, site, scheme=scheme, width=390 if scheme == "light" else 1280)
    yield person
    person.leaves()


def start_a_plan(person: Person, name: str) -> None:
    page = person.page
    person.goes_to("/plans/start/")
    page.locator("label.pick", has_text="Target").click()
    page.get_by_label("Plan name").fill(name)
    page.get_by_label(re.compile("^Goal")).fill("600,000")
    day = timezone.localdate() + datetime.timedelta(days=300)
    page.get_by_label(re.compile("^Target date")).fill(day.isoformat())
    page.get_by_label(re.compile("^First payment")).fill("25,000")


def pay(person: Person) -> None:
    """On the plan's top-up page: pay by card on the provider's page."""
    page = person.page
    expect(page.get_by_label("Amount")).to_have_value("25,000")
    # A saved card would be charged at once.
    page.locator("[name=source][value=card]").check()
    page.get_by_role("button", name="Pay ₦25,000").click()
    page.wait_for_url(re.compile(r"/pay/"))
    page.get_by_role("button", name=re.compile("^Pay|^Success", re.IGNORECASE)).first.click()
    page.wait_for_url(re.compile(r"/transactions/TOP"))


def test_the_first_saving(ada: Person) -> None:
    page, barriers = ada.page, []
    ada.goes_to("/")
    barriers += ada.barriers()
    ada.goes_to("/accounts/login/")
    barriers += ada.barriers()
    ada.signs_in("ada@example.com")
    expect(page.get_by_role("heading", name=re.compile("Ada"))).to_be_visible()
    barriers += ada.barriers()

    name = f"First saving {page.viewport_size and page.viewport_size['width']}"
    start_a_plan(ada, name)
    expect(page.locator("#preview")).to_contain_text("a month reaches the goal")
    barriers += ada.barriers()
    page.get_by_role("button", name="Start plan").click()
    page.wait_for_url(re.compile(r"/plans/\d+/top-up/"))
    barriers += ada.barriers()
    pay(ada)
    expect(page.locator("article.slip")).to_contain_text("₦25,000.00")
    expect(page.locator("article.slip")).to_contain_text("Done")
    barriers += ada.barriers()

    ada.goes_to("/plans/")
    page.get_by_role("link", name=name).click()
    expect(page.locator("strong.fig-xl")).to_contain_text("25,000")
    barriers += ada.barriers()
    for path in ("/stash/", "/transactions/", "/messages/", "/profile/", "/plans/top-up/"):
        ada.goes_to(path)
        barriers += ada.barriers()
    ada.goes_to("/messages/")
    expect(page.get_by_role("main")).to_contain_text("25,000", timeout=20_000)

    assert barriers == []
    assert ada.complaints == []


def test_the_same_without_javascript(browser: Browser, site: str) -> None:
    bola = Person(browser, site, javascript=False)
    bola.signs_in("bola@example.com")
    start_a_plan(bola, "Without a script")
    bola.page.get_by_role("button", name="Start plan").click()
    bola.page.wait_for_url(re.compile(r"/plans/\d+/top-up/"))
    pay(bola)
    expect(bola.page.locator("article.slip")).to_contain_text("₦25,000.00")
    bola.leaves()


def test_it_works_by_keyboard_alone(browser: Browser, site: str) -> None:
    chidi = Person(browser, site, width=1280)
    chidi.signs_in("chidi@example.com")
    chidi.page.keyboard.press("Tab")
    expect(chidi.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    chidi.page.keyboard.press("Enter")
    chidi.page.keyboard.press("Tab")
    expect(chidi.page.get_by_role("link", name="New plan")).to_be_focused()
    chidi.page.keyboard.press("Enter")
    chidi.page.wait_for_url("**/plans/start/")
    assert chidi.complaints == []
    chidi.leaves()
