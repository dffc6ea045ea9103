"""Every background task, each one call into `savings`, and the timetable. Tasks carry ids, never state."""

from __future__ import annotations

import logging
import os
from typing import Any

from django.dispatch import receiver
from django.utils import timezone
from huey.api import TaskWrapper, crontab
from huey.contrib.djhuey import db_periodic_task, db_task, on_startup
from redis.exceptions import RedisError

from savings import autosave, circles, leaderboards, mails, outbox, payments, plans, statements, users

logger = logging.getLogger(__name__)

# The handler of each kind of outbox row.
HANDLERS: dict[str, outbox.Handler] = dict.fromkeys(mails.KINDS, mails.send) | {
    mails.RANK_CHANGED: circles.send_rank_change,
    leaderboards.BOARD_WRITE_KIND: circles.deliver_rank_check,
    leaderboards.RANK_CHECK_KIND: circles.deliver_rank_check,
    outbox.AUTOSAVE_RECHECK: autosave.recheck,
    statements.OUTBOX_KIND: statements.write_statement,
    payments.PAYOUT_KIND: payments.send_payout,
    payments.DEACTIVATE_CARD: payments.deactivate_card,
}

# A statement of a million rows keeps a processor busy for seconds. Pages must not become slower meanwhile.
_NICENESS = 10


@db_task()
def deliver_outbox_row(row_id: int) -> None:
    """Handle one row of the outbox."""
    outbox.deliver(row_id, HANDLERS)


@db_task()
def process_webhook_event(event_id: int) -> None:
    """Process one event of the payment provider."""
    payments.process_event(event_id)


@db_task()
def settle_payment(reference: str) -> None:
    """Ask the payment provider about one payment, and settle it by the answer."""
    payments.settle_payment(reference)


@db_task()
def build_board(circle_id: int) -> None:
    """Build a circle's leaderboard in Redis, unless it exists."""
    leaderboards.rebuild_board(circle_id)


@on_startup()
def lower_priority() -> None:
    """Lower the priority of background work, so that pages get the processor first.

    On Linux the priority belongs to the worker's thread, elsewhere to the process.
    """
    os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)


# The timetable. Every consumer runs all of it, so each task must be safe when it runs twice at the same time.


@db_periodic_task(crontab(minute="*"))
def sweep_outbox() -> None:
    """Deliver outbox rows whose task was lost or whose next try is due."""
    outbox.sweep(timezone.now(), HANDLERS)


@db_periodic_task(crontab(minute="*"))
def sweep_webhook_events() -> None:
    """Process webhook events whose task was lost or whose retry is due."""
    payments.sweep_events(timezone.now())


@db_periodic_task(crontab(minute="*"))
def poll_payments() -> None:
    """Ask the provider about payments for which no event has arrived."""
    payments.poll_due_payments(timezone.now())


@db_periodic_task(crontab(minute="*"))
def sweep_refunds() -> None:
    """Send approved refunds to the provider, and ask about those on their way."""
    payments.sweep_refunds(timezone.now())


@db_periodic_task(crontab(minute="*"))
def sweep_payouts() -> None:
    """Send withdrawals that are due to their bank accounts, and ask about those on their way."""
    payments.sweep_payouts(timezone.now())


@db_periodic_task(crontab(minute="17"))
def fetch_settlements() -> None:
    """Book the provider's new settlements, and what it took from the balance."""
    payments.fetch_settlements(timezone.now())


@db_periodic_task(crontab(minute="27"))
def sweep_disputes() -> None:
    """Ask the provider about open disputes, for events that got lost."""
    payments.sweep_disputes()


@db_periodic_task(crontab(minute="*"))
def tell_of_ended_circles() -> None:
    """Mail the members of circles that have ended."""
    circles.notify_members()


@db_periodic_task(crontab(minute="2"))
def keep_board_days() -> None:
    """Store yesterday's leaderboards. Hourly, since midnight depends on the time zone and a run may be missed."""
    leaderboards.record_days(timezone.now())


@db_periodic_task(crontab(minute="4"))
def settle_circles() -> None:
    """Fix the final ranks of ended circles, a little before the maturities whose mails contain these ranks."""
    circles.end_due_circles(timezone.localdate())


@db_periodic_task(crontab(minute="*/5"))
def post_due_interest() -> None:
    """Post the monthly interest, soon after midnight on the 1st. A run that was missed is caught up."""
    plans.post_due_interest(timezone.localdate())


@db_periodic_task(crontab(minute="*/5"))
def accrue_interest() -> None:
    """Book the interest earned at the end of a month in its last minutes, and take it back on the 1st."""
    plans.accrue_interest(timezone.now())


@db_periodic_task(crontab(minute="7"))
def carry_out_maturities() -> None:
    """Process the maturity of plans that are due."""
    # First, so that a run after an outage does not end notices that were due before the maturity.
    plans.carry_out_due_notices(timezone.now())
    plans.mature_due_plans(timezone.localdate())


@db_periodic_task(crontab(minute="*"))
def carry_out_autosaves() -> None:
    """Announce the auto-saves of tomorrow, and carry out those of today; both begin at 07:00."""
    autosave.carry_out_due(timezone.now())


@db_periodic_task(crontab(minute="*"))
def carry_out_notices() -> None:
    """Move the money of notices that are due to the stash."""
    plans.carry_out_due_notices(timezone.now())


@db_periodic_task(crontab(minute="12"))
def record_coverage() -> None:
    """Store the coverage of the day before. Hourly, since midnight depends on the time zone and a run may be missed."""
    payments.record_coverage(timezone.now())


@db_periodic_task(crontab(minute="12"))
def announce_expiring_cards() -> None:
    """Mail the owners of saved cards that expire within a month. Hourly, since a run may be missed."""
    payments.announce_expiring_cards(timezone.localdate())


@db_periodic_task(crontab(minute="40", hour="1"))
def post_missing_costs() -> None:
    """Post the provider's fees that the previous release left out while it ran beside this one."""
    payments.post_missing_costs()


@db_periodic_task(crontab(minute="23"))
def reconcile_boards() -> None:
    """Compare the leaderboards in Redis with SQL."""
    leaderboards.reconcile_all()


@db_periodic_task(crontab(minute="*/10"))
def draw_up_digests() -> None:
    """On Monday, soon after midnight in the installation's time zone, prepare the lines of the weekly mails."""
    circles.prepare_digests(timezone.now())


@db_periodic_task(crontab(minute="*"))
def write_digests() -> None:
    """From Monday morning on, write the next batch of weekly mails."""
    circles.write_digests(timezone.now())


@db_periodic_task(crontab(minute="*/10"))
def ask_for_monthly_statements() -> None:
    """Request the monthly statements whose month is over, once its interest is posted."""
    if plans.is_interest_posted(timezone.localdate()):
        statements.request_monthly(timezone.localdate())


@db_periodic_task(crontab(minute="*/5"))
def tidy_statements() -> None:
    """Remove expired statement files, and fail statements whose writing was abandoned."""
    statements.expire_files(timezone.now())
    statements.link_outbox_rows()
    statements.fail_abandoned()


@db_periodic_task(crontab(minute="47"))
def replace_closed_owners() -> None:
    """Find a new owner for circles whose owner's account was closed by an SQL update, which sends no signal."""
    circles.replace_closed_owners()


@db_periodic_task(crontab(hour="2", minute="41"))
def clear_sessions() -> None:
    """Delete expired sessions."""
    users.clear_sessions(timezone.now())


def nudge(task: TaskWrapper, *ids: Any) -> bool:
    """Queue a task, and return whether Redis accepted it. The sweeps of the timetable find what was not queued.

    While Redis is away it is not tried, so that it does not slow down every request.
    """
    try:
        leaderboards.call_redis(task, *ids)
    except leaderboards.CallSkipped:
        return False
    except RedisError:
        logger.warning(
            "Redis accepts no tasks; the sweep will do this one: %s %s", task.task_class.__name__, ids
        )
        return False
    return True


@receiver(outbox.row_committed)
def _nudge_outbox_row(*, row_id: int, **_: Any) -> None:
    nudge(deliver_outbox_row, row_id)


@receiver(leaderboards.board_missing)
def _nudge_building(*, circle_id: int, **_: Any) -> None:
    nudge(build_board, circle_id)
