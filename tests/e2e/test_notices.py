"""Notices on the page: they cover no money and no form, leave by themselves, and replace each other."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.person import Person

FAIL = "document.dispatchEvent(new Event('htmx:sendError'))"
ADD = """about => {
  const toast = document.getElementById("trouble").content.firstElementChild.cloneNode(true);
  toast.dataset.about = about;
  document.getElementById("toasts").append(toast);
}"""
# Marks what is in sight: below the top, above the bar of a phone.
MARK = """() => {
  for (const part of document.querySelectorAll("main :is(.field, .money, button)")) {
    const { top, bottom } = part.getBoundingClientRect();
    if (top >= 0 && bottom <= innerHeight) part.dataset.inSight = "";
  }
  return document.querySelectorAll("[data-in-sight]").length;
}"""
COVERED = """() => {
  const covers = (toast, part) =>
    toast.top < part.bottom && part.top < toast.bottom && toast.left < part.right && part.left < toast.right;
  const boxes = (selector) => [...document.querySelectorAll(selector)].map((one) => one.getBoundingClientRect());
  const toasts = boxes("#toasts > .toast");
  return [toasts.length, boxes("[data-in-sight]").filter((part) => toasts.some((toast) => covers(toast, part))).length];
}"""


def save_profile(person: Person) -> None:
    person.goes_to("/profile/")
    with person.page.expect_navigation():
        person.page.get_by_role("button", name="Save changes").click()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("path", ["/dashboard/", "/statements/start/"])
@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_a_notice_covers_nothing_that_was_in_sight(ada: Person, width: int, path: str, share: float) -> None:
    page = ada.page
    page.set_viewport_size({"width": width, "height": 844})
    ada.goes_to(path)
    page.evaluate(f"scrollTo(0, (document.documentElement.scrollHeight - innerHeight) * {share})")
    assert page.evaluate(MARK) > 0
    page.evaluate(FAIL)
    page.evaluate(ADD, "something else")
    expect(page.locator("#toasts > .toast")).to_have_count(2)
    for toast in page.locator("#toasts > .toast").all():
        expect(toast).to_be_in_viewport(ratio=1)
    assert page.evaluate(COVERED) == [2, 0]


@pytest.mark.parametrize("width", [390, 1280])
def test_a_notice_of_the_page_covers_nothing_either(ada: Person, width: int) -> None:
    ada.page.set_viewport_size({"width": width, "height": 844})
    save_profile(ada)
    assert ada.page.evaluate(MARK) > 0
    assert ada.page.evaluate(COVERED) == [1, 0]
    assert ada.barriers() == []


def test_good_news_leaves_unless_somebody_reads_it(ada: Person) -> None:
    ada.page.clock.install()
    save_profile(ada)
    toast = ada.page.locator("#toasts > .toast")
    toast.hover()
    ada.page.clock.run_for(20_000)
    expect(toast).to_have_count(1)
    ada.page.locator("h1").hover()
    ada.page.clock.run_for(1_000)
    expect(toast).to_have_count(0)


def test_an_error_stays_and_is_an_alert(ada: Person) -> None:
    ada.page.clock.install()
    ada.goes_to("/plans/")
    ada.page.evaluate(FAIL)
    ada.page.clock.run_for(60_000)
    expect(ada.page.get_by_role("alert")).to_contain_text("Check your internet")
    ada.page.evaluate("document.dispatchEvent(new Event('htmx:responseError'))")
    expect(ada.page.get_by_role("alert")).to_contain_text("Something went wrong")
    expect(ada.page.locator("#toasts")).to_have_attribute("role", "status")


def test_a_newer_notice_about_the_same_replaces_the_older(ada: Person) -> None:
    for about in ("statement-1", "statement-2", "statement-1"):
        ada.page.evaluate(ADD, about)
    expect(ada.page.locator("#toasts > .toast")).to_have_count(2)
    assert ada.page.locator("#toasts > .toast").last.get_attribute("data-about") == "statement-1"


def test_the_page_keeps_its_place_when_a_notice_leaves(ada: Person) -> None:
    page = ada.page
    page.evaluate("scrollTo(0, 600)")
    page.evaluate(FAIL)
    top = "document.querySelector('main .money').getBoundingClientRect().top"
    before = page.evaluate(top)
    # Not Playwright's own click, which scrolls.
    page.locator("[data-dismiss]").evaluate("button => button.click()")
    assert page.evaluate(top) == pytest.approx(before, abs=1)
