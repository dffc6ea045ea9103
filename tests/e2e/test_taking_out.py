"""Taking money out on a phone: an early exit after its quote, and a withdrawal to the bank."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.person import Person


def test_an_early_exit_is_quoted_and_then_charged(ada: Person) -> None:
    ada.goes_to("/plans/")
    ada.page.get_by_role("link", name=re.compile("^Rent 20")).first.click()
    ada.page.wait_for_url(re.compile(r"/plans/\d+/$"))
    ada.goes_to(ada.page.url.removeprefix(ada.site) + "exit/")
    barriers = ada.barriers()
    ada.page.get_by_label("Amount").fill("10,000")
    ada.page.get_by_role("button", name="Review").click()
    expect(ada.page.get_by_role("main")).to_contain_text("− ₦100.00")
    barriers += ada.barriers()
    ada.page.get_by_role("button", name="Move ₦9,900.00 to my stash").click()
    ada.page.wait_for_url(re.compile(r"/transactions/PTS"))
    expect(ada.page.locator("article.slip")).to_contain_text("Done")
    assert barriers + ada.barriers() == []
    assert ada.complaints == []


def test_a_withdrawal_is_paid_while_its_saver_looks_at_it(ada: Person) -> None:
    ada.goes_to("/stash/")
    ada.page.get_by_role("link", name="Withdraw").click()
    barriers = ada.barriers()
    ada.page.get_by_label("Amount").fill("1,500")
    ada.page.get_by_role("button", name="Review withdrawal").click()
    expect(ada.page.get_by_role("main")).to_contain_text("Leaves your stash")
    barriers += ada.barriers()
    ada.page.get_by_role("button", name="Withdraw ₦1,500.00").click()
    ada.page.wait_for_url(re.compile(r"/transactions/STW"))
    expect(ada.page.locator(".toast")).to_contain_text("Your withdrawal is on its way.")
    barriers += ada.barriers()
    slip = ada.page.locator("article.slip")
    for _ in range(30):
        if "Done" in slip.inner_text():
            break
        ada.page.wait_for_timeout(1_000)
        ada.page.reload()
    expect(slip).to_contain_text("Done")
    expect(ada.page.get_by_role("main")).to_contain_text("Paid to your bank account")
    assert barriers + ada.barriers() == []
    assert ada.complaints == []


def test_a_bank_account_is_added_by_its_number_and_removed(ada: Person) -> None:
    ada.goes_to("/stash/accounts/add/")
    barriers = ada.barriers()
    ada.page.get_by_label("Bank", exact=True).select_option(label="Zenith Bank")
    ada.page.get_by_label("Account number").fill("012345678")
    ada.page.get_by_role("button", name="Look up the account").click()
    expect(ada.page.get_by_role("main")).to_contain_text("An account number has 10 digits.")
    barriers += ada.barriers()
    ada.page.get_by_label("Account number").fill("0123456789")
    ada.page.get_by_role("button", name="Look up the account").click()
    expect(ada.page.get_by_role("main")).to_contain_text("OKAFOR ADA")
    barriers += ada.barriers()
    ada.page.get_by_role("button", name="Add this account").click()
    ada.page.wait_for_url(re.compile(r"/stash/accounts/$"))
    expect(ada.page.get_by_role("main")).to_contain_text("Zenith Bank")
    barriers += ada.barriers()
    remove = ada.page.locator("li", has_text="Zenith Bank").get_by_role("button", name="Remove")
    remove.click()
    expect(ada.page.get_by_role("main")).not_to_contain_text("Zenith Bank")
    assert barriers == []
    assert [one for one in ada.complaints if "422" not in one] == []
