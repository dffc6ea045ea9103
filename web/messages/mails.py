"""The states of mails on the Messages page."""

from __future__ import annotations

# The filters of the list, and where money went that belongs to no plan.
ALL, MONEY, SECURITY, CIRCLES, STATEMENTS = "All", "Money", "Security", "Circles", "Statements"
STASH = "Stash"

NOT_SENT = "Couldn’t be sent"
ON_ITS_WAY = "On its way"


def sign_ins(count: int) -> str:
    return f"{count} new sign-ins"


def sent_at(moment: str) -> str:
    return f"Sent {moment}"


def next_try_at(moment: str) -> str:
    return f"Next try: {moment}"
