"""Rank changes: mails to members who rose into the notable ranks of a circle or fell out of them.

A posting that may have changed the first ranks leaves a row in the outbox (`leaderboards.contributions`). A minute
later the first lines of the leaderboard, which an index finds in a circle of any size, are compared with the lines at
the last check. Redis is not involved. Facts about other members are read when a mail is sent.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.db import transaction
from django.utils import timezone

from savings import leaderboards, mails, money, outbox
from savings.models import Circle, Membership, OutboxRow, ToldPlaces

logger = logging.getLogger(__name__)

# The number of lines compared. In a tie that continues below them, mails claim no more than these lines prove.
COMPARED_LINES = 50
# On a smaller leaderboard, almost every payment changes the ranks, so a change is no news.
LEAST_MEMBERS = 3


class Line(NamedTuple):
    """One of the first lines of a leaderboard."""

    membership_id: int
    saved_kobo: int
    nickname: str
    hides_amount: bool
    rank: int


def deliver_rank_check(row: OutboxRow) -> Mapping[str, object]:
    """Check the first ranks of a member's circle; for a leaderboard row, also write the standing to Redis.

    The check runs in any case, and first: the writer of a standing may have died before it could report a change of
    rank, and while Redis is away no writer can report one. Raises BoardsUnavailable.
    """
    check_ranks(Circle.objects.get(memberships=row.payload["membership"]))
    return leaderboards.write_to_board(row) if row.kind == leaderboards.BOARD_WRITE_KIND else {}


def check_ranks(circle: Circle) -> int:
    """Mail the members who rose into a notable rank or fell out of one, and return the number of mails.

    At most one mail for each member, circle and day. The first check of a circle only stores its ranks, and an ended
    circle gets no mails. A member who fell because they took money out gets none. Safe to run twice or concurrently.
    """
    try:
        return _check_ranks(circle)
    except Exception as error:
        if outbox.is_database_away(error):
            raise
        logger.warning("mailing rank changes of circle %s one by one: %s", circle.pk, error)
        return _check_ranks(circle, one_by_one=True)


def _check_ranks(circle: Circle, *, one_by_one: bool = False) -> int:
    today = timezone.localdate()
    if circle.has_ended(today):
        return 0
    notify = _notify_alone if one_by_one else _notify
    with transaction.atomic():
        # Locked before the lines are read, so that the second of two concurrent checks compares with the first.
        last_check, is_first = ToldPlaces.objects.select_for_update().get_or_create(circle=circle)
        lines = _first_lines(circle)
        before = last_check.lines
        last_check.lines = [[line.membership_id, line.rank, line.saved_kobo] for line in lines]
        if last_check.lines == before:
            return 0
        last_check.save(update_fields=["lines"])
        if is_first or len(lines) < LEAST_MEMBERS:
            return 0
        return sum(
            notify(membership, circle, line, rank_before, today)
            for membership, line, rank_before in _changes(lines, before)
        )


def send_rank_change(row: OutboxRow) -> Mapping[str, object]:
    """Send a mail about a rank change, with the member who is ahead of its reader now.

    That member is read at the moment of sending: they may have hidden their amount, or left, after the check. Raises
    the error of the mail server.
    """
    return mails.send_with(row, ahead=_ahead_of_reader(row.payload))


def _ahead_of_reader(payload: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the member ahead of a mail's reader; None also if the reader's rank is no longer the one in the mail."""
    # Rows of earlier releases have no membership id: their mails name no other member.
    circle = Circle.objects.filter(memberships=payload.get("membership")).first()
    lines = _first_lines(circle) if circle else []
    mine = next((line for line in lines if line.membership_id == payload["membership"]), None)
    if mine is None or leaderboards.ordinal(mine.rank) != payload["place"]:
        return None
    return _ahead(lines, mine)


def _notify(
    membership: Membership, circle: Circle, line: Line, rank_before: int | None, today: datetime.date
) -> bool:
    return bool(mails.rank_changed(membership, circle, rank=line.rank, rank_before=rank_before, day=today))


def _notify_alone(
    membership: Membership, circle: Circle, line: Line, rank_before: int | None, today: datetime.date
) -> bool:
    """Write one member's mail in a savepoint; an error is logged, so that the other members get their mails."""
    try:
        with transaction.atomic():
            return _notify(membership, circle, line, rank_before, today)
    except Exception as error:
        if outbox.is_database_away(error):
            raise
        logger.exception("cannot mail a rank change to member %s", membership.pk)
        return False


def _first_lines(circle: Circle) -> list[Line]:
    rows = Membership.objects.filter(circle=circle).ranked()
    lines: list[Line] = []
    for at, row in enumerate(
        rows.values_list("pk", "saved_kobo", "nickname", "hides_amount")[:COMPARED_LINES], 1
    ):
        is_tied = bool(lines) and lines[-1].saved_kobo == row[1]
        lines.append(Line(*row, rank=lines[-1].rank if is_tied else at))
    return lines


def _changes(lines: list[Line], before: list[list[int]]) -> list[tuple[Membership, Line, int | None]]:
    """Return the members with a notable change, each with their line and their rank before, if it is known."""
    known = {membership_id: (rank, saved_kobo) for membership_id, rank, saved_kobo in before}
    # The best possible earlier rank of a member who was not among the lines.
    unlisted = (before[-1][1] if len(before) == COMPARED_LINES else COMPARED_LINES + 1, 0)
    changed = {}
    for line in lines:
        rank_before, saved_kobo = known.get(line.membership_id, unlisted)
        has_taken_out = line.rank > rank_before and line.saved_kobo < saved_kobo
        is_notable = leaderboards.is_notable_change(before=rank_before, now=line.rank, size=len(lines))
        if is_notable and not has_taken_out:
            changed[line.membership_id] = line
    # In the order of user ids, the order in which every transaction locks users.
    members = Membership.objects.filter(pk__in=changed).select_related("user").order_by("user_id")
    return [(member, changed[member.pk], known.get(member.pk, (None, 0))[0]) for member in members]


def _ahead(lines: list[Line], mine: Line) -> dict[str, str] | None:
    """Return the member with the next higher amount, and the gap to it.

    None for the first member, and if all members with that amount hide it.
    """
    higher = [line for line in lines if line.saved_kobo > mine.saved_kobo]
    nearest = (line for line in higher if line.saved_kobo == higher[-1].saved_kobo)
    visible = next((line for line in nearest if not line.hides_amount), None)
    if visible is None:
        return None
    return {
        "nickname": visible.nickname,
        "rank": leaderboards.ordinal(visible.rank),
        "gap": money.naira(visible.saved_kobo - mine.saved_kobo),
    }
