"""A statement in a real browser: requested, watched, downloaded, and verified by a recipient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.person import PASSWORD, Person
from tests.processes import PATIENCE_SECONDS, paused

READY_MS = PATIENCE_SECONDS * 1000
DROP = """([bytes, name]) => {
  const drop = new DataTransfer();
  drop.items.add(new File([new Uint8Array(bytes)], name));
  document.querySelector("[data-drop]").dispatchEvent(new DragEvent("drop", { dataTransfer: drop, bubbles: true }));
}"""


@pytest.fixture(params=["light", "dark"])
def ada(request: pytest.FixtureRequest, browser: Browser, site: str) -> Iterator[Person]:
    """On a phone in light mode, and on a computer in dark mode."""
    scheme: Literal["light", "dark"] = request.param
    person = Person(browser, site, scheme=scheme, width=390 if scheme == "light" else 1280)
    person.signs_in("ada@example.com")
    yield person
    person.leaves()


@pytest.fixture
def days(request: pytest.FixtureRequest) -> str:
    """Different days for the two, because the same request within a minute returns the same statement."""
    return "Last 3 full months" if "light" in request.node.name else "This year"


@pytest.fixture
def asks(worker: int) -> Callable[..., None]:
    """Request a CSV, and arrive at the statements page before the worker, which is often faster than the browser."""

    def ask(person: Person, about: str, days: str = "Last 3 full months") -> None:
        page = person.page
        person.goes_to(f"/statements/start/?about={about}")
        page.get_by_role("radio", name=days).check()
        page.get_by_role("radio", name="CSV").check()
        with paused(worker):
            page.get_by_role("button", name="Make statement").click()
            page.wait_for_url(person.site + "/statements/")
            expect(page.locator("#jobs")).to_contain_text("Being made")

    return ask


def fetched(page: Page, folder: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("main").get_by_role("link", name="Download").first.click()
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    return file


def fact(page: Page, name: str) -> str:
    return page.locator(f"dt:text-is('{name}') + dd").first.inner_text()


def test_from_asking_for_a_statement_to_proving_it(
    ada: Person, days: str, asks: Callable[..., None], tmp_path: Path
) -> None:
    page = ada.page
    ada.goes_to("/statements/start/")
    barriers = ada.barriers()
    page.get_by_role("radio", name="Custom dates").check()
    page.get_by_role("button", name="Make statement").click()
    expect(page.get_by_role("alert")).to_be_focused()
    barriers += ada.barriers()
    # The browser logs the 422.
    ada.complaints.clear()

    asks(ada, "everything", days)
    expect(page.locator("#toasts")).to_contain_text("We’ll email you")
    expect(page.locator("#toasts")).to_contain_text("Your statement is ready", timeout=READY_MS)
    expect(page.locator("#jobs")).not_to_have_attribute("hx-trigger", "load delay:1s")
    barriers += ada.barriers()
    file = fetched(page, tmp_path)
    assert file.name.startswith("asusu-everything-")

    page.locator("#jobs").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Ready")).to_be_visible()
    barriers += ada.barriers()
    assert fact(page, "Downloaded") == "once"
    code, closing = fact(page, "Code"), fact(page, "Closing balance")

    ada.goes_to(f"/statements/verify/{code}/")
    barriers += ada.barriers()
    for content, answer in (
        (file.read_bytes(), "The file matches"),
        (file.read_bytes().replace(b",", b";", 1), "This file has been changed"),
    ):
        page.get_by_label("Closing balance").fill(closing)
        page.evaluate(DROP, [list(content), file.name])
        expect(page.locator("[data-drop]")).to_contain_text("was read here, and is not sent")
        with page.expect_request("**/statements/verify/") as sent:
            page.get_by_role("button", name="Verify").click()
        assert file.name not in (sent.value.post_data or "")
        expect(page.get_by_text(answer)).to_be_visible()
        barriers += ada.barriers()
    assert barriers == []
    assert ada.complaints == []


def test_a_click_while_signed_out_ends_at_the_file_after_the_sign_in(
    ada: Person, days: str, asks: Callable[..., None], browser: Browser, site: str
) -> None:
    asks(ada, "stash", days)
    link = ada.page.locator("#jobs a[href*=token]").first
    link.wait_for(timeout=READY_MS)
    later = Person(browser, site)
    page = later.page
    later.goes_to(link.get_attribute("href") or "")
    page.get_by_label("Email").fill("ada@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    with page.expect_download() as download:
        page.get_by_role("button", name="Sign in", exact=True).click()
    assert download.value.suggested_filename.startswith("asusu-stash-")
    expect(page.get_by_role("heading", name="Ready")).to_be_visible()
    assert later.complaints == []
    later.leaves()


def test_a_password_gets_into_no_address(ada: Person) -> None:
    page, seen = ada.page, []
    page.on("request", lambda request: seen.append(request.url))
    ada.goes_to("/statements/start/")
    page.get_by_text("Protect it with a password").click()
    page.get_by_label("Password for the PDF").fill("a quiet word")
    with page.expect_response("**/statements/start/?*"):
        page.get_by_role("radio", name="This year").check()
    expect(page.locator("#ahead")).to_contain_text("transaction")
    assert not [url for url in seen if "password" in url or "quiet" in url]


def test_a_row_s_menu_and_its_pages_need_no_script(
    asks: Callable[..., None], browser: Browser, site: str, tmp_path: Path
) -> None:
    person = Person(browser, site, javascript=False, width=1280)
    page = person.page
    person.signs_in("bola@example.com")
    asks(person, "stash")
    for _ in range(100):
        if not page.get_by_text("Being made").count():
            break
        page.get_by_role("link", name="Refresh").click()
    file = fetched(page, tmp_path)
    page.get_by_role("main").get_by_role("link", name="2026").first.click()
    code, closing = fact(page, "Code"), fact(page, "Closing balance")
    person.goes_to(f"/statements/verify/{code}/")
    page.get_by_label("Closing balance").fill(closing)
    page.get_by_label("The file").set_input_files(file)
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("The file matches")).to_be_visible()
    person.goes_to("/statements/")
    page.get_by_role("button", name="More for").first.click()
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("main")).to_contain_text("Its links no longer work")
    person.leaves()
