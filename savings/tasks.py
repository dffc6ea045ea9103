"""Every background task, each one call into `savings`, and the timetable. Tasks carry ids, never state."""

from __future__ import annotations

import logging
import os
import time
from typing import Any

from django.dispatch import receiver
from django.utils import timezone
from huey.api import TaskWrapper, crontab
from huey.contrib.djhuey import db_periodic_task, db_task, on_startup
from redis.exceptions import RedisError

from savings import circles, leaderboards, mails, outbox, payments, plans, statements, users

logger = logging.getLogger(__name__)

# What does the work of each kind of outbox row.
HANDLERS: dict[str, outbox.Handler] = dict.fromkeys(mails.KINDS, mails.send) | {
    mails.RANK_CHANGED: circles.send_rank_change,
    leaderboards.BOARD_WRITE_KIND: circles.deliver_rank_check,
    leaderboards.RANK_CHECK_KIND: circles.deliver_rank_check,
    statements.OUTBOX_KIND: statements.write_statement,
}

_PAUSE_SECONDS = 10
# A statement of a million rows keeps a processor busy for seconds, and nobody is to notice.
_NICENESS = 10
_paused_until = 0.0


@db_task()
def deliver_outbox_row(row_id: int) -> None:
    """Do what one row of the outbox asks for."""
    outbox.deliver(row_id, HANDLERS)


@db_task()
def process_webhook_event(event_id: int) -> None:
    """Do what an event of the payment provider asks for."""
    payments.process_event(event_id)


@db_task()
def settle_payment(reference: str) -> None:
    """Ask the payment provider about one payment."""
    payments.settle_payment(reference)


@db_task()
def build_board(circle_id: int) -> None:
    """Build a circle's board in Redis, unless it is there."""
    leaderboards.rebuild_board(circle_id)


@on_startup()
def give_way() -> None:
    """Let whoever waits for a page go first. On Linux this is of each worker's thread, elsewhere of the process."""
    os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)


# The timetable. Each consumer runs all of it, so each must be harmless when it runs twice at once.


@db_periodic_task(crontab(minute="*"))
def sweep_outbox() -> None:
    """Find rows whose task was lost, or whose next try has come."""
    outbox.sweep(timezone.now(), HANDLERS)


@db_periodic_task(crontab(minute="*"))
def sweep_webhook_events() -> None:
    """Find events whose task was lost, or whose retry has come."""
    payments.sweep_events(timezone.now())


@db_periodic_task(crontab(minute="*"))
def poll_payments() -> None:
    """Ask about payments of which the provider has told us nothing."""
    payments.poll_due_payments(timezone.now())


@db_periodic_task(crontab(minute="*"))
def tell_of_ended_circles() -> None:
    """Write to members whose circle has ended."""
    circles.notify_members()


@db_periodic_task(crontab(minute="2"))
def keep_board_days() -> None:
    """Keep yesterday's boards. Each hour, since midnight is the time zone's and one run may be missed."""
    leaderboards.record_days(timezone.now())


@db_periodic_task(crontab(minute="4"))
def settle_circles() -> None:
    """Fix the final places of circles that have ended, a little before the maturities that are told of with them."""
    circles.end_due_circles(timezone.localdate())


@db_periodic_task(crontab(minute="7"))
def carry_out_maturities() -> None:
    """End or renew the plans whose day has come."""
    plans.mature_due_plans(timezone.localdate())


@db_periodic_task(crontab(minute="23"))
def reconcile_boards() -> None:
    """Compare the boards in Redis with SQL."""
    leaderboards.reconcile_all()


@db_periodic_task(crontab(minute="*/10"))
def draw_up_digests() -> None:
    """On Monday, soon after midnight where the people are, note what the weekly mails will say."""
    circles.prepare_digests(timezone.now())


@db_periodic_task(crontab(minute="*"))
def write_digests() -> None:
    """From Monday morning on, write the next weekly mails."""
    circles.write_digests(timezone.now())


@db_periodic_task(crontab(minute="*/10"))
def ask_for_monthly_statements() -> None:
    """Have those monthly statements written whose month is over."""
    statements.request_monthly(timezone.localdate())


@db_periodic_task(crontab(minute="*/5"))
def tidy_statements() -> None:
    """Remove files whose time is over, and tell of statements that nobody writes any more."""
    statements.expire_files(timezone.now())
    statements.fail_abandoned()


@db_periodic_task(crontab(minute="47"))
def replace_closed_owners() -> None:
    """Find an owner for circles whose owner's account was closed by what sends no signal, such as an update in SQL."""
    circles.replace_closed_owners()


@db_periodic_task(crontab(hour="2", minute="41"))
def clear_sessions() -> None:
    """Clear the sessions that have expired."""
    users.clear_sessions(timezone.now())


def nudge(task: TaskWrapper, *ids: Any) -> bool:
    """Queue a task, and return whether Redis took it: the sweep of the timetable finds what it did not.

    After a failure nothing is asked of Redis for ten seconds, so that a dead one does not slow down every request.
    """
    global _paused_until  # noqa: PLW0603 - one per process, as the connection it guards
    if time.monotonic() < _paused_until:
        return False
    try:
        task(*ids)
    except RedisError:
        _paused_until = time.monotonic() + _PAUSE_SECONDS
        logger.warning("Redis does not take tasks; left to the sweep: %s %s", task.task_class.__name__, ids)
        return False
    return True


@receiver(outbox.row_committed)
def _nudge_outbox_row(*, row_id: int, **_: Any) -> None:
    nudge(deliver_outbox_row, row_id)


@receiver(leaderboards.board_missing)
def _nudge_building(*, circle_id: int, **_: Any) -> None:
    nudge(build_board, circle_id)
