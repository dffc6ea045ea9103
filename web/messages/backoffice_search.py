"""The texts of the search of staff."""

from __future__ import annotations

from savings import backoffice

# By the model of a hit.
KINDS = {
    "user": "Savers",
    "transaction": "Transactions",
    "plan": "Plans",
    "statement": "Statements",
    "payment": "Payments",
    "refund": "Refunds",
    "dispute": "Disputes",
    "settlement": "Settlements",
    "payout": "Withdrawals",
    "recipient": "Bank accounts",
    "webhookevent": "Events of the provider",
}


def more_than_shown(count: int) -> str:
    return f"The first {count}. Type more to find fewer." if count >= backoffice.MOST_HITS else ""
