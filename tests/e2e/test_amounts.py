"""Amount fields: separators while typing, the caret, pasting, suggestions, and what follows from the amount."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.e2e.person import Person

PASTE = """([field, text]) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text", text);
  field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
  field.focus();
  document.execCommand("insertText", false, text);
}"""


@pytest.fixture
def bola(browser: Browser, site: str) -> Iterator[Person]:
    person = Person(browser, site)
    person.signs_in("bola@example.com")
    person.goes_to("/stash/fund/")
    yield person
    assert person.complaints == []
    person.leaves()


def amount(person: Person) -> Locator:
    return person.page.get_by_label("Amount")


def caret(field: Locator) -> int:
    at: int = field.evaluate("field => field.selectionStart")
    return at


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        ("25000", "25,000"),
        ("1234567.5", "1,234,567.5"),
        ("25,000", "25,000"),
        ("100", "100"),
        ("٢٥٠٠٠", "25,000"),
        ("２５０００", "25,000"),
        # No amounts: the server says what is wrong with them.
        ("12.345", "12.345"),
        ("1e9", "1e9"),
        ("-5000", "-5000"),
        # Never 2,500,050.
        ("25000,50", "25,000,50"),
    ],
)
def test_separators_come_while_one_types(bola: Person, keys: str, shown: str) -> None:
    amount(bola).press_sequentially(keys)
    expect(amount(bola)).to_have_value(shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("25,000.50", "25,000.50"),
        ("₦25000", "25,000"),
        ("NGN 25 000", "25,000"),
        ("25000,50", "25000,50"),
        ("1.234.567", "1.234.567"),
    ],
)
def test_a_pasted_amount_is_tidied_or_left_alone(bola: Person, text: str, shown: str) -> None:
    amount(bola).evaluate("(field, text) => (" + PASTE + ")([field, text])", text)
    expect(amount(bola)).to_have_value(shown)


def test_the_caret_stays_where_it_belongs(bola: Person) -> None:
    field = amount(bola)
    field.press_sequentially("25000")
    field.press("Home")
    field.press_sequentially("1")
    expect(field).to_have_value("125,000")
    assert caret(field) == 1
    field.press_sequentially("9")
    expect(field).to_have_value("1,925,000")
    assert caret(field) == 3


def test_deleting_a_separator_deletes_the_digit_beside_it(bola: Person) -> None:
    field = amount(bola)
    field.press_sequentially("1234567")
    field.evaluate("field => field.setSelectionRange(6, 6)")
    field.press("Backspace")
    expect(field).to_have_value("123,567")
    assert caret(field) == 3
    field.press("Delete")
    expect(field).to_have_value("12,367")
    assert caret(field) == 4


def test_every_amount_field_has_separators(bola: Person) -> None:
    for path, label in (
        ("/plans/start/", "Goal"),
        ("/circles/start/", "Goal"),
        ("/stash/withdraw/", "Amount"),
    ):
        bola.goes_to(path)
        field = bola.page.get_by_label(re.compile(f"^{label}")).first
        field.press_sequentially("600000")
        expect(field).to_have_value("600,000")


def test_a_suggestion_fills_the_field_and_the_page_says_what_follows(bola: Person) -> None:
    page = bola.page
    bola.goes_to("/plans/")
    page.get_by_role("link", name="School fees").first.click()
    page.wait_for_url(re.compile(r"/plans/\d+/$"))
    bola.goes_to(page.url.removeprefix(bola.site) + "top-up/")
    form, barriers = page.locator("#form"), bola.barriers()
    page.get_by_role("link", name="to goal").click()
    expect(form).to_contain_text("Reaches your goal", use_inner_text=True)
    said = form.locator("[data-says]").inner_text()
    amount(bola).fill("1")
    expect(form.get_by_role("button", name="Pay")).to_have_text("Pay ₦1 by card", use_inner_text=True)
    # The server calculates the same.
    bola.goes_to(page.url.removeprefix(bola.site) + f"?amount={said.strip().removeprefix('₦')}")
    expect(form).to_contain_text("Reaches your goal", use_inner_text=True)
    expect(form.get_by_role("button", name="Pay")).to_have_text(
        f"Pay {said.strip()} by card", use_inner_text=True
    )
    amount(bola).fill("abc")
    expect(form.get_by_role("button", name="Pay")).to_have_text("Pay by card", use_inner_text=True)
    expect(form.get_by_text("of the goal")).to_be_hidden()
    assert barriers + bola.barriers() == []


def test_the_typed_separators_reach_the_provider(bola: Person) -> None:
    amount(bola).press_sequentially("12500.5")
    bola.page.get_by_role("button", name="Pay ₦12,500.50 by card").click()
    bola.page.wait_for_url(re.compile(r"/pay/"))
    expect(bola.page.locator("body")).to_contain_text("₦12,500.50")


def test_hidden_balances_stay_hidden_while_one_types(bola: Person) -> None:
    bola.context.add_cookies([{"name": "balances", "value": "hidden", "url": bola.site}])
    bola.goes_to("/stash/fund/")
    amount(bola).press_sequentially("2000")
    expect(bola.page.locator("#form")).to_contain_text("Your stash will hold ₦••••")
    expect(bola.page.get_by_role("button", name="Pay ₦2,000 by card")).to_be_visible()
