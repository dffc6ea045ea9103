"""Emails about what staff did to a saver's money or account."""

from __future__ import annotations

from savings import money, outbox
from savings.mails import messages
from savings.models import OutboxRow, Transaction, User


def refund_approved(movement: Transaction) -> OutboxRow | None:
    """Tell a user that a refund of their payment was approved; once per refund."""
    return money_moved_by_staff("refund", movement)


def debt_written_off(movement: Transaction) -> OutboxRow | None:
    """Tell a user that they owe an amount no longer; once per transaction."""
    return money_moved_by_staff("write_off", movement)


def money_moved_by_staff(what: str, movement: Transaction) -> OutboxRow | None:
    """Tell the user of a transaction what staff did, a name in `messages.MOVED_BY_STAFF`; once per transaction.

    None for a transaction without a user. These mails have no switch: they are about the user's own money.
    """
    if movement.user is None:
        return None
    subject, sentence = messages.MOVED_BY_STAFF[what]
    amount = money.naira(movement.amount_kobo)
    place = f"“{movement.plan.name}”" if movement.plan else messages.YOUR_STASH
    return outbox.add(
        "by_staff",
        dedupe_key=f"by_staff:{movement.reference}",
        user=movement.user,
        movement=movement,
        payload={
            "subject": subject % {"amount": amount},
            "text": sentence % {"amount": amount, "place": place},
        },
    )


def account_changed_by_staff(what: str, user: User, key: str) -> OutboxRow | None:
    """Tell a user what staff did to their account, a name in `messages.CHANGED_BY_STAFF`; once per `key`.

    None if the mail was written before: `key` names the change.
    """
    subject, sentence = messages.CHANGED_BY_STAFF[what]
    return outbox.add(
        "by_staff",
        dedupe_key=f"by_staff:{key}",
        user=user,
        payload={"subject": subject, "text": sentence},
    )
