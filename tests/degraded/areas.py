"""The columns of docs/degraded.md: what a saver, a visitor, a member of staff and the worker do during a fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.test import Client
from django.utils import timezone

from savings import outbox, tasks
from tests.factories import PASSWORD, make_user, make_welcome
from tests.payouts import make_saver
from tests.web import staff, withdrawing
from tests.web.form_filling import filled_in
from tests.web.views.test_withdraw import CONFIRM, asked, confirmation

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

STASH_KOBO = 100_000_00


class Site:
    """Browsers with the forms that they had open before the fault, and a mail that waits."""

    def __init__(self) -> None:
        self.saver = make_saver(STASH_KOBO)
        self.browser = browser()
        withdrawing.sign_in(self.saver, self.browser)
        self.deposit = filled_in(self.browser, "/stash/fund/", amount="5000")
        self.withdrawal = confirmation(self.browser, asked(self.saver.recipients.get(), "5,000"))
        self.statement = filled_in(self.browser, "/statements/start/")
        self.visitor = browser()
        self.staff = staff.sign_in(make_user(is_staff=True, is_superuser=True), browser())
        self.mail = make_welcome()

    def open_page(self) -> Response:
        return self.browser.get("/dashboard/")

    def sign_in(self, password: str = PASSWORD) -> Response:
        return self.visitor.post("/accounts/login/", {"login": self.saver.email, "password": password})

    def pay_in(self) -> Response:
        return self.browser.post("/stash/fund/", self.deposit)

    def withdraw(self) -> Response:
        return self.browser.post(CONFIRM, self.withdrawal)

    def ask_for_statement(self) -> Response:
        return self.browser.post("/statements/start/", self.statement)

    def open_admin(self) -> Response:
        return self.staff.get("/admin/")


def browser() -> Client:
    return Client(raise_request_exception=False)


# By the name of the column. The worker answers no requests.
AREAS: dict[str, Callable[[Site], Response]] = {
    "page": Site.open_page,
    "signing-in": Site.sign_in,
    "paying-in": Site.pay_in,
    "withdrawing": Site.withdraw,
    "statements": Site.ask_for_statement,
    "staff": Site.open_admin,
}
# The usual statuses: a form that was accepted leads to the next page.
USUAL = {"page": 200, "staff": 200} | dict.fromkeys(
    ("signing-in", "paying-in", "withdrawing", "statements"), 302
)


def work() -> int:
    """Deliver what waits in the outbox, as the worker does each minute, and return how much was delivered."""
    return outbox.sweep(timezone.now(), tasks.HANDLERS)
