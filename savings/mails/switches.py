"""The switches of mails that can be turned off: a link in the mail turns its kind off, without sign-in."""

from __future__ import annotations

from email.policy import Policy
from typing import Any

from django.conf import settings
from django.core import signing

# The kinds, and the user's field with the switch. Receipts have a switch too, but no link: a mail program should not
# offer to end mails about the user's own money.
SWITCHES = {
    "autosave_tomorrow": "wants_autosave_notices",
    "goal_reached": "wants_goal_reached",
    "rank_changed": "wants_rank_changes",
    "weekly_digest": "wants_weekly_digest",
}
_SIGNER = signing.Signer(salt="savings.mail_switches")


class _OnOneLine(str):
    """A header on one line. Python would fold a long URL into encoded words, which no mail program reads as a URL."""

    name = "List-Unsubscribe"

    def fold(self, *, policy: Policy[Any]) -> str:
        return f"{self.name}: {self}{policy.linesep}"


def switch_url(user_id: int, kind: str) -> str:
    """Return the URL that turns a kind off for a user, without sign-in. It appears only in that user's mails."""
    return f"{settings.SITE_URL}/messages/unsubscribe/{_SIGNER.sign(f'{user_id}-{kind}')}/"


def read_switch_token(token: str) -> tuple[int, str] | None:
    """Return the user id and the kind of a token from `switch_url`; None for an invalid token."""
    try:
        user_id, _, kind = _SIGNER.unsign(token).partition("-")
    except signing.BadSignature:
        return None
    return (int(user_id), kind) if kind in SWITCHES else None


def unsubscribe_headers(user_id: int | None, kind: str) -> dict[str, str]:
    """Return the headers with which a mail program can turn a kind off (RFC 8058); none for a kind without a switch."""
    if user_id is None or kind not in SWITCHES:
        return {}
    return {
        _OnOneLine.name: _OnOneLine(f"<{switch_url(user_id, kind)}>"),
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
