"""Elastic APM: sends the cost of requests and background work to the operator's server, without personal data.

The only package that imports the agent; imported only if ELASTIC_APM_SERVER_URL is set. docs/apm.md describes what is
sent.
"""

from __future__ import annotations

from typing import Any

import elasticapm
from django.http import HttpRequest
from elasticapm.traces import execution_context

from web.counts import Counts
from web.observability import request_costs
from web.observability.telemetry import spans, tasks
from web.observability.telemetry.client import Client as Client


def start() -> None:
    """Start tracing: follow requests into background work, and label both with their cost."""
    spans.report_spans()
    tasks.follow_tasks()
    request_costs.response_measured.connect(_label_request)


def _label_request(*, request: HttpRequest, counts: Counts, **_: Any) -> None:
    transaction = execution_context.get_transaction()
    if transaction is None:
        # The request is not reported; the agent would log a warning for each label without a transaction.
        return
    elasticapm.set_transaction_name(f"{request.method} unknown route", override=False)
    transaction.label(**counts.labels())
