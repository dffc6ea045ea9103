"""The lab in a real browser: run again in place, without JavaScript, accessible, and on a phone."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.person import Person

PAGES = ["/lab/", "/lab/measure/", "/lab/plan-names/", "/lab/lookup/", "/lab/leaderboard/", "/lab/mail/"]
PAGES += ["/lab/statement/", "/lab/kill-worker/", "/lab/caching/", "/lab/stampede/", "/lab/wrong-key/"]
PAGES += ["/lab/whole-page/", "/lab/whole-page/?asked=1&on=slim&on=cache"]


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_every_page_is_readable_by_everybody(
    browser: Browser, site: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    ada = Person(browser, site, width=width, scheme=scheme)
    ada.signs_in("ada@example.com")
    ada.goes_to("/lab/lookup/")
    ada.page.get_by_role("button", name="Make the copies").click()
    expect(ada.page.get_by_role("table")).to_be_visible(timeout=60_000)
    ada.goes_to("/lab/leaderboard/")
    for name in ("Delete the lab’s circles", "Load 24 members", "Pay in"):
        ada.page.get_by_role("button", name=name).click()
    expect(ada.page.locator("#result")).to_contain_text("to rank")
    ada.page.get_by_role("button", name="Empty Redis").click()
    expect(ada.page.locator("#result")).to_contain_text("Rebuilt took")
    barriers = ada.barriers()
    ada.goes_to("/lab/plan-names/")
    ada.page.get_by_role("button", name="Load the rows").click()
    expect(ada.page.get_by_role("table")).to_be_visible()
    parts = [f"/lab/lookup/?part={part}" for part in ("create", "update", "pages", "cost", "unused", "ours")]
    for path in [*PAGES, *parts, "/lab/naive/transactions/"]:
        ada.goes_to(path)
        barriers += ada.barriers()
        assert not ada.page.evaluate("document.documentElement.scrollWidth > innerWidth"), path
    assert barriers == ada.complaints == []
    ada.leaves()


@pytest.mark.parametrize("javascript", [True, False])
def test_an_experiment_runs_again_and_a_mail_is_sent(
    browser: Browser, site: str, *, javascript: bool
) -> None:
    ada = Person(browser, site, javascript=javascript)
    ada.signs_in("ada@example.com")
    page = ada.page
    ada.goes_to("/lab/plan-names/")
    page.get_by_role("button", name="Load the rows").click()
    expect(page.locator("#result #cost-h")).to_contain_text("Naive took")
    with page.expect_response("**/lab/plan-names/**") as run:
        page.get_by_role("button", name="Run", exact=True).click()
    assert ("hx-request" in run.value.request.headers) == javascript
    expect(page.locator("#result #cost-h")).to_contain_text("Naive took")
    ada.goes_to("/lab/mail/")
    page.get_by_role("button", name="Send both").click()
    expect(page.locator("#result #cost-h")).to_contain_text("Sent inline took")
    page.get_by_role("link", name="See the queued mail in your messages").click()
    expect(page.get_by_text("A mail from the lab").first).to_be_visible()
    assert ada.complaints == []
    ada.leaves()
