"""States as badges: one vocabulary for every list and page of the admin. Only what needs eyes has a colour."""

from __future__ import annotations

from typing import Any, cast

from django.utils.html import format_html
from django.utils.safestring import SafeString

from savings.models import Payout, Transaction
from web.messages import lists

# Done and right, and over without an effect are plain words. What is on its way without staff is grey; what waits for
# somebody and what failed have a colour.
_TONES = {
    "good": "success done paid ready solved well right active accepted processed",
    "going": "going pending trying sent running writing processing",
    "wait": (
        "review waiting approval queued open new contested awaiting-merchant-feedback awaiting-bank-feedback"
        " needs-attention"
    ),
    "bad": "failed returned came_back dead late wrong refused",
    "off": "abandoned reversed cancelled expired ended withdrawn void skipped paused closed revoked removed resolved",
}
_TONE_OF = {value: tone for tone, values in _TONES.items() for value in values.split()}


def badge(value: str, text: str) -> SafeString:
    """Return a state as a badge, in the colour of its value. A value that nobody has named is grey."""
    tone = _TONE_OF.get(value, "off")
    return format_html('<span class="badge {}">{}</span>', tone, text) if text else SafeString("")


def state_of(row: Any, name: str = "state") -> SafeString:
    """Return the state of a row that has choices for it.

    A withdrawal's transaction that was read with its payout says that it waits for approval.
    """
    if payout := _waits_for_approval(row):
        row, name = payout, "state"
    value, text = getattr(row, name), getattr(row, f"get_{name}_display")()
    # An open case without a deadline can wait.
    return badge("going" if value == "open" and not row.due_at else value, text)


def _waits_for_approval(row: Any) -> Payout | None:
    """Return the payout of a transaction if it waits for approval, without a query."""
    if not isinstance(row, Transaction) or row.status != Transaction.Status.PENDING:
        return None
    relation = Transaction._meta.get_field("payout")
    payout = cast("Payout | None", relation.get_cached_value(row, default=None))
    return payout if payout and payout.state == Payout.State.APPROVAL else None


def of_words(words: str) -> SafeString:
    """Return a state that the provider names."""
    return badge(words, lists.said(words))


def mail_state(row: Any) -> SafeString:
    """Return the state of a row of the outbox."""
    if row.done_at:
        return badge("done", "Sent")
    return badge("dead", "Given up") if row.dead_at else badge("waiting", "Waiting")
