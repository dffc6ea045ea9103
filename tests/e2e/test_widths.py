"""No page scrolls sideways and nothing overflows: narrow phones, large text, the longest names and amounts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser, CDPSession

from tests.e2e.pages import PAGES, SIGNED_OUT, found
from tests.e2e.person import Person
from tests.e2e.wide_saver import EMAIL

WIDTHS = (320, 360, 390)
FONT_SIZES = (16, 24, 32)
MEASURE = (Path(__file__).with_name("widths.js")).read_text()


@pytest.fixture
def wide(browser: Browser, site: str, environment: dict[str, str]) -> Iterator[Person]:
    """The saver of `wide_saver`, signed in."""
    make = "from tests.e2e import wide_saver; wide_saver.make()"
    subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", make],
        cwd=settings.BASE_DIR,
        env=environment,
        check=True,
    )
    person = Person(browser, site)
    person.signs_in(EMAIL)
    yield person
    person.leaves()


@pytest.fixture
def visitor(browser: Browser, site: str) -> Iterator[Person]:
    person = Person(browser, site)
    yield person
    person.leaves()


@pytest.mark.timeout(240)
def test_nothing_of_a_saver_with_the_widest_names_and_sums_leaves_its_place(wide: Person) -> None:
    assert measured(wide, [*PAGES, *found(wide)]) == []


@pytest.mark.timeout(120)
def test_nothing_leaves_its_place_on_the_pages_that_everybody_sees(visitor: Person) -> None:
    assert measured(visitor, SIGNED_OUT) == []


def test_the_name_in_the_side_bar_takes_two_lines(wide: Person) -> None:
    wide.page.set_viewport_size({"width": 1280, "height": 844})
    lines = "e => Math.round(e.getBoundingClientRect().height / parseFloat(getComputedStyle(e).lineHeight))"
    assert wide.page.locator(".who .wide .b").evaluate(lines) == 2


def test_menus_and_notices_stay_inside(wide: Person) -> None:
    font_size(wide.page.context.new_cdp_session(wide.page), 32)
    wide.page.set_viewport_size({"width": 320, "height": 844})
    wide.page.get_by_role("button", name="Your account menu").click()
    assert wide.page.evaluate(MEASURE) == []
    wide.page.keyboard.press("Escape")
    wide.page.evaluate("document.dispatchEvent(new Event('htmx:sendError'))")
    assert wide.page.evaluate(MEASURE) == []


def test_errors_beside_fields_stay_inside(wide: Person) -> None:
    font_size(wide.page.context.new_cdp_session(wide.page), 32)
    wide.page.set_viewport_size({"width": 320, "height": 844})
    for path, button in (("/plans/start/", "Start plan"), ("/stash/fund/", "Pay by card")):
        wide.goes_to(path)
        wide.page.get_by_role("button", name=button).click()
        wide.page.get_by_role("alert").wait_for()
        # The answer is a page of its own: its alert can be there before its style sheet.
        wide.page.wait_for_load_state()
        assert wide.page.evaluate(MEASURE) == []


def measured(person: Person, paths: list[str]) -> list[str]:
    """Load each page once, and measure it at each width and text size."""
    session = person.page.context.new_cdp_session(person.page)
    wrong = []
    for path in paths:
        person.goes_to(path)
        for size in FONT_SIZES:
            font_size(session, size)
            for width in WIDTHS:
                person.page.set_viewport_size({"width": width, "height": 844})
                # Without this only the default size would be measured.
                assert (
                    person.page.evaluate("getComputedStyle(document.documentElement).fontSize") == f"{size}px"
                )
                wrong += [
                    f"{path[:40]} {width} px, {size} px: {what}" for what in person.page.evaluate(MEASURE)
                ]
    return wrong


def font_size(session: CDPSession, size: int) -> None:
    """Set the text size in the browser's settings, which media queries in rem use."""
    session.send("Page.setFontSizes", {"fontSizes": {"standard": size, "fixed": size - 3}})
