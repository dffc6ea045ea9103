"""Every press shows at once that it was heard, and ends when its answer comes, fails, or the page comes back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.person import Person

PRESS = Path(__file__).with_name("press.js").read_text()
PAGES = [
    *("/dashboard/", "/plans/", "/plans/start/", "/plans/top-up/", "/stash/", "/stash/fund/"),
    *("/transactions/", "/circles/", "/circles/start/", "/statements/", "/statements/start/"),
    *("/statements/verify/", "/messages/", "/profile/", "/accounts/", "/accounts/password/change/"),
]
# Pages of one object: the list that links to it, its path, and what stands below it.
LEADS = [
    ("/plans/", r"/plans/\d+/", ("top-up/", "withdraw/", "edit/")),
    ("/circles/", r"/circles/(?!start/)[\w-]+/", ("leaderboard/", "members/", "appearance/")),
    ("/transactions/", r"/transactions/[A-Z]\w+/", ()),
]


class Held:
    """Keeps the answers to all requests of a page back, until it is let go."""

    def __init__(self, person: Person) -> None:
        self.page = person.page
        self.routes: list[Route] = []
        self.page.route(re.compile(""), lambda route: self.routes.append(route))  # noqa: PLW0108 - Playwright marks it

    def let_go(self) -> None:
        for route in self.routes:
            route.abort()
        self.page.unroute_all()


def pages(person: Person) -> list[str]:
    """Return the paths of the main pages, with one plan, circle and transaction of the person's own."""
    found = list(PAGES)
    for start, pattern, below in LEADS:
        person.goes_to(start)
        links = person.page.eval_on_selector_all(
            "main a[href]", "all => all.map(a => a.getAttribute('href'))"
        )
        mine = next(link for link in links if re.fullmatch(pattern, link))
        found += [mine, *(mine + more for more in below)]
    return found


@pytest.mark.timeout(600)
def test_every_press_shows_within_a_tenth_of_a_second(ada: Person) -> None:
    silent, pressed = [], 0
    for path in pages(ada):
        ada.goes_to(path)
        for index in range(len(ada.page.evaluate(PRESS, None))):
            ada.goes_to(path)
            held = Held(ada)
            silent.append(ada.page.evaluate(PRESS, index))
            # Ends a navigation that has not asked yet, too.
            ada.page.goto("about:blank")
            held.let_go()
            pressed += 1
    assert [control for control in silent if control] == []
    assert pressed > 100


def test_the_line_shows_until_the_answer_is_there(ada: Person) -> None:
    line = "getComputedStyle(document.body, '::before').height"
    held = Held(ada)
    ada.page.get_by_role("link", name="1Y").click()
    assert ada.page.evaluate(line) == "2px"
    expect(ada.page.locator("#total")).to_have_attribute("aria-busy", "true")
    expect(ada.page.get_by_role("link", name="1Y")).to_have_attribute("aria-current", "true")
    held.let_go()
    expect(ada.page.locator("#toasts")).to_contain_text("No connection")
    assert ada.page.evaluate(line) == "auto"
    expect(ada.page.locator("#total")).not_to_have_attribute("aria-busy", "true")
    expect(ada.page.get_by_role("link", name="6M")).to_have_attribute("aria-current", "true")


def test_a_pressed_button_says_what_it_does_and_keeps_its_width(ada: Person) -> None:
    ada.goes_to("/profile/")
    # In one call, because Playwright's own wait for the navigation to end.
    before, words, after = ada.page.evaluate(
        """async () => {
          const button = document.querySelector("main [data-doing='Saving…']");
          const width = () => button.getBoundingClientRect().width;
          const before = width();
          button.click();
          await new Promise((resume) => setTimeout(resume, 20));
          return [before, button.textContent, width()];
        }"""
    )
    assert (words, after) == ("Saving…", before)


def test_a_button_has_its_own_words_after_an_error(ada: Person) -> None:
    ada.goes_to("/plans/start/")
    held = Held(ada)
    ada.page.get_by_role("button", name="Start plan").click()
    expect(ada.page.locator("[data-doing='Starting…']")).to_have_text("Starting…")
    held.let_go()
    button = ada.page.get_by_role("button", name="Start plan")
    expect(button).to_be_enabled()
    expect(button.locator(".spin")).to_have_count(0)


def test_a_button_has_its_own_words_on_the_way_back(ada: Person) -> None:
    ada.goes_to("/stash/fund/")
    ada.page.get_by_label("Amount").fill("1,000")
    ada.page.locator("[name=source][value=card]").check()
    button = ada.page.locator("main form [type=submit]").last
    button.click()
    ada.page.wait_for_url(re.compile(r"/pay/"))
    ada.page.go_back()
    expect(button).to_be_enabled()
    expect(button).to_contain_text("by card")
    expect(button.locator(".spin")).to_have_count(0)
    assert ada.page.evaluate("document.documentElement.hasAttribute('data-busy')") is False


def test_a_download_leaves_no_line_behind(ada: Person) -> None:
    ada.goes_to("/statements/")
    with ada.page.expect_download():
        ada.page.locator("[data-download]").first.click()
    assert ada.page.evaluate("document.documentElement.hasAttribute('data-busy')") is False
