"""Elastic APM: sends the cost of requests and background work to the operator's server, without personal data.

The only file that imports the agent; imported only if ELASTIC_APM_SERVER_URL is set. docs/apm.md describes what is
sent.
"""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from gzip import GzipFile
from typing import Any, cast, override

import elasticapm
from django.db import DatabaseError, connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from elasticapm.conf import constants
from elasticapm.contrib.django.client import DjangoClient
from elasticapm.instrumentation import register
from elasticapm.instrumentation.packages import dbapi2, psycopg, sqlite
from elasticapm.instrumentation.packages.django.template import DjangoTemplateInstrumentation
from elasticapm.metrics.base_metrics import MetricSet
from elasticapm.processors import for_events
from elasticapm.traces import execution_context
from elasticapm.transport import http
from elasticapm.utils.disttracing import TraceParent
from huey import signals
from huey.api import Task
from huey.contrib import djhuey
from redis.exceptions import RedisError

from savings import outbox, tracing
from web.counts import Counts, counting
from web.observability import request_costs

logger = logging.getLogger(__name__)
HUEY: Any = djhuey.HUEY

# These tasks report each row as a transaction of its own, in the trace of the request that wrote the row. So a sweep
# that finds no row, as most do, reports nothing.
_THEIR_ROWS_SPEAK = {
    "deliver_outbox_row",
    "process_webhook_event",
    "sweep_outbox",
    "sweep_webhook_events",
    "poll_payments",
}

# Neither the environment nor Kibana may change these: they protect personal data, or cost more than they are worth.
_FIXED = {
    "transport_class": "web.observability.telemetry.Transport",
    "processors": ["web.observability.telemetry.without_words", "web.observability.telemetry.without_paths"],
    "collect_local_variables": "off",
    "capture_headers": False,
    "capture_body": "off",
    "disable_log_record_factory": True,
    "instrument_django_middleware": False,
    "django_transaction_name_from_route": True,
    "use_elastic_traceparent_header": False,
    "include_paths": ["savings", "web"],
    "transaction_ignore_urls": ["/static/*", "/healthz*", "/readyz*"],
    "breakdown_metrics": False,
    # Detecting the cloud provider blocks the sending thread for seconds at each start.
    "cloud_provider": "none",
}

# Passed from Huey's hook before a task to the one after it, in the thread that runs the task.
_task_at_hand: ContextVar[AbstractContextManager[None] | None] = ContextVar("task", default=None)
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class Client(DjangoClient):
    """The agent without personal data: users, IP addresses, headers, cookies and bodies."""

    def __init__(self, config: dict[str, Any] | None = None, **inline: Any) -> None:
        super().__init__(config, **inline, **_FIXED)
        # The agent walks the stack for each span, and discards the result if the span was fast.
        self.tracer.frames_collector_func = list  # type: ignore[union-attr]

    def begin_transaction(
        self, transaction_type: str, trace_parent: TraceParent | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        # A client's header must not decide what is sampled, or which trace a request belongs to.
        if transaction_type == "request":
            trace_parent = None
        transaction = super().begin_transaction(transaction_type, trace_parent, *args, **kwargs)
        if transaction is not None and not transaction.is_sampled:
            # The APM server drops unsampled transactions. Without a current one, queries and calls bypass the agent,
            # and the work queued here is sampled on its own.
            execution_context.set_transaction(None)
        return transaction

    def get_user_info(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def get_data_from_request(self, request: HttpRequest, event_type: str) -> dict[str, Any]:
        # The id finds the log line. The pattern replaces the URL, which may contain a reference or a code.
        return {
            "method": request.method,
            "url": {"pathname": f"/{request_costs.route(request)}"},
            "headers": {"x-request-id": request.request_id},  # type: ignore[attr-defined]
        }

    def get_data_from_response(self, response: HttpResponseBase, event_type: str) -> dict[str, Any]:
        return {"status_code": response.status_code}


@for_events(constants.ERROR)  # type: ignore[untyped-decorator]
def without_words(client: Client, event: dict[str, Any]) -> dict[str, Any]:
    """Keep only the type and location of an error: a message of a database or mail server may name a user."""
    exceptions = [event["exception"]] if "exception" in event else []
    while exceptions:
        exception = exceptions.pop()
        exception["message"] = exception["type"]
        exceptions += exception.get("cause", [])
    return event


@for_events(constants.SPAN)  # type: ignore[untyped-decorator]
def without_paths(client: Client, event: dict[str, Any]) -> dict[str, Any]:
    """Keep only the host of a called URL: the provider's URLs end in references."""
    called = event.get("context", {}).get("http", {})
    if "url" in called:
        called["url"] = "/".join(called["url"].split("/")[:3])
    return event


class PageTemplates(DjangoTemplateInstrumentation):
    """One span per page or mail, none for the parts within: a hundred of them cost more than the page."""

    @override
    def call(
        self, module: str, method: str, wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any
    ) -> Any:
        span = execution_context.get_span()
        if span is not None and span.type == "template":
            return wrapped(*args, **kwargs)
        return super().call(module, method, wrapped, instance, args, kwargs)


class Transport(http.Transport):
    """The agent's transport, without Python's warnings about empty buffers that were never closed."""

    _buffer: GzipFile | None = None

    def _init_buffer(self) -> GzipFile:
        if self._buffer is not None:
            self._buffer.close()
        self._buffer = super()._init_buffer()
        return self._buffer


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


def start() -> None:
    """Start tracing: follow requests into background work, and label both with their cost."""
    # Must happen before the agent's app instruments its list.
    register._cls_register.discard(_of(DjangoTemplateInstrumentation))
    register.register(_of(PageTemplates))
    # The agent parses each statement for its table name, which takes 25 µs, sampled or not. We have few distinct
    # statements, so the result is cached.
    named = functools.lru_cache(512)(dbapi2.extract_signature)
    sqlite.extract_signature = psycopg.extract_signature = named  # type: ignore[attr-defined]
    tracing.follower = Follower()
    request_costs.response_measured.connect(_label_request)
    HUEY.signal(signals.SIGNAL_ENQUEUED)(_sign_task)
    HUEY.pre_execute()(_begin_task)
    HUEY.post_execute()(_end_task)
    # One process must report the waiting work; the consumer is the one that processes it.
    HUEY.on_startup()(_watch_waiting_work)


def _of(instrumentation: type) -> str:
    return f"{instrumentation.__module__}.{instrumentation.__name__}"


def _client() -> Client:
    return cast("Client", elasticapm.get_client())


def _label_request(*, request: HttpRequest, counts: Counts, **_: Any) -> None:
    transaction = execution_context.get_transaction()
    if transaction is None:
        # The request is not reported; the agent would log a warning for each label without a transaction.
        return
    elasticapm.set_transaction_name(f"{request.method} unknown route", override=False)
    transaction.label(**counts.labels())


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
    if task.name not in _THEIR_ROWS_SPEAK:
        following = tracing.follower.following(task.name, task.id)
        following.__enter__()
        _task_at_hand.set(following)


def _end_task(task: Task, value: Any, error: Exception | None) -> None:
    following = _task_at_hand.get()
    if following is not None:
        _task_at_hand.set(None)
        following.__exit__(type(error) if error else None, error, error.__traceback__ if error else None)
    elif error is not None:
        tracing.follower.failed(error)


def _watch_waiting_work() -> None:
    _client().metrics.register(WaitingWork)
