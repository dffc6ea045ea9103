"""Emails about notices: the money that one moved to the stash, and one that found nothing to move."""

from __future__ import annotations

from django.utils import timezone
from django.utils.formats import date_format

from savings import money, outbox
from savings.models import InterestPosting, Notice, OutboxRow, Transaction


def notice_carried_out(
    notice: Notice,
    movement: Transaction,
    *,
    taken_kobo: int,
    interest: InterestPosting | None = None,
    is_closed: bool = False,
) -> OutboxRow | None:
    """Tell a user what a notice moved to their stash: `taken_kobo` of the plan's balance, less a penalty.

    `interest` is what was posted to the stash with it, and `is_closed` whether the plan closed because it was emptied.
    """
    penalty_kobo = taken_kobo - movement.amount_kobo
    is_less = taken_kobo < notice.amount_kobo
    return outbox.add(
        "notice_carried_out",
        dedupe_key=f"notice_carried_out:{notice.reference}",
        user=notice.user,
        movement=movement,
        payload={
            "taken": money.naira(taken_kobo),
            "penalty": money.naira(penalty_kobo) if penalty_kobo else "",
            "asked": money.naira(notice.amount_kobo) if is_less else "",
            "interest": money.naira(interest.gross_kobo) if interest else "",
            "tax": money.naira(interest.tax_kobo) if interest else "",
            "closed": is_closed,
        },
    )


def notice_refused(notice: Notice) -> OutboxRow | None:
    """Tell a user that a notice moved nothing, because its plan held no money when it was due."""
    return outbox.add(
        "notice_refused",
        dedupe_key=f"notice_refused:{notice.reference}",
        user=notice.user,
        payload={
            "plan": notice.plan.name,
            "plan_id": notice.plan_id,
            "asked": money.naira(notice.amount_kobo),
            "asked_at": date_format(timezone.localtime(notice.asked_at), "j F Y, H:i"),
        },
    )
