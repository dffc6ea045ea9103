"""Count postings for a circle's leaderboard, and write members' standings to Redis after the commit.

The amount is in the member's row, which changes in the transaction of the posting. After the commit the same process
writes the standing to Redis. An outbox row from the same transaction repeats the write if that fails.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Mapping
from functools import partial

from django.db import IntegrityError, transaction
from django.db.models import Case, F, When
from django.db.models.expressions import Combinable
from django.utils import timezone

from savings import outbox
from savings.exceptions import Refused
from savings.leaderboards import messages, store
from savings.leaderboards.standings import Standing
from savings.models import CircleEvent, Membership, OutboxRow, Transaction, User
from savings.models.constraints import is_violation_of

logger = logging.getLogger(__name__)

BOARD_WRITE_KIND = "leaderboard"
# A written row gets this kind if the first ranks may have changed; see `circles.rank_changes`.
RANK_CHECK_KIND = "places"
# A rank that is lost and regained within this time causes no mail.
RANK_CHECK_DELAY = datetime.timedelta(minutes=1)
# Interest, its corrections and its tax do not count: a leaderboard compares what members pay in.
NOT_COUNTED = (
    Transaction.Kind.INTEREST,
    Transaction.Kind.INTEREST_CORRECTION,
    Transaction.Kind.TAX_WITHHELD,
)
_CATCH_UP_ROWS = 500


def record_contribution(
    movement: Transaction, membership_id: int, change_kobo: int, now: datetime.datetime
) -> None:
    """Add kobo that were paid into a member's plan (negative: taken out of it) to their amount in the circle.

    The ledger calls this for each entry on the account of such a plan, in the entry's transaction. Interest and its tax
    do not count. Raises Refused for an amount that a leaderboard cannot order exactly (above 2^53 kobo).
    """
    original = movement.reverses or movement
    if original.kind in NOT_COUNTED:
        return
    today = timezone.localdate(now)
    # An ended circle keeps its amounts: its money moves to the members' stashes on the day of its end.
    counted = Membership.objects.filter(pk=membership_id, circle__ends_on__gt=today)
    changes = _period_start("week", store.week_of(today)) | _period_start("month", today.replace(day=1))
    changes |= {"saved_kobo": F("saved_kobo") + change_kobo, "reached_at": now, "version": F("version") + 1}
    try:
        if not counted.update(**changes):
            if movement.reverses_id is not None:
                # The circle's activity no longer shows the reversed payment, also after the circle's end.
                bump_circle_version(Membership.objects.get(pk=membership_id).circle_id, "reversed")
            return
    except IntegrityError as error:
        if not is_violation_of(error, "membership_sum_exact_in_redis"):
            raise
        raise Refused(messages.SUM_TOO_LARGE, field="amount_kobo") from None
    standing = _queue_board_write(membership_id, reference=movement.reference)
    # Money that a failed refund gives back was saved before.
    if change_kobo > 0 and movement.reverses_id is None and movement.kind != Transaction.Kind.REFUND:
        CircleEvent.objects.create(
            circle_id=standing.circle_id,
            membership_id=standing.membership_id,
            kind=CircleEvent.Kind.SAVED,
            transaction=movement,
            happened_at=now,
        )


def record_membership_change(membership: Membership, cause: str, **changes: object) -> None:
    """Change fields of a membership that the leaderboard shows, and write the standing to the leaderboard.

    Call it without changes for a new membership, so that the leaderboard includes it. `cause` names the event; it is
    stored in the outbox row.
    """
    with transaction.atomic():
        User.objects.touch(membership.user_id)
        Membership.objects.filter(pk=membership.pk).update(**changes, version=F("version") + 1)
        _queue_board_write(membership.pk, cause=cause)
    membership.refresh_from_db(fields=["version", *changes])


def bump_circle_version(circle_id: int, cause: str) -> None:
    """Increase the version of a circle's leaderboard, under which the members' pages are cached.

    Call it in the transaction that changes anything else on these pages. One member's standing is written again,
    because that write is repeated until Redis has it.
    """
    member = Membership.objects.current().filter(circle_id=circle_id).order_by("pk").first()
    if member is not None:
        Membership.objects.filter(pk=member.pk).update(version=F("version") + 1)
        _queue_board_write(member.pk, cause=cause)


def write_to_board(row: OutboxRow) -> Mapping[str, object]:
    """Write a member's current standing to the leaderboard: the handler of outbox rows of the kind BOARD_WRITE_KIND.

    Raises BoardsUnavailable while Redis is away; the outbox then tries again later.
    """
    if store.gate.suspect and not catch_up_after_outage():
        raise store.BoardsUnavailable("Redis is not back yet.")
    for standing in Standing.read(Membership.objects.filter(pk=row.payload["membership"])):
        store.write(standing, row.payload["reference"])
    return {}


def catch_up_after_outage() -> bool:
    """Return whether Redis can be trusted again: it answers, and all missed standings are written.

    Only one caller a second tries; for the others this is False.
    """
    probe = store.gate.take_probe()
    if probe is None:
        return False
    try:
        store.ping()
        # From here on, this process writes its own commits again, so the rows that wait now are all that is missing.
        is_all = _write_waiting_rows()
    except store.BoardsUnavailable:
        return False
    if is_all:
        store.gate.trust(probe)
    return is_all


def _write_waiting_rows() -> bool:
    """Write the standings of at most 500 waiting outbox rows, and return whether those were all rows."""
    waiting = OutboxRow.objects.filter(due_at__isnull=False, kind=BOARD_WRITE_KIND)
    rows = list(waiting.order_by("due_at")[:_CATCH_UP_ROWS])
    # A malformed row fails later, in its own delivery. It must not keep all leaderboards on SQL.
    references = {row.payload.get("membership"): row.payload.get("reference", "") for row in rows}
    references.pop(None, None)
    for standing in Standing.read(Membership.objects.filter(pk__in=references)):
        store.write(standing, references[standing.membership_id])
    outbox.convert_to([row.pk for row in rows], RANK_CHECK_KIND, after=RANK_CHECK_DELAY)
    logger.warning("Redis is back: wrote %s standings to its leaderboards", len(references))
    return len(rows) < _CATCH_UP_ROWS


def _period_start(period: str, start: datetime.date) -> dict[str, Combinable | datetime.date]:
    """Return the update that stores the amount at the start of a period, at the first change in that period."""
    sum_at_start = Case(When(**{period: start}, then=F(f"{period}_start_kobo")), default=F("saved_kobo"))
    return {period: start, f"{period}_start_kobo": sum_at_start}


def _queue_board_write(membership_id: int, *, reference: str = "", cause: str = "") -> Standing:
    """Add an outbox row for a member's new standing, try to write it right after the commit, and return it."""
    standing = next(Standing.read(Membership.objects.filter(pk=membership_id)))
    row = outbox.add(
        BOARD_WRITE_KIND,
        dedupe_key=f"{BOARD_WRITE_KIND}:{standing.membership_id}:{standing.version}",
        payload={"membership": standing.membership_id, "reference": reference, "cause": cause},
        nudge=False,
    )
    if row:
        transaction.on_commit(partial(_write_after_commit, row.pk, standing, reference), robust=True)
    return standing


def _write_after_commit(row_id: int, standing: Standing, reference: str) -> None:
    """Write a committed standing to Redis. If that fails, a task delivers the outbox row."""
    try:
        result = store.write(standing, reference)
    except store.BoardsUnavailable:
        outbox.row_committed.send_robust(OutboxRow, row_id=row_id)
        return
    if result == store.WRITTEN:
        outbox.finish([row_id])
    else:
        outbox.convert_to([row_id], RANK_CHECK_KIND, after=RANK_CHECK_DELAY)
