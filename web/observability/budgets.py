"""The budget of each page, in one table, which tests check with little and with much data.

Raise a figure only together with the reason why the page is worth it. `manage.py budgets` measures them all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Budget(NamedTuple):
    """The most that one page may cost, whatever the amount of data.

    `cold` and `warm` are SQL queries, with nothing of the page cached and right after it was shown. `calls` are the
    warm page's calls to Redis: sessions, caches and boards together. `size` is in bytes, before compression.
    """

    name: str
    cold: int
    warm: int
    calls: int
    size: int
    what: str

    @property
    def route(self) -> str:
        """The URL name: the part of `name` before a `?`, which marks a further page of a list."""
        return self.name.partition("?")[0]


# A cached page costs one query when it is warm, to load the user. The others are not cached: forms, and lists whose
# rows change without a version that could be part of the key.
BUDGETS = [
    # One query of the dashboard asks for payments that are being checked: an index has only those, of all users.
    # Lists of transactions have one query more where there are fees among them, which have several entries.
    Budget("dashboard:home", 10, 1, 2, 37_000, "The dashboard"),
    # The growth of the last 30 days takes the third query, and what finished plans came to takes the fourth. The
    # size is of 40 plans that run and 40 that are over.
    Budget("plans:index", 4, 1, 2, 88_000, "Plans"),
    # Where the terms of the plan have a notice: one more query, and up to ten notices with a form each. One more query
    # for the pace of a goal without a date.
    Budget("plans:detail", 8, 1, 2, 31_000, "A plan"),
    # A row for each plan in each month of a year.
    Budget("plans:paid_interest", 3, 1, 2, 40_000, "The interest of all plans"),
    Budget("plans:interest", 8, 8, 1, 30_000, "The interest of a plan"),
    Budget("plans:start", 4, 4, 1, 20_000, "Starting a plan"),
    # With a goal and a date, a row says which sum gets there, and its link has that sum.
    Budget("plans:choose_top_up", 2, 2, 1, 50_000, "Topping up: which plan"),
    # One of the queries, and of the next form's, is for the saved cards, up to ten of which are offered.
    Budget("plans:top_up", 5, 5, 1, 20_000, "Topping up a plan"),
    Budget("plans:withdraw", 2, 2, 1, 12_000, "Taking money out of a plan"),
    # With as many notices as a plan can have.
    Budget("plans:give_notice", 4, 4, 1, 19_000, "Giving notice"),
    Budget("plans:quote_exit", 2, 2, 1, 12_000, "Taking money out early"),
    Budget("plans:edit", 2, 2, 1, 12_000, "Changing a plan"),
    # Not cached. The auto-saves take two queries.
    Budget("calendar:home", 9, 9, 1, 40_000, "The calendar"),
    # All but two of the queries are those of the calendar: the page shows the dates that come first in the feed.
    Budget("calendar:feed", 9, 9, 1, 12_000, "The calendar's feed, for its owner"),
    # One query more where there are withdrawals on their way out, and one for fees among the latest rows.
    Budget("stash:home", 6, 1, 2, 70_000, "The stash"),
    Budget("autosave:index", 2, 2, 1, 40_000, "Auto-save"),
    Budget("autosave:choose", 2, 2, 1, 46_000, "A new auto-save: into which plan"),
    Budget("autosave:detail", 4, 4, 1, 16_000, "One auto-save"),
    # The forms of auto-save offer up to ten saved cards.
    Budget("autosave:start", 5, 5, 1, 22_000, "Setting up an auto-save"),
    Budget("autosave:start_stash", 2, 2, 1, 22_000, "Setting up an auto-save into the stash"),
    Budget("autosave:edit", 6, 6, 1, 22_000, "Changing an auto-save"),
    Budget("stash:fund", 3, 3, 1, 18_000, "Adding money to the stash"),
    # How much may be withdrawn takes five queries, and four more until the books have an account for what savers owe.
    Budget("payouts:withdraw", 12, 8, 1, 16_000, "Withdrawing"),
    Budget("payouts:recipients", 2, 2, 1, 17_000, "Bank accounts"),
    # As many rows as a saver can have cards.
    Budget("cards:index", 2, 2, 1, 22_000, "Saved cards"),
    Budget("cards:rename", 2, 2, 1, 10_000, "Renaming a saved card"),
    Budget("cards:remove", 2, 2, 1, 10_000, "Removing a saved card"),
    # Nearly all of the size is the list of banks; the rest says what happens next.
    Budget("payouts:add_recipient", 2, 2, 2, 26_000, "Adding a bank account"),
    # One of the queries is for payments that are being checked, which stand above all others.
    Budget("transactions:index", 5, 1, 2, 41_000, "Transactions"),
    Budget("transactions:index?before", 4, 1, 2, 41_000, "An older page of transactions"),
    Budget("transactions:receipt", 5, 1, 2, 13_000, "A receipt"),
    # The ranks on the cards take one call for all circles, and one query for those of which Redis has no board.
    Budget("circles:index", 5, 5, 3, 50_000, "Circles"),
    Budget("circles:detail", 6, 1, 2, 20_000, "A circle"),
    Budget("circles:leaderboard", 5, 1, 2, 36_000, "A leaderboard"),
    Budget("circles:members", 4, 1, 2, 22_000, "The members of a circle"),
    # With an example of what each member saves.
    Budget("circles:start", 4, 4, 1, 18_000, "Starting a circle"),
    Budget("circles:join", 4, 4, 2, 12_000, "Joining a circle"),
    Budget("circles:join_by_code", 4, 4, 2, 12_000, "Joining by a link"),
    Budget("circles:appearance", 2, 2, 1, 11_000, "How others see me in a circle"),
    Budget("circles:edit", 2, 2, 1, 12_000, "Changing a circle"),
    Budget("circles:member", 3, 3, 1, 11_000, "A member, for the owner of a circle"),
    Budget("statements:index", 6, 6, 1, 86_000, "Statements"),
    Budget("statements:start", 6, 6, 1, 21_000, "Asking for a statement"),
    Budget("statements:certificate", 3, 3, 1, 10_000, "Asking for a certificate"),
    Budget("statements:detail", 3, 3, 1, 14_500, "A statement"),
    Budget("messages:index", 2, 2, 1, 40_000, "Messages"),
    Budget("messages:detail", 2, 2, 1, 10_000, "A message"),
    Budget("users:profile", 1, 1, 1, 15_000, "The profile"),
    # With as many devices as it shows.
    Budget("users:security", 4, 4, 1, 26_000, "Signing in and devices"),
    Budget("landing:home", 3, 3, 0, 19_000, "The page for strangers"),
    Budget("help:home", 3, 3, 1, 16_000, "Help"),
    Budget("account_login", 0, 0, 0, 8_000, "Signing in"),
    Budget("statements:verify", 0, 0, 0, 7_000, "Checking a statement"),
    Budget("messages:unsubscribe", 1, 1, 0, 6_000, "Ending a kind of mail"),
    Budget("messages:mailbox", 1, 1, 0, 62_000, "The mailbox of development"),
    Budget("healthz", 0, 0, 0, 1_000, "Whether the process lives"),
    Budget("readyz", 4, 4, 0, 1_000, "Whether it can serve"),
]

# GET routes without a budget, and why.
WITHOUT_BUDGET = {
    "users:unsent": "sends a form that waited on its way",
    "users:second_step": "shows itself to staff without a second step alone",
    "users:confirm_email_change": "changes an address, and works once",
    "users:undo_email_change": "undoes a change, and works once",
    "payouts:confirm": "leads to the form for the amount",
    "payouts:undo_recipient": "removes a bank account, and works once",
    "autosave:preview": "leads to the form whose preview it is",
    "autosave:preview_stash": "leads to the form whose preview it is",
    "circles:preview_start": "leads to the form whose preview it is",
    "plans:preview_start": "leads to the form whose preview it is",
    "plans:preview_exit": "leads to the form whose preview it is",
    "payouts:preview": "leads to the form whose preview it is",
    "plans:carry_out_exit": "leads to the form for the amount",
    "security_txt": "a few lines from the settings",
    "metrics": "for Prometheus; tests/web/views/test_metrics.py counts its queries",
    "echo": "answers `manage.py doctor`, without a query",
    "change_password": "leads on",
    "calendar:read_feed": "a file for calendar programs",
    "statements:download": "sends a file and counts that",
    "payments:return_from_provider": "asks the provider",
    "payments:find_returned": "leads on",
}


def markdown(budgets: Iterable[Budget] = BUDGETS) -> str:
    """Return the budgets as the table of docs/performance.md."""
    head = "| Page | Queries, cold | warm | Redis calls, warm | kB |\n|---|--:|--:|--:|--:|\n"
    return head + "".join(
        f"| {budget.what} | {budget.cold} | {budget.warm} | {budget.calls} | {budget.size // 1000} |\n"
        for budget in budgets
    )
