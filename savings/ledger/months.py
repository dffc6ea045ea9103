"""Closing a month: its sums are stored with a hash, and nothing can be posted into it afterwards."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.db.transaction import atomic
from django.utils import timezone

from savings import dates
from savings.exceptions import Refused
from savings.ledger import messages, reports
from savings.ledger.reports import TrialBalance
from savings.models import Account, ClosedMonth, Entry


def close_month(month_on: datetime.date) -> ClosedMonth:
    """Close the month that begins on `month_on`, and return it with its sums.

    A trigger then refuses entries with a `posted_at` before its end; an earlier value date remains possible. On
    PostgreSQL postings wait while the sums are made, so that none is missed. Raises Refused when the month is not over,
    is closed, is not the next one to close, or leaves money in the account for adjustments.
    """
    ends_at = reports.month_end(month_on)
    if ends_at > timezone.now():
        raise Refused(messages.MONTH_NOT_OVER)
    with atomic():
        _stop_postings()
        before = ClosedMonth.objects.order_by("-month_on").first()
        _check_order(month_on, before)
        balance = reports.trial_balance(month_on)
        _check_adjustments(balance)
        lines = _stored_lines(balance)
        return ClosedMonth.objects.create(
            month_on=month_on,
            ends_at=ends_at,
            last_entry_id=balance.last_entry_id,
            lines=lines,
            digest=_digest(month_on, balance.last_entry_id, lines, before.digest if before else ""),
        )


def wrong_digests() -> Iterator[tuple[str, str, str]]:
    """Yield each closed month whose hash does not fit its sums and the month before: its name, hash and right hash."""
    before = ""
    for month in ClosedMonth.objects.order_by("month_on"):
        right = _digest(month.month_on, month.last_entry_id, month.lines, before)
        if month.digest != right:
            yield str(month), month.digest, right
        before = month.digest


def _stop_postings() -> None:
    """Wait for postings that are being committed, and let new ones wait until the month is closed.

    Without the lock, a posting of the month that commits meanwhile would be in no sum. SQLite has one writer anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE savings_entry IN SHARE ROW EXCLUSIVE MODE")


def _check_order(month_on: datetime.date, before: ClosedMonth | None) -> None:
    if before is not None:
        next_on = dates.next_first(before.month_on)
    else:
        first = Entry.objects.order_by("posted_at").values_list("posted_at", flat=True).first()
        if first is None:
            raise Refused(messages.NO_ENTRIES)
        next_on = timezone.localdate(first).replace(day=1)
    if month_on < next_on:
        raise Refused(messages.MONTH_CLOSED if before else messages.MONTH_EMPTY)
    if month_on > next_on:
        raise Refused(messages.close_first(next_on))


def _check_adjustments(balance: TrialBalance) -> None:
    for line in balance.lines:
        if line.key == Account.Kind.ADJUSTMENTS and line.closing_kobo:
            raise Refused(messages.adjustments_left(line.closing_kobo))


def _stored_lines(balance: TrialBalance) -> list[list[Any]]:
    return [
        [line.key, line.opening_kobo, line.debits_kobo, line.credits_kobo, line.closing_kobo]
        for line in balance.lines
    ]


def _digest(month_on: datetime.date, last_entry_id: int, lines: list[list[Any]], before: str) -> str:
    text = json.dumps([before, month_on.isoformat(), last_entry_id, lines], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
