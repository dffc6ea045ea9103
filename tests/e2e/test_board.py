"""An open leaderboard polls for changes, and updates only if there are any."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.person import Person

NEXT_POLL_MILLISECONDS = 16_000


@pytest.fixture
def chidi(browser: Browser, site: str) -> Iterator[Person]:
    person = Person(browser, site, width=1280)
    yield person
    person.leaves()


@pytest.fixture
def bola(browser: Browser, site: str) -> Iterator[Person]:
    person = Person(browser, site, scheme="dark")
    yield person
    person.leaves()


def opens(person: Person, circle: str, page: str = "") -> None:
    person.goes_to("/circles/")
    link = person.page.get_by_role("link", name=circle).first
    person.goes_to(f"{link.get_attribute('href')}{page}")


def test_an_open_board_is_swapped_only_when_it_has_changed(chidi: Person, bola: Person) -> None:
    page = chidi.page
    chidi.signs_in("chidi@example.com")
    page.clock.install()
    opens(chidi, "Lagos runners", "leaderboard/")
    page.get_by_text("See the numbers").click()
    page.evaluate("document.getElementById('board').dataset.isOld = 'yes'")
    with page.expect_response("**/leaderboard/**") as answer:
        page.clock.run_for(NEXT_POLL_MILLISECONDS)
    assert answer.value.status == 304
    expect(page.locator("#board[data-is-old]")).to_be_visible()

    bola.signs_in("bola@example.com")
    opens(bola, "Lagos runners", "appearance/")
    bola.page.get_by_label("Your nickname").fill("Bola the quick")
    bola.page.get_by_role("button", name="Save").first.click()
    bola.page.wait_for_url("**/circles/lagos-runners-*/")
    with page.expect_response("**/leaderboard/**") as answer:
        page.clock.run_for(NEXT_POLL_MILLISECONDS)
    assert answer.value.status == 200
    expect(page.get_by_text("Bola the quick")).to_be_visible()
    # An opened section stays open.
    expect(page.get_by_role("columnheader", name="Rank").last).to_be_visible()
    assert chidi.complaints == bola.complaints == []


def test_an_ended_circle_is_accessible(chidi: Person, bola: Person) -> None:
    barriers = []
    chidi.signs_in("ada@example.com")
    bola.signs_in("bola@example.com")
    for person in (chidi, bola):
        for page in ("", "leaderboard/"):
            opens(person, "Compound generator", page)
            expect(person.page.locator("svg.shell.on").first).to_be_visible()
            barriers += person.barriers()
        opens(person, "December in Enugu", "leaderboard/")
        person.page.get_by_text("See the numbers").click()
        barriers += person.barriers()
        assert person.complaints == []
    assert barriers == []
