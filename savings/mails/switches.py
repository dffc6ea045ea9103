"""Mails that tell of what others did as well: each kind has a switch, which can be turned off from the mail itself."""

from __future__ import annotations

from email.policy import Policy
from typing import Any

from django.conf import settings
from django.core import signing

# The kinds, and the field of the person with the switch. Receipts have one too, but no mail program should offer to
# end what tells of one's own money.
SWITCHES = {"rank_changed": "wants_rank_changes", "weekly_digest": "wants_weekly_digest"}
_SIGNER = signing.Signer(salt="savings.mail_switches")


class _OnOneLine(str):
    """A header as it is. Python folds a long address into encoded words, which no mail program takes for an address."""

    name = "List-Unsubscribe"

    def fold(self, *, policy: Policy[Any]) -> str:
        return f"{self.name}: {self}{policy.linesep}"


def switch_url(user_id: int, kind: str) -> str:
    """Return the address that turns a kind off for a person, whoever opens it: it is in their mails alone."""
    return f"{settings.SITE_URL}/messages/unsubscribe/{_SIGNER.sign(f'{user_id}-{kind}')}/"


def read_switch_token(token: str) -> tuple[int, str] | None:
    """Return the id of the person and the kind that such an address is about; None for one that is not ours."""
    try:
        user_id, _, kind = _SIGNER.unsign(token).partition("-")
    except signing.BadSignature:
        return None
    return (int(user_id), kind) if kind in SWITCHES else None


def unsubscribe_headers(user_id: int | None, kind: str) -> dict[str, str]:
    """Return what lets a mail program turn the kind off by itself (RFC 8058); nothing for a kind without a switch."""
    if user_id is None or kind not in SWITCHES:
        return {}
    return {
        _OnOneLine.name: _OnOneLine(f"<{switch_url(user_id, kind)}>"),
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
