"""The agent's client: what is sent, and what never is, whatever the environment and Kibana say."""

from __future__ import annotations

from gzip import GzipFile
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from elasticapm.conf import constants
from elasticapm.contrib.django.client import DjangoClient
from elasticapm.processors import for_events
from elasticapm.traces import execution_context
from elasticapm.transport import http
from elasticapm.utils.disttracing import TraceParent

from web.observability import request_costs

# Neither the environment nor Kibana may change these: they protect personal data, or cost more than they are worth.
_FIXED = {
    "transport_class": "web.observability.telemetry.client.Transport",
    "processors": [
        "web.observability.telemetry.client.without_words",
        "web.observability.telemetry.client.without_paths",
    ],
    "collect_local_variables": "off",
    "capture_headers": False,
    "capture_body": "off",
    "disable_log_record_factory": True,
    "instrument_django_middleware": False,
    "django_transaction_name_from_route": True,
    "use_elastic_traceparent_header": False,
    "include_paths": ["savings", "web"],
    "transaction_ignore_urls": ["/static/*", "/healthz*", "/readyz*", "/metrics*"],
    "breakdown_metrics": False,
    # No stack traces of slow spans; errors have theirs.
    "span_stack_trace_min_duration": "-1ms",
    # Detecting the cloud provider blocks the sending thread for seconds at each start.
    "cloud_provider": "none",
}


class Client(DjangoClient):
    """The agent without personal data: users, IP addresses, headers, cookies and bodies."""

    def __init__(self, config: dict[str, Any] | None = None, **settings: Any) -> None:
        super().__init__(config, **settings, **_FIXED)

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


class Transport(http.Transport):
    """The agent's transport, which closes its empty buffers.

    The agent drops a buffer whenever it had nothing to send for some seconds, and Python 3.13 then writes a traceback
    to the log. `test_an_idle_agent_writes_nothing_to_the_log` fails without this.
    """

    _buffer: GzipFile | None = None

    def _init_buffer(self) -> GzipFile:
        if self._buffer is not None:
            self._buffer.close()
        self._buffer = super()._init_buffer()
        return self._buffer
