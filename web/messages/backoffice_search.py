"""The texts of the search of staff."""

from __future__ import annotations

from django.utils.translation import ngettext

from savings import backoffice

TITLE = "Search"
# One and several, by the model of a hit, in the order in which staff look for them.
KINDS = {
    "user": ("saver", "Savers"),
    "transaction": ("transaction", "Transactions"),
    "payment": ("payment", "Payments"),
    "payout": ("withdrawal", "Withdrawals"),
    "plan": ("plan", "Plans"),
    "recipient": ("bank account", "Bank accounts"),
    "refund": ("refund", "Refunds"),
    "dispute": ("dispute", "Disputes"),
    "settlement": ("settlement", "Settlements"),
    "statement": ("statement", "Statements"),
    "webhookevent": ("provider event", "Provider events"),
}


def only_match(model: str) -> str:
    return f"The search found only this {KINDS[model][0]}."


def matches(count: int, text: str) -> str:
    """Return the title of the results."""
    if not count:
        return TITLE
    values = {"count": count, "text": text}
    return ngettext("%(count)d match for “%(text)s”", "%(count)d matches for “%(text)s”", count) % values


def more_than_shown(count: int) -> str:
    return f"The first {count}. Type more to find fewer." if count >= backoffice.MOST_HITS else ""
