"""A user with a browser, which records errors and policy reports."""

from __future__ import annotations

from http import HTTPStatus
from importlib.resources import files
from typing import Any, Literal

from playwright.sync_api import Browser, Page

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
PASSWORD = "asusu-demo"


class Person:
    """One browser window with its own cookies. `complaints` must stay empty: errors and policy reports."""

    def __init__(
        self,
        browser: Browser,
        site: str,
        *,
        width: int = 390,
        scheme: Literal["light", "dark"] = "light",
        javascript: bool = True,
    ) -> None:
        self.site = site
        self.context = browser.new_context(
            viewport={"width": width, "height": 844},
            color_scheme=scheme,
            java_script_enabled=javascript,
            reduced_motion="reduce",
        )
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(f"{self.page.url}: {error}"))
        self.page.on("console", self._heard)

    def goes_to(self, path: str) -> None:
        self.page.goto(self.site + path)

    def signs_in(self, email: str) -> None:
        """Sign in. All browsers have one IP address, from which at most 30 sign-ins a minute are answered."""
        while True:
            self.goes_to("/accounts/login/")
            self.page.get_by_label("Email").fill(email)
            self.page.get_by_label("Password", exact=True).fill(PASSWORD)
            with self.page.expect_response("**/accounts/login/") as answer:
                self.page.get_by_role("button", name="Sign in", exact=True).click()
            if answer.value.status != HTTPStatus.TOO_MANY_REQUESTS:
                break
            self.page.wait_for_timeout(5_000)
            # The browser logs the 429, and that alone is forgotten.
            self.complaints = [line for line in self.complaints if "status of 429" not in line]
        self.page.wait_for_url("**/dashboard/")

    def barriers(self) -> list[str]:
        """Return axe's violations of WCAG 2.2 AA on the page, by rule and element."""
        # Wait for the style sheet, because without it there are no colours to check.
        self.page.wait_for_load_state("load")
        # `evaluate` bypasses the page's policy; a script tag would be blocked, as it should be.
        self.page.evaluate(AXE)
        found: dict[str, Any] = self.page.evaluate("axe.run({resultTypes: ['violations']})")
        return [
            f"{self.page.url} {violation['id']}: {node['html'][:120]}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]

    def leaves(self) -> None:
        self.context.close()

    def _heard(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(f"{self.page.url}: {message.text}")
