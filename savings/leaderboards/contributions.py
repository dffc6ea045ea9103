"""What a posting counts for in a circle, and how the boards in Redis hear of it after the commit.

The sum is in the member's row, changed in the posting's own transaction. After the commit the same process writes it to
Redis; the outbox row beside it is what remains where that did not happen.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Mapping
from functools import partial

from django.db import IntegrityError, transaction
from django.db.models import Case, F, QuerySet, When
from django.db.models.expressions import Combinable
from django.utils import timezone

from savings import outbox
from savings.exceptions import Refused
from savings.leaderboards import store
from savings.leaderboards.store import Standing
from savings.models import CircleEvent, Membership, OutboxRow, Transaction, User
from savings.models.constraints import is_violation_of

logger = logging.getLogger(__name__)

BOARD_WRITE_KIND = "leaderboard"
# What becomes of such a row, once it is written, where the first places may have changed: see `rank_changes`.
RANK_CHECK_KIND = "places"
# Places that are lost and won back within it are no news.
RANK_CHECK_DELAY = datetime.timedelta(minutes=1)
# What a circle's score is not made of: nobody gets ahead by interest.
NOT_COUNTED = (Transaction.Kind.INTEREST, Transaction.Kind.TAX_WITHHELD)
_CATCH_UP_ROWS = 500


def record_contribution(
    movement: Transaction, membership_id: int, change_kobo: int, now: datetime.datetime
) -> None:
    """Count kobo that came into a member's plan (or, below zero, left it) for their circle.

    Called by the ledger for each entry on the account of such a plan, in the entry's transaction. Interest and its
    tax never count. Raises Refused for a sum that a board cannot order exactly.
    """
    original = movement.reverses or movement
    if original.kind in NOT_COUNTED:
        return
    today = timezone.localdate(now)
    # A circle that has ended stays as it was: its money moves to everybody's stash on that very day.
    counted = Membership.objects.filter(pk=membership_id, circle__ends_on__gt=today)
    changes = _since("week", store.week_of(today)) | _since("month", today.replace(day=1))
    changes |= {"saved_kobo": F("saved_kobo") + change_kobo, "reached_at": now, "version": F("version") + 1}
    try:
        if not counted.update(**changes):
            if movement.reverses_id is not None:
                # A circle's activity shows one payment less, after its end too.
                bump_circle_version(Membership.objects.get(pk=membership_id).circle_id, "reversed")
            return
    except IntegrityError as error:
        if not is_violation_of(error, "membership_sum_exact_in_redis"):
            raise
        raise Refused("That is more than a circle's board can count.", field="amount") from None
    standing = _bump_version(Membership.objects.filter(pk=membership_id), movement.reference)
    if change_kobo > 0 and movement.reverses_id is None:
        CircleEvent.objects.create(
            circle_id=standing.circle_id,
            membership_id=standing.membership_id,
            kind=CircleEvent.Kind.SAVED,
            transaction=movement,
            happened_at=now,
        )


def record_membership_change(membership: Membership, cause: str, **changes: object) -> None:
    """Change what a board shows of a member (nickname, hidden amount, on or off the board, left), and let it know.

    Call it without changes after a member has joined, so that the circle is counted with them. `cause` says in one
    word what happened.
    """
    with transaction.atomic():
        User.objects.touch(membership.user_id)
        here = Membership.objects.filter(pk=membership.pk)
        here.update(**changes, version=F("version") + 1)
        _bump_version(here, "", cause=cause)
    membership.refresh_from_db(fields=["version", *changes])


def bump_circle_version(circle_id: int, cause: str) -> None:
    """Move the version of a circle's board for what has changed beside it: the members' pages are kept under it.

    In the caller's transaction. A member's standing is said once more, so that it arrives whatever becomes of Redis.
    """
    someone = Membership.objects.current().filter(circle_id=circle_id).order_by("pk").first()
    if someone is not None:
        here = Membership.objects.filter(pk=someone.pk)
        here.update(version=F("version") + 1)
        _bump_version(here, "", cause=cause)


def write_to_board(row: OutboxRow) -> Mapping[str, object]:
    """Write a member's standing, as it is now, to the board: what an outbox row of this kind asks for.

    Raises boards.Away, for another try later.
    """
    if store.gate.suspect and not catch_up_after_outage():
        raise store.BoardsUnavailable("Redis is not back yet.")
    for standing in Standing.of(Membership.objects.filter(pk=row.payload["membership"])):
        store.write(standing, row.payload["reference"])
    return {}


def catch_up_after_outage() -> bool:
    """Trust Redis again, if it answers and has all that it missed; at most one caller a second tries."""
    probe = store.gate.take_probe()
    if probe is None:
        return False
    try:
        store.ping()
        # From here on commits are written by their own process, so that what is found waiting now is all that lacks.
        store.gate.write_again()
        is_all = _catch_up()
    except store.BoardsUnavailable:
        return False
    if is_all:
        store.gate.trust(probe)
    return is_all


def _catch_up() -> bool:
    """Write what waits in the outbox, and return whether that was all."""
    waiting = OutboxRow.objects.filter(due_at__isnull=False, kind=BOARD_WRITE_KIND)
    rows = list(waiting.order_by("due_at")[:_CATCH_UP_ROWS])
    # A row that says nothing of use fails later, by itself: it must not keep all boards from being read again.
    references = {row.payload.get("membership"): row.payload.get("reference", "") for row in rows}
    references.pop(None, None)
    for standing in Standing.of(Membership.objects.filter(pk__in=references)):
        store.write(standing, references[standing.membership_id])
    outbox.convert_to([row.pk for row in rows], RANK_CHECK_KIND, after=RANK_CHECK_DELAY)
    logger.warning("Redis is back; %s standings were written to its boards", len(references))
    return len(rows) < _CATCH_UP_ROWS


def _since(period: str, start: datetime.date) -> dict[str, Combinable | datetime.date]:
    """Keep the sum as the period began: it is the one before the first change in it."""
    sum_at_start = Case(When(**{period: start}, then=F(f"{period}_start_kobo")), default=F("saved_kobo"))
    return {period: start, f"{period}_start_kobo": sum_at_start}


def _bump_version(here: QuerySet[Membership], reference: str, cause: str = "") -> Standing:
    standing = next(Standing.of(here))
    row = outbox.add(
        BOARD_WRITE_KIND,
        dedupe_key=f"{BOARD_WRITE_KIND}:{standing.membership_id}:{standing.version}",
        payload={"membership": standing.membership_id, "reference": reference, "cause": cause},
        nudge=False,
    )
    if row:
        transaction.on_commit(partial(_write, row.pk, standing, reference), robust=True)
    return standing


def _write(row_id: int, standing: Standing, reference: str) -> None:
    """Write to Redis what has just been committed; where that fails, a task will."""
    try:
        if store.gate.silent:
            raise store.BoardsUnavailable("Redis is not back yet.")
        answer = store.write(standing, reference)
    except store.BoardsUnavailable:
        outbox.row_committed.send_robust(OutboxRow, row_id=row_id)
        return
    if answer == store.WRITTEN:
        outbox.finish([row_id])
    else:
        outbox.convert_to([row_id], RANK_CHECK_KIND, after=RANK_CHECK_DELAY)
