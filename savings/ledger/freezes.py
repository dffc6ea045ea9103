"""What staff have stopped for a saver: withdrawals alone, or every movement that the saver can cause."""

from __future__ import annotations

from savings.exceptions import Refused
from savings.ledger import messages
from savings.models import User

Frozen = User.Frozen


def check_not_frozen(user_id: int, *, leaves: bool = False) -> None:
    """Raise Refused when staff have frozen a saver; `leaves` says whether the money would leave the site.

    Reads the row, so call it under the lock of the user: every movement that a saver causes does. What the site does
    itself (interest, maturities), what staff do, and money that arrives from outside are never refused.
    """
    frozen = User.objects.values_list("frozen", flat=True).get(pk=user_id)
    if reason := why_frozen(frozen, leaves=leaves):
        raise Refused(reason)


def why_frozen(frozen: str, *, leaves: bool = False) -> str:
    """Return the sentence that refuses a movement under a freeze (a value of `User.frozen`); empty if it is allowed."""
    if frozen == Frozen.MOVEMENTS:
        return messages.MOVEMENTS_FROZEN
    return messages.WITHDRAWALS_FROZEN if frozen and leaves else ""
