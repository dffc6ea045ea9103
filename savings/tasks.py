"""Every background task, each one call into `savings`, and the timetable. Tasks carry ids, never state."""

from __future__ import annotations

from django.utils import timezone
from huey.api import crontab
from huey.contrib.djhuey import db_periodic_task, db_task

from savings import inbox, payments, polling


@db_task()
def process_webhook_event(event_id: int) -> None:
    """Do what an event of the payment provider asks for."""
    inbox.process(event_id)


@db_task()
def settle_payment(reference: str) -> None:
    """Ask the payment provider about one payment."""
    payments.settle(reference)


@db_periodic_task(crontab(minute="*"))
def sweep_webhook_events() -> None:
    """Find events whose task was lost, or whose retry has come."""
    inbox.sweep(timezone.now())


@db_periodic_task(crontab(minute="*"))
def poll_payments() -> None:
    """Ask about payments of which the provider has told us nothing."""
    polling.poll_due(timezone.now())
