"""Emails about withdrawals: asked for, sent, returned, come back, and a new bank account."""

from __future__ import annotations

import datetime

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format

from savings import money, outbox
from savings.models import OutboxRow, Payout, Recipient


def payout_asked(payout: Payout) -> OutboxRow | None:
    """Tell a user that a withdrawal was asked for, with what it costs and until when it can be cancelled."""
    return _add(
        "payout_asked", payout, until=_moment(payout.send_at) if payout.send_at > payout.asked_at else ""
    )


def payout_sent(payout: Payout) -> OutboxRow | None:
    """Tell a user that the money of a withdrawal has reached the bank account."""
    return _add("payout_sent", payout)


def payout_returned(payout: Payout) -> OutboxRow | None:
    """Tell a user that a withdrawal did not go through, why, and that money and fees are in the stash again."""
    return _add("payout_returned", payout, reason=payout.provider_message)


def payout_came_back(payout: Payout) -> OutboxRow | None:
    """Tell a user that the bank gave the money of a withdrawal back, and that it is in the stash again."""
    return _add("payout_came_back", payout, reason=payout.provider_message)


def recipient_added(recipient: Recipient, undo_token: str) -> OutboxRow | None:
    """Tell a user that a bank account was added, with the link that removes it; once per recipient."""
    return outbox.add(
        "recipient_added",
        dedupe_key=f"recipient_added:{recipient.pk}",
        user=recipient.user,
        payload={
            "account": str(recipient),
            "name": recipient.account_name,
            "usable": _moment(recipient.usable_at),
            "days": settings.EMAIL_UNDO_DAYS,
            "secret": undo_token,
        },
    )


def _add(kind: str, payout: Payout, **facts: str) -> OutboxRow | None:
    movement = payout.transaction
    return outbox.add(
        kind,
        dedupe_key=f"{kind}:{movement.reference}",
        user=payout.user,
        movement=movement,
        payload={
            "account": str(payout.recipient),
            "name": payout.recipient.account_name,
            "fees": money.naira(payout.fees_kobo) if payout.fees_kobo else "",
            "total": money.naira(movement.amount_kobo + payout.fees_kobo),
            **facts,
        },
    )


def _moment(at: datetime.datetime) -> str:
    return date_format(timezone.localtime(at), "j F Y, H:i")
