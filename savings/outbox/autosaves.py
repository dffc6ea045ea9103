"""Auto-save rules that have to be looked at again, because something they depend on has changed."""

from __future__ import annotations

import uuid

from savings.models import AutosaveRule, User
from savings.outbox.rows import add

AUTOSAVE_RECHECK = "autosave_recheck"


def recheck_autosaves(user_id: int) -> None:
    """Have a user's active auto-save rules looked at again after the commit.

    Call it in the atomic block of its cause.
    """
    if AutosaveRule.objects.active().filter(user_id=user_id).exists():
        add(
            AUTOSAVE_RECHECK,
            dedupe_key=f"{AUTOSAVE_RECHECK}:{uuid.uuid4()}",
            user=User.objects.get(pk=user_id),
            payload={"user": user_id},
        )
