"""The debug toolbar in a real browser, with the site's Content Security Policy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.e2e.person import Person

PANELS = ["HistoryPanel", "TimerPanel", "SQLPanel", "CachePanel", "RedisPanel", "HueyPanel", "TemplatesPanel"]


@pytest.fixture
def ada(browser: Browser, watched_site: str) -> Iterator[Person]:
    person = Person(browser, watched_site, width=1280)
    person.signs_in("ada@example.com")
    yield person
    person.leaves()


def opened(ada: Person, panel: str) -> Locator:
    """Open a panel, and return its content once it has loaded."""
    ada.page.locator(f"a.{panel}").click()
    content = ada.page.locator(f"#{panel} .djdt-scroll")
    expect(content.locator(":scope > *").first).to_be_attached()
    return content


def test_the_toolbar_opens_every_panel_and_the_console_stays_silent(ada: Person) -> None:
    page = ada.page
    expect(page.locator("#djDebugToolbar")).to_be_hidden()
    page.locator("#djShowToolBarButton").click()
    for panel in PANELS:
        expect(opened(ada, panel)).to_be_visible()
        page.keyboard.press("Escape")
    expect(opened(ada, "RedisPanel")).to_contain_text("django.contrib.sessions")
    assert ada.complaints == []


def test_the_history_follows_what_htmx_asks_for(ada: Person) -> None:
    page = ada.page
    ada.goes_to("/transactions/")
    page.locator("#djShowToolBarButton").click()
    expect(page.locator("#djdt-HistoryPanel small")).to_have_text("/transactions/")
    # The toolbar covers the link.
    page.get_by_role("link", name="Older").dispatch_event("click")
    expect(page.locator("#djdt-HistoryPanel small")).to_contain_text("/transactions/?before=")
    expect(opened(ada, "SQLPanel")).to_contain_text("savings_transaction")
    assert ada.complaints == []


def test_on_a_phone_the_bottom_bar_stays_free(browser: Browser, watched_site: str) -> None:
    person = Person(browser, watched_site, width=390)
    person.signs_in("bola@example.com")
    handle = person.page.locator("#djDebugToolbarHandle").bounding_box()
    bar = person.page.locator(".nav").bounding_box()
    assert handle
    assert bar
    assert handle["y"] + handle["height"] < bar["y"]
    assert handle["width"] < 60
    assert person.complaints == []
    person.leaves()
