"""The page frame in a real browser: theme, notices, focus, double submission, and Back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Request, Route, expect

from tests.e2e.person import Person

PAGES = [
    "/dashboard/",
    "/plans/",
    "/plans/start/",
    "/stash/",
    "/stash/fund/",
    "/transactions/",
    "/statements/",
    "/statements/start/",
    "/statements/verify/",
    "/messages/",
]


@pytest.fixture
def ada(browser: Browser, site: str) -> Iterator[Person]:
    person = Person(browser, site, width=1280)
    person.signs_in("ada@example.com")
    yield person
    person.leaves()


def test_the_theme_changes_at_once_and_stays(ada: Person) -> None:
    page = ada.page
    page.get_by_role("button", name="Your account menu").click()
    with page.expect_response("**/profile/theme/"):
        page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert ada.barriers() == []
    page.get_by_role("button", name="Your account menu").click()
    with page.expect_response("**/profile/theme/"):
        page.get_by_role("button", name="Auto").click()
    assert ada.complaints == []


def test_back_shows_nothing_of_somebody_who_signed_out(ada: Person) -> None:
    page = ada.page
    total = page.locator("#total .fig-xl").inner_text()
    page.get_by_role("button", name="Your account menu").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{ada.site}/")
    page.go_back()
    page.wait_for_url("**/accounts/login/**")
    assert total not in page.content()


def test_back_shows_the_figures_of_now(ada: Person) -> None:
    page = ada.page
    ada.goes_to("/profile/")
    page.get_by_role("textbox", name="Name").fill("Adaeze Okafor")
    with page.expect_navigation():
        page.get_by_role("button", name="Save").click()
    page.evaluate("history.go(-2)")
    page.wait_for_url("**/dashboard/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Adaeze")
    ada.goes_to("/profile/")
    page.get_by_role("textbox", name="Name").fill("Ada Okafor")
    with page.expect_navigation():
        page.get_by_role("button", name="Save").click()


def test_a_page_that_has_not_changed_is_not_sent_again(ada: Person) -> None:
    with ada.page.expect_response("**/plans/") as first:
        ada.goes_to("/plans/")
    assert "no-store" not in first.value.headers["cache-control"]
    ada.goes_to("/stash/")
    ada.goes_to("/plans/")
    sent = ada.page.evaluate("performance.getEntriesByType('navigation')[0].transferSize")
    # Only headers: the body came from the browser's cache.
    assert 0 < sent < 1_000


def test_a_form_is_sent_once_however_often_one_presses(ada: Person) -> None:
    page, sent = ada.page, []

    def count(request: Request) -> None:
        if request.method == "POST" and request.url.endswith("/stash/fund/"):
            sent.append(request.url)

    page.on("request", count)
    ada.goes_to("/stash/fund/")
    page.get_by_label("Amount").fill("1e9")
    page.evaluate("for (let time = 0; time < 3; time++) document.querySelector('main form').requestSubmit()")
    expect(page.get_by_role("alert")).to_be_visible()
    assert len(sent) == 1
    expect(page.get_by_label("Amount")).to_have_value("1e9")
    expect(page.locator("main form button[type=submit]").first).to_be_enabled()


def test_a_wrong_form_brings_the_focus_to_what_is_wrong(ada: Person) -> None:
    page = ada.page
    ada.goes_to("/plans/start/")
    page.get_by_role("button", name="Start plan").click()
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_role("alert").get_by_role("link").first.click()
    assert page.url.partition("#")[2].startswith("id_")


def test_after_a_swap_the_focus_is_where_it_was(ada: Person) -> None:
    period = ada.page.get_by_role("link", name="1Y")
    period.focus()
    ada.page.keyboard.press("Enter")
    expect(period).to_have_attribute("aria-current", "true")
    expect(period).to_be_focused()


def test_a_chart_says_the_value_under_the_pointer(ada: Person) -> None:
    page = ada.page
    newest = page.locator("tr[data-x]").last
    page.locator("[data-chart] svg").hover(position={"x": 10, "y": 20})
    expect(page.locator(".readout")).to_contain_text("₦")
    page.locator("h1").hover()
    expect(page.locator(".readout")).to_be_empty()
    x, y = newest.get_attribute("data-x"), newest.get_attribute("data-y")
    expect(page.locator("[data-chart] .dot")).to_have_attribute("d", f"M{x} {y}h0")


def test_a_notice_says_when_the_site_does_not_answer(ada: Person) -> None:
    page = ada.page

    def drop(route: Route) -> None:
        route.abort()

    page.route("**/dashboard/?period=*", drop)
    page.get_by_role("link", name="1Y").click()
    notice = page.locator("#toasts .toast")
    expect(notice).to_contain_text("No connection")
    notice.get_by_role("button").click()
    expect(notice).to_have_count(0)
    expect(page.locator("main")).to_be_focused()


@pytest.mark.parametrize("width", [320, 390, 768, 1000, 1179, 1180])
def test_no_page_is_wider_than_the_screen(ada: Person, width: int) -> None:
    ada.page.set_viewport_size({"width": width, "height": 844})
    too_wide = []
    for path in PAGES:
        ada.goes_to(path)
        if ada.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            too_wide.append(path)
    assert too_wide == []
    assert ada.complaints == []
