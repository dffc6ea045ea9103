"""What every action of staff must fulfil: a reason, and not one's own money or account."""

from __future__ import annotations

from savings.backoffice import messages
from savings.exceptions import Refused
from savings.models import User

_LONGEST_REASON = 300


def check_reason(reason: str) -> None:
    """Raise Refused, on the field `reason`, for an empty or too long reason."""
    if not reason.strip():
        raise Refused(messages.REASON_MISSING, field="reason")
    if len(reason.strip()) > _LONGEST_REASON:
        raise Refused(messages.note_too_long(_LONGEST_REASON), field="reason")


def check_not_own(saver: User | int | None, by: User) -> None:
    """Raise Refused when a member of staff would act on their own money or account."""
    saver_id = saver.pk if isinstance(saver, User) else saver
    if saver_id is not None and saver_id == by.pk:
        raise Refused(messages.OWN_MONEY)
