"""Has the worker look at a saver's auto-save rules again, after something that may stop one of them."""

from __future__ import annotations

import uuid

from savings.models import AutosaveRule
from savings.outbox.rows import add

AUTOSAVE_RECHECK = "autosave_recheck"


def recheck_autosaves(user_id: int) -> None:
    """Write a row that has the worker pause what can no longer run among a user's rules; none without active rules.

    For the packages below `autosave`. Call it in the transaction of the cause: a plan that closed or reached its goal,
    a circle that was left, a card that was removed, a dispute. Raises RuntimeError outside an atomic block.
    """
    if AutosaveRule.objects.active().filter(user_id=user_id).exists():
        add(AUTOSAVE_RECHECK, dedupe_key=f"{AUTOSAVE_RECHECK}:{uuid.uuid4()}", payload={"user": user_id})
