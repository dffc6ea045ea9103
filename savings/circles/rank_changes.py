"""Rank changes: who has come among the first places of a circle, or was pushed out of them, and hears so by mail.

A posting that may have touched the first places leaves a row in the outbox (`scores`). A minute later the first lines
of the board, read by their index however large the circle, are compared with those as of which its members were last
told. Redis has no part in it. What a mail says of anybody but its reader is looked up as it is sent.
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

# So many lines are compared. Inside a tie that goes on beyond them nobody is told more than these lines prove.
FOLLOWED = 50
# Among fewer, everybody is ahead or is passed by whoever pays in: no news to anybody.
FEWEST = 3


class Line(NamedTuple):
    """One of the first lines of a board. Sums in kobo."""

    membership_id: int
    saved_kobo: int
    nickname: str
    hides_amount: bool
    place: int


def deliver_rank_check(row: OutboxRow) -> Mapping[str, object]:
    """Look at the first places of a member's circle, and write the standing that the row may still be about.

    A standing whose row waits may have been written by somebody who died before they could say what it moved, and while
    Redis is away nobody can say: so these look in any case, and first. Raises boards.Away.
    """
    check_ranks(Circle.objects.get(memberships=row.payload["membership"]))
    return leaderboards.write_to_board(row) if row.kind == leaderboards.BOARD_WRITE_KIND else {}


def check_ranks(circle: Circle) -> int:
    """Tell those whose place has become or ceased to be one that is told of, and return how many mails that makes.

    At most one mail for each member, circle and day. The first look at a circle only takes down how all stand; after
    its end there is nothing to tell. Whose own sum has fallen knows why they have. Safe to run twice, and at once.
    """
    try:
        return _check_ranks(circle)
    except Exception as error:
        if outbox.is_database_away(error):
            raise
        logger.warning("the members of circle %s are told of their places one by one: %s", circle.pk, error)
        return _check_ranks(circle, one_by_one=True)


def _check_ranks(circle: Circle, *, one_by_one: bool = False) -> int:
    today = timezone.localdate()
    if circle.has_ended(today):
        return 0
    tell = _notify_alone if one_by_one else _notify
    with transaction.atomic():
        # Locked before the lines are read, so that the later of two looks at once compares with the earlier one's.
        told, is_first = ToldPlaces.objects.select_for_update().get_or_create(circle=circle)
        lines = _first_lines(circle)
        before, told.lines = told.lines, [[line.membership_id, line.place, line.saved_kobo] for line in lines]
        if told.lines == before:
            return 0
        told.save(update_fields=["lines"])
        if is_first or len(lines) < FEWEST:
            return 0
        return sum(
            tell(membership, circle, line, was, today) for membership, line, was in _to_notify(lines, before)
        )


def send_rank_change(row: OutboxRow) -> Mapping[str, object]:
    """Send a mail that `look` has written down, with who is ahead of its reader now.

    At the moment of sending, since somebody may have hidden their sum, or left, after the look. Raises what went wrong
    at the mail server.
    """
    return mails.send_with(row, ahead=_ahead_now(row.payload))


def _ahead_now(payload: Mapping[str, Any]) -> dict[str, str] | None:
    """Return who is ahead of the reader of a mail; None, too, once they are in another place than it tells of."""
    # Rows of earlier versions say whose place it is by name alone: those mails name nobody.
    circle = Circle.objects.filter(memberships=payload.get("membership")).first()
    lines = _first_lines(circle) if circle else []
    mine = next((line for line in lines if line.membership_id == payload["membership"]), None)
    if mine is None or leaderboards.ordinal(mine.place) != payload["place"]:
        return None
    return _ahead(lines, mine)


def _notify(
    membership: Membership, circle: Circle, line: Line, was: int | None, today: datetime.date
) -> bool:
    return bool(mails.rank_changed(membership, circle, place=line.place, before=was, day=today))


def _notify_alone(
    membership: Membership, circle: Circle, line: Line, was: int | None, today: datetime.date
) -> bool:
    """Tell one member, in a savepoint; one who cannot be told is logged, and the others are."""
    try:
        with transaction.atomic():
            return _notify(membership, circle, line, was, today)
    except Exception as error:
        if outbox.is_database_away(error):
            raise
        logger.exception("member %s could not be told of their place", membership.pk)
        return False


def _first_lines(circle: Circle) -> list[Line]:
    rows = Membership.objects.filter(circle=circle).ranked()
    lines: list[Line] = []
    for at, row in enumerate(rows.values_list("pk", "saved_kobo", "nickname", "hides_amount")[:FOLLOWED], 1):
        is_tied = bool(lines) and lines[-1].saved_kobo == row[1]
        lines.append(Line(*row, place=lines[-1].place if is_tied else at))
    return lines


def _to_notify(lines: list[Line], before: list[list[int]]) -> list[tuple[Membership, Line, int | None]]:
    """Return for whom there is news, with their line and, where it is known, the place they had."""
    known = {membership_id: (place, saved_kobo) for membership_id, place, saved_kobo in before}
    # The best place that somebody can have had who was not among the lines.
    elsewhere = (before[-1][1] if len(before) == FOLLOWED else FOLLOWED + 1, 0)
    news = {}
    for line in lines:
        place, saved_kobo = known.get(line.membership_id, elsewhere)
        has_taken_out = line.place > place and line.saved_kobo < saved_kobo
        if leaderboards.is_notable_change(place, line.place, len(lines)) and not has_taken_out:
            news[line.membership_id] = line
    # In the order in which everybody takes people's rows.
    members = Membership.objects.filter(pk__in=news).select_related("user").order_by("user_id")
    return [(member, news[member.pk], known.get(member.pk, (None, 0))[0]) for member in members]


def _ahead(lines: list[Line], mine: Line) -> dict[str, str] | None:
    """Return who has the next higher sum, and what is missing to it; None for the first, and where it is hidden."""
    higher = [line for line in lines if line.saved_kobo > mine.saved_kobo]
    nearest = (line for line in higher if line.saved_kobo == higher[-1].saved_kobo)
    shown = next((line for line in nearest if not line.hides_amount), None)
    if shown is None:
        return None
    return {
        "nickname": shown.nickname,
        "place": leaderboards.ordinal(shown.place),
        "gap": money.naira(shown.saved_kobo - mine.saved_kobo),
    }
