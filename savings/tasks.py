"""Every background task, each one call into `savings`, and the timetable. Tasks carry ids, never state."""

from __future__ import annotations

import datetime
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.dispatch import receiver
from django.utils import timezone
from huey.api import TaskWrapper, crontab
from huey.contrib.djhuey import db_periodic_task, db_task, on_startup
from redis.exceptions import RedisError

from savings import (
    autosave,
    backoffice,
    circles,
    jobs,
    leaderboards,
    ledger,
    mails,
    outbox,
    payments,
    plans,
    releases,
    statements,
    users,
)

logger = logging.getLogger(__name__)

# The handler of each kind of outbox row.
HANDLERS: dict[str, outbox.Handler] = dict.fromkeys(mails.KINDS, mails.send) | {
    mails.RANK_CHANGED: circles.send_rank_change,
    leaderboards.BOARD_WRITE_KIND: circles.deliver_rank_check,
    leaderboards.RANK_CHECK_KIND: circles.deliver_rank_check,
    outbox.AUTOSAVE_RECHECK: autosave.recheck,
    outbox.CASE_OPENING: backoffice.open_from_outbox,
    backoffice.EXPORT_KIND: backoffice.write_export,
    backoffice.PERSON_EXPORT: backoffice.write_person_export,
    backoffice.ERASE_FILES: backoffice.erase_files,
    backoffice.ERASE_RECIPIENT: backoffice.erase_recipient,
    backoffice.PROOF_KIND: backoffice.prove_from_outbox,
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


@db_task()
def rebuild_board(circle_id: int) -> None:
    """Build a circle's leaderboard in Redis again, beside the one that is there."""
    leaderboards.rebuild_board(circle_id, force=True)


@on_startup()
def lower_priority() -> None:
    """Lower the priority of background work, so that pages get the processor first.

    On Linux the priority belongs to the worker's thread, elsewhere to the process.
    """
    os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)


@on_startup()
def read_release() -> None:
    """Read which release this worker runs, before an upgrade replaces the files."""
    releases.release_name()


# The timetable, in UTC. Every consumer runs all of it, so each job must be safe when it runs twice at the same time.


def job(is_due_in: Callable[[datetime.datetime], bool]) -> Callable[[Callable[[], object]], TaskWrapper]:
    """Add a function to the timetable. Each run is recorded, with the number that the function returns."""
    return lambda call: db_periodic_task(is_due_in)(jobs.add_job(call, is_due_in))


@job(crontab(minute="*"))
def sweep_outbox() -> int:
    """Deliver outbox rows whose task was lost or whose next try is due."""
    return outbox.sweep(timezone.now(), HANDLERS)


@job(crontab(minute="*"))
def sweep_webhook_events() -> int:
    """Process webhook events whose task was lost or whose retry is due."""
    return payments.sweep_events(timezone.now())


@job(crontab(minute="*"))
def poll_payments() -> int:
    """Ask the provider about payments for which no event has arrived."""
    return payments.poll_due_payments(timezone.now())


@job(crontab(minute="*"))
def sweep_refunds() -> int:
    """Send approved refunds to the provider, and ask about those on their way."""
    return payments.sweep_refunds(timezone.now())


@job(crontab(minute="*"))
def sweep_payouts() -> int:
    """Send withdrawals that are due to their bank accounts, and ask about those on their way."""
    return payments.sweep_payouts(timezone.now())


@job(crontab(minute="17"))
def fetch_settlements() -> int:
    """Book the provider's new settlements, and what it took from the balance."""
    return payments.fetch_settlements(timezone.now())


@job(crontab(minute="27"))
def sweep_disputes() -> int:
    """Ask the provider about open disputes, for events that got lost."""
    return payments.sweep_disputes()


@job(crontab(minute="*"))
def send_dispute_answers() -> int:
    """Send the answers of staff to disputes to the provider, and find out whether they arrived."""
    return payments.send_dispute_answers(timezone.now())


@job(crontab(minute="*"))
def tell_of_ended_circles() -> int:
    """Mail the members of circles that have ended."""
    return circles.notify_members()


@job(crontab(minute="2"))
def keep_board_days() -> int:
    """Store yesterday's leaderboards. Hourly, since midnight depends on the time zone and a run may be missed."""
    return leaderboards.record_days(timezone.now())


@job(crontab(minute="4"))
def settle_circles() -> int:
    """Fix the final ranks of ended circles, a little before the maturities whose mails contain these ranks."""
    return circles.end_due_circles(timezone.localdate())


@job(crontab(minute="*/5"))
def post_due_interest() -> int:
    """Post the monthly interest, soon after midnight on the 1st. A run that was missed is caught up."""
    return plans.post_due_interest(timezone.localdate())


@job(crontab(minute="*/5"))
def accrue_interest() -> int:
    """Book the interest earned at the end of a month in its last minutes, and take it back on the 1st."""
    return plans.accrue_interest(timezone.now())


@job(crontab(minute="7"))
def carry_out_maturities() -> int:
    """Process the maturity of plans that are due."""
    # First, so that a run after an outage does not end notices that were due before the maturity.
    noticed = plans.carry_out_due_notices(timezone.now())
    return noticed + plans.mature_due_plans(timezone.localdate())


@job(crontab(minute="*"))
def carry_out_autosaves() -> int:
    """Announce the auto-saves of tomorrow, and carry out those of today; both begin at 07:00."""
    return autosave.carry_out_due(timezone.now())


@job(crontab(minute="*"))
def carry_out_notices() -> int:
    """Move the money of notices that are due to the stash."""
    return plans.carry_out_due_notices(timezone.now())


@job(crontab(minute="12"))
def record_coverage() -> None:
    """Store the coverage of the day before. Hourly, since midnight depends on the time zone and a run may be missed."""
    payments.record_coverage(timezone.now())


@job(crontab(minute="22"))
def store_balances() -> int:
    """Store yesterday's balances, and those of past days that are missing. Hourly, for the same reason."""
    return ledger.store_balances(timezone.now())


@job(crontab(minute="12"))
def announce_expiring_cards() -> int:
    """Mail the owners of saved cards that expire within a month. Hourly, since a run may be missed."""
    return payments.announce_expiring_cards(timezone.localdate())


@job(crontab(minute="*"))
def sync_cases() -> int:
    """Open a case for what waits for a person, solve those that need nobody any more, and end requests too old."""
    now = timezone.now()
    return backoffice.sync_cases(now) + backoffice.expire_requests(now)


@job(crontab(minute="*/5"))
def apply_product_changes() -> int:
    """Apply the new terms of products whose day has come."""
    return backoffice.apply_product_changes(timezone.localdate())


@job(crontab(minute="*/5"))
def count_money_days() -> int:
    """Count the money of the last days for the front page of staff."""
    return backoffice.count_money_days(timezone.now())


@job(crontab(minute="*"))
def note_release() -> None:
    """Write down which release this worker runs, so that one that was not restarted after an upgrade is found."""
    # It is no failure of the job that Redis is down.
    with suppress(RedisError):
        releases.note_worker(timezone.now())


@job(crontab(minute="40", hour="1"))
def post_missing_costs() -> int:
    """Post the provider's fees that the previous release left out while it ran beside this one."""
    return payments.post_missing_costs()


@job(crontab(minute="23"))
def reconcile_boards() -> int:
    """Compare the leaderboards in Redis with SQL."""
    return leaderboards.reconcile_all()


@job(crontab(minute="*/10"))
def draw_up_digests() -> int:
    """On Monday, soon after midnight in the installation's time zone, prepare the lines of the weekly mails."""
    return circles.prepare_digests(timezone.now())


@job(crontab(minute="*"))
def write_digests() -> int:
    """From Monday morning on, write the next batch of weekly mails."""
    return circles.write_digests(timezone.now())


@job(crontab(minute="*/10"))
def ask_for_monthly_statements() -> int:
    """Request the monthly statements whose month is over, once its interest is posted."""
    today = timezone.localdate()
    return statements.request_monthly(today) if plans.is_interest_posted(today) else 0


@job(crontab(minute="*/5"))
def tidy_statements() -> int:
    """Remove expired files of statements and exports, and fail those whose writing was abandoned."""
    now = timezone.now()
    expired = statements.expire_files(now) + backoffice.expire_exports(now)
    return expired + statements.link_outbox_rows() + statements.fail_abandoned()


@job(crontab(minute="47"))
def replace_closed_owners() -> int:
    """Find a new owner for circles whose owner's account was closed by an SQL update, which sends no signal."""
    return circles.replace_closed_owners()


@job(crontab(hour="2", minute="41"))
def clear_sessions() -> int:
    """Delete expired sessions."""
    return users.clear_sessions(timezone.now())


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
