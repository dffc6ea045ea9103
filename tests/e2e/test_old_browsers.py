"""Pages in the oldest browsers: with the CSS that they support, and without popovers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Route, expect

from tests.browsers.style_sheet import seen_by
from tests.e2e.person import Person

STYLE_SHEET = (settings.BASE_DIR / "static/css/app.css").read_text()
PAGES = ["/dashboard/", "/plans/start/", "/transactions/", "/statements/"]

# Delete the features that they lack. An element without its attribute is a plain element.
NO_POPOVERS = """
delete HTMLElement.prototype.popover;
delete HTMLElement.prototype.togglePopover;
"""

Shown = Callable[..., Person]

# The style sheet as each browser supports it.
style_sheets: dict[Person, str] = {}


@pytest.fixture
def shown_by(browser: Browser, site: str) -> Iterator[Shown]:
    people = []

    def show(name: str, *, scheme: str = "light", javascript: bool = True) -> Person:
        person = Person(browser, site, scheme=scheme, javascript=javascript)  # type: ignore[arg-type]
        people.append(person)
        style_sheets[person] = seen_by(STYLE_SHEET, name)
        person.context.route(re.compile(r"^[^?]*/$"), without_popovers)
        person.context.add_init_script(NO_POPOVERS)
        return person

    yield show
    for person in people:
        person.leaves()
        del style_sheets[person]


def sign_in(person: Person, email: str = "ada@example.com") -> None:
    person.signs_in(email)
    # The target of a redirect bypasses the route, and expects the original style sheet.
    person.context.route(
        re.compile(r"/static/css/app\.css"),
        lambda route: route.fulfill(body=style_sheets[person], content_type="text/css"),
    )
    person.goes_to("/dashboard/")


def without_popovers(route: Route) -> None:
    if route.request.resource_type != "document" or route.request.method != "GET":
        route.continue_()
        return
    answer = route.fetch(max_redirects=0)
    # Without the integrity hash, because the style sheet is replaced here.
    html = re.sub(r' integrity="[^"]*"', "", answer.text())
    route.fulfill(response=answer, body=html.replace(" popover>", ">"))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("browser_name", ["chrome", "firefox"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read(shown_by: Shown, browser_name: str, scheme: str) -> None:
    person = shown_by(browser_name, scheme=scheme)
    sign_in(person)
    for path in PAGES:
        person.goes_to(path)
        assert person.barriers() == []
    paper = person.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert paper == {"light": "rgb(247, 245, 240)", "dark": "rgb(11, 17, 14)"}[scheme]
    assert person.complaints == []


def test_the_theme_that_a_person_chose_wins_over_the_systems(shown_by: Shown) -> None:
    person = shown_by("firefox", scheme="dark")
    sign_in(person)
    for theme, paper in (("light", "rgb(247, 245, 240)"), ("dark", "rgb(11, 17, 14)")):
        person.page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        assert person.page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == paper
        assert person.barriers() == []


def test_the_account_menu_opens_and_closes(shown_by: Shown) -> None:
    person = shown_by("firefox")
    sign_in(person)
    button, menu = person.page.get_by_role("button", name="Your account menu"), person.page.locator("#menu")
    expect(menu).to_be_hidden()
    button.click()
    expect(menu).to_be_visible()
    person.page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    button.click()
    person.page.mouse.click(20, 700)
    expect(menu).to_be_hidden()
    assert person.complaints == []


def test_the_account_menu_opens_without_a_script(shown_by: Shown) -> None:
    person = shown_by("safari", javascript=False)
    sign_in(person)
    expect(person.page.locator("#menu")).to_have_css("opacity", "0")
    person.page.get_by_role("button", name="Your account menu").focus()
    expect(person.page.locator("#menu")).to_have_css("opacity", "1")
    person.page.keyboard.press("Tab")
    person.page.keyboard.press("Enter")
    person.page.wait_for_url("**/profile/")


def test_only_one_row_menu_is_open(shown_by: Shown) -> None:
    person = shown_by("firefox")
    sign_in(person)
    person.goes_to("/statements/")
    for number in (0, 1):
        person.page.locator(".menu.more").nth(number).evaluate("menu => menu.previousElementSibling.click()")
        expect(person.page.locator(".menu.more:visible")).to_have_count(1)


def test_a_choice_shows_without_has(shown_by: Shown) -> None:
    person = shown_by("firefox")
    sign_in(person)
    person.goes_to("/statements/start/")
    radio = person.page.locator(".seg input").first
    assert radio.evaluate("input => getComputedStyle(input).opacity") == "1"
    assert person.page.locator(".other-days").is_visible()


def test_a_theme_is_saved_where_a_form_does_not_know_its_button(shown_by: Shown) -> None:
    person = shown_by("chrome")
    person.page.add_init_script(
        "{ const Real = FormData; window.FormData = function (form) { return new Real(form); } }"
    )
    sign_in(person, "bola@example.com")
    # A routed request that does not follow its redirect is reported as failed.
    person.context.unroute_all()
    for name, theme in (("Dark", "dark"), ("Auto", None)):
        person.page.get_by_role("button", name="Your account menu").click()
        with person.page.expect_response("**/profile/theme/"):
            person.page.get_by_role("button", name=name).click()
        person.page.reload()
        assert person.page.locator("html").get_attribute("data-theme") == theme
