"""Reports background work in the trace of the request that caused it, and how long work has waited."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any, cast

import elasticapm
from django.db import DatabaseError, connections
from django.utils import timezone
from elasticapm.metrics.base_metrics import MetricSet
from elasticapm.traces import execution_context
from elasticapm.utils.disttracing import TraceParent
from huey import signals
from huey.api import Task
from huey.contrib import djhuey
from redis.exceptions import RedisError

from savings import outbox, tracing
from web.counts import Counts, counting
from web.observability.telemetry.client import Client

logger = logging.getLogger(__name__)
HUEY: Any = djhuey.HUEY

# Each row of these tasks is reported as a transaction of its own, in the trace of the request that wrote the row. So a
# sweep that finds no row, as most do, reports nothing.
_REPORTED_BY_ROWS = {
    "deliver_outbox_row",
    "process_webhook_event",
    "sweep_outbox",
    "sweep_webhook_events",
    "poll_payments",
    "sweep_refunds",
}

# Passed from Huey's hook before a task to the one after it, in the thread that runs the task.
_current_task: ContextVar[AbstractContextManager[None] | None] = ContextVar("current_task", default=None)
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def follow_tasks() -> None:
    """Report every task, in the trace of the request that queued it, and the waiting work."""
    tracing.follower = Follower()
    HUEY.signal(signals.SIGNAL_ENQUEUED)(_sign_task)
    HUEY.pre_execute()(_begin_task)
    HUEY.post_execute()(_end_task)
    # One process must report the waiting work; the consumer is the one that processes it.
    HUEY.on_startup()(_watch_waiting_work)


class Follower(tracing.Follower):
    """Reports background work as a transaction in the trace of the request that queued it."""

    def traceparent(self) -> str:
        transaction = execution_context.get_transaction()
        # This transaction is the parent, whichever request started the trace.
        return (
            str(transaction.trace_parent.copy_from(span_id=transaction.id).to_string()) if transaction else ""
        )

    @contextmanager
    def following(self, name: str, traceparent: str) -> Iterator[None]:
        outer = execution_context.get_transaction()
        with counting() as counts:
            _begin(name, traceparent)
            try:
                yield
            except Exception as error:
                self.failed(error)
                raise
            finally:
                _end(counts)
                execution_context.set_transaction(outer)

    @contextmanager
    def sending_mail(self) -> Iterator[None]:
        with elasticapm.capture_span(
            "Send mail", span_type="external", span_subtype="mail", span_action="send"
        ):
            yield

    def failed(self, error: Exception) -> None:
        elasticapm.set_transaction_outcome("failure")
        _client().capture_exception(exc_info=(type(error), error, error.__traceback__))


class WaitingWork(MetricSet):
    """Metrics of waiting work: the age of the oldest outbox row and the length of the task queue."""

    def before_collect(self) -> None:
        try:
            waiting = outbox.waiting_seconds(timezone.now())
            self.gauge("asusu.outbox.oldest_seconds").val = waiting[0] if waiting else 0
            self.gauge("asusu.tasks.waiting").val = HUEY.pending_count()
        except (DatabaseError, RedisError) as error:
            logger.warning("what waits could not be measured: %s", error)
        finally:
            # A thread of the agent runs this twice a minute. Its connection need not stay open in between.
            connections.close_all()


def _client() -> Client:
    return cast("Client", elasticapm.get_client())


def _begin(name: str, traceparent: str) -> None:
    """Begin the transaction of a task, in the given trace if there is one."""
    client = _client()
    parent = None
    if _TRACEPARENT.match(traceparent):
        # Rows do not store the weight of a sampled trace, so use this installation's sample rate.
        weight = f"es=s:{client.config.transaction_sample_rate}"
        parent = TraceParent.from_string(traceparent, weight)
    client.begin_transaction("task", trace_parent=parent)
    elasticapm.set_transaction_name(name)


def _end(counts: Counts) -> None:
    transaction = execution_context.get_transaction()
    if transaction is not None:
        transaction.label(**counts.labels())
        elasticapm.set_transaction_outcome("success", override=False)
        _client().end_transaction(result=transaction.outcome)


def _sign_task(signal: str, task: Task) -> None:
    """Put the trace of the request into the task's id. A consumer without tracing treats it like any other id."""
    if traceparent := tracing.follower.traceparent():
        task.id = f"{traceparent}-{task.id}"


def _begin_task(task: Task) -> None:
    if task.name not in _REPORTED_BY_ROWS:
        following = tracing.follower.following(task.name, task.id)
        following.__enter__()
        _current_task.set(following)


def _end_task(task: Task, value: Any, error: Exception | None) -> None:
    following = _current_task.get()
    if following is not None:
        _current_task.set(None)
        following.__exit__(type(error) if error else None, error, error.__traceback__ if error else None)
    elif error is not None:
        tracing.follower.failed(error)


def _watch_waiting_work() -> None:
    _client().metrics.register(WaitingWork)
