"""`make apm` in a real browser: a click that sends a mail is one trace in the viewer, from the request to the mail."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.e2e.person import Person
from web.dev.apm.viewer import Viewer


def test_one_trace_leads_from_the_click_to_the_mail(
    browser: Browser, traced_site: str, viewer: Viewer
) -> None:
    ada = Person(browser, traced_site)
    ada.signs_in("ada@example.com")
    ada.goes_to("/lab/mail/")
    ada.page.get_by_role("button", name="Send both").click()
    expect(ada.page.locator("#result #cost-h")).to_be_visible()
    reader = Person(browser, viewer.url, width=1280, scheme="dark")
    trace = (
        reader.page.get_by_role("listitem")
        .filter(has_text="POST lab/mail/")
        .filter(has_text="then deliver_outbox_row")
    )
    for _ in range(40):
        reader.goes_to("/")
        if trace.count():
            break
        reader.page.wait_for_timeout(250)
    barriers = reader.barriers()
    trace.get_by_role("link").click()
    steps = reader.page.locator(".waterfall > li")
    names = steps.all_text_contents()
    # The inline mail is a part of the request, the queued one a part of the task.
    parts = ("POST lab/mail/", "Send mail", "savings_outboxrow", "deliver_outbox_row", "Send mail")
    place = -1
    for part in parts:
        place = next(number for number, text in enumerate(names) if number > place and part in text)
    barriers += reader.barriers()
    reader.page.set_viewport_size({"width": 390, "height": 844})
    assert not reader.page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert barriers == reader.complaints == ada.complaints == []
    reader.leaves()
    ada.leaves()
