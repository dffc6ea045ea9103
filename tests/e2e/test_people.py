"""Sign-up with a code, passkeys on a device that supports them, and the second step."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Literal

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Browser, expect

from tests.e2e.person import Person

WORDS = "three quiet words"


@pytest.fixture(params=["light", "dark"])
def ngozi(request: pytest.FixtureRequest, browser: Browser, site: str) -> Iterator[Person]:
    """A newcomer whose device supports passkeys, on a phone in light mode and on a computer in dark mode."""
    scheme: Literal["light", "dark"] = request.param
    # Browsers refuse passkeys for an IP address.
    site = site.replace("127.0.0.1", "localhost")
    person = Person(browser, site, scheme=scheme, width=390 if scheme == "light" else 1280)
    device = person.context.new_cdp_session(person.page)
    device.send("WebAuthn.enable")
    device.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
            }
        },
    )
    yield person
    person.leaves()


def press(person: Person, name: str) -> None:
    person.page.get_by_role("main").get_by_role("button", name=name, exact=True).click()


def signs_up(person: Person, email: str) -> list[str]:
    """Sign up with the code from the mailbox, and return what axe finds on the way."""
    page = person.page
    person.goes_to("/accounts/signup/")
    barriers = person.barriers()
    page.get_by_label("Name").fill("Ngozi Eze")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(WORDS)
    press(person, "Continue")
    barriers += person.barriers()
    page.get_by_role("link", name="open the test inbox").click()
    code = re.search(r"\d{4}-\d{4}", page.get_by_role("main").inner_text())
    assert code
    person.goes_to("/accounts/confirm-email/")
    page.get_by_label("Code", exact=True).fill(code[0])
    press(person, "Confirm")
    page.wait_for_url(person.site + "/dashboard/")
    return barriers


def signs_out(person: Person) -> None:
    person.goes_to("/accounts/logout/")
    press(person, "Sign out")
    person.page.wait_for_url(person.site + "/")


def proves_it(person: Person) -> None:
    """On the re-authentication page."""
    person.page.get_by_label("Password", exact=True).fill(WORDS)
    press(person, "Continue")


def shown_by_app(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def test_a_passkey_signs_in_by_itself_and_is_a_second_step(ngozi: Person) -> None:
    page, email = ngozi.page, f"ngozi-{time.time_ns()}@example.com"
    barriers = signs_up(ngozi, email)
    ngozi.goes_to("/accounts/")
    barriers += ngozi.barriers()
    page.get_by_role("link", name="Add a passkey").click()
    barriers += ngozi.barriers()
    proves_it(ngozi)
    barriers += ngozi.barriers()
    page.get_by_label("Name").fill("My phone")
    press(ngozi, "Make the passkey")
    page.wait_for_url(ngozi.site + "/accounts/2fa/recovery-codes/")
    barriers += ngozi.barriers()
    ngozi.goes_to("/accounts/")
    expect(page.get_by_role("main")).to_contain_text("My phone")
    barriers += ngozi.barriers()

    signs_out(ngozi)
    ngozi.goes_to("/accounts/login/?next=/stash/")
    press(ngozi, "Sign in with a passkey")
    page.wait_for_url(ngozi.site + "/stash/")

    signs_out(ngozi)
    ngozi.goes_to("/accounts/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(WORDS)
    press(ngozi, "Sign in")
    page.wait_for_url(ngozi.site + "/accounts/2fa/authenticate/")
    barriers += ngozi.barriers()
    press(ngozi, "Use a passkey instead")
    page.wait_for_url(ngozi.site + "/dashboard/")

    ngozi.goes_to("/accounts/")
    page.get_by_role("link", name="Remove My phone").click()
    page.get_by_role("link", name="Use a passkey").click()
    barriers += ngozi.barriers()
    press(ngozi, "Use your passkey")
    press(ngozi, "Remove it")
    page.wait_for_url(ngozi.site + "/accounts/")
    expect(page.get_by_role("main")).not_to_contain_text("My phone")
    assert barriers == []
    assert ngozi.complaints == []


def test_an_app_is_set_up_by_its_key_and_asked_for_at_the_door(ngozi: Person) -> None:
    page, email = ngozi.page, f"ngozi-{time.time_ns()}@example.com"
    signs_up(ngozi, email)
    ngozi.goes_to("/accounts/2fa/totp/activate/")
    proves_it(ngozi)
    barriers = ngozi.barriers()
    expect(page.get_by_role("img", name="The key as a QR code")).to_be_visible()
    secret = page.locator("code.secret").text_content() or ""
    page.get_by_label("Code", exact=True).fill(shown_by_app(secret))
    press(ngozi, "Turn it on")
    page.wait_for_url(ngozi.site + "/accounts/2fa/recovery-codes/")
    recovery_code = page.locator(".codes code").first.inner_text()
    for path in (
        "/accounts/2fa/recovery-codes/generate/",
        "/accounts/2fa/totp/deactivate/",
        "/accounts/logout/",
    ):
        ngozi.goes_to(path)
        barriers += ngozi.barriers()
    for path in ("/accounts/email/", "/accounts/password/change/", "/profile/"):
        ngozi.goes_to(path)
        barriers += ngozi.barriers()
    signs_out(ngozi)
    for path in ("/accounts/password/reset/", "/accounts/inactive/", "/accounts/login/"):
        ngozi.goes_to(path)
        barriers += ngozi.barriers()
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(WORDS)
    press(ngozi, "Sign in")
    page.get_by_label("Code", exact=True).fill(recovery_code)
    press(ngozi, "Sign in")
    page.wait_for_url(ngozi.site + "/dashboard/")
    assert barriers == []
    assert ngozi.complaints == []


def test_a_password_can_be_looked_at_while_it_is_typed(browser: Browser, site: str) -> None:
    person = Person(browser, site)
    person.goes_to("/accounts/login/")
    field = person.page.get_by_label("Password", exact=True)
    field.fill("secret")
    person.page.get_by_role("button", name="Show what is typed").click()
    expect(field).to_have_attribute("type", "text")
    person.page.get_by_role("button", name="Show what is typed").click()
    expect(field).to_have_attribute("type", "password")
    person.leaves()


def test_the_sign_in_page_works_without_scripts(browser: Browser, site: str) -> None:
    person = Person(browser, site, javascript=False)
    address = f"zainab-{time.time_ns()}@example.com"
    page = person.page
    person.goes_to("/accounts/signup/")
    page.get_by_label("Name").fill("Zainab")
    page.get_by_label("Email").fill(address)
    page.get_by_label("Password", exact=True).fill(WORDS)
    press(person, "Continue")
    expect(page.get_by_role("heading", name="Check your email")).to_be_visible()
    person.goes_to("/accounts/confirm-email/")
    expect(page.get_by_label("Code", exact=True)).to_be_visible()
    person.leaves()
