"""Sending payouts that are due: queries and time for each, beside a provider that answers in 200 ms."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator

import django
from django.conf import settings

from tests.benchmarks._servers import PRODUCTION

if not settings.configured:
    os.environ |= PRODUCTION
    django.setup()

import httpx
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from savings import payments
from savings.models import Payout
from tests.benchmarks import _database
from tests.benchmarks._report import Figure, publish
from tests.payouts import ask, make_saver

ANSWER_SECONDS = 0.2
# Every tenth payout fails at the provider without a clear answer.
FAILS_EVERY = 10
_CONTROL = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")


class SlowProvider(httpx.BaseTransport):
    """Answers each call in 200 ms, and some transfers with an error of the server."""

    def __init__(self) -> None:
        self.requests = 0
        self.seconds = 0.0
        self.known: dict[str, dict[str, object]] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        begun_at = time.perf_counter()
        time.sleep(ANSWER_SECONDS)
        answer = self._answer(request)
        self.seconds += time.perf_counter() - begun_at
        return answer

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/balance":
            return _yes([{"currency": settings.CURRENCY, "balance": 10**15}])
        if request.method != "POST":
            sent = self.known.get(request.url.path.rpartition("/")[2])
            return _yes(sent) if sent else httpx.Response(404, json={"status": False, "message": "Not found"})
        self.requests += 1
        if self.requests % FAILS_EVERY == 0:
            return httpx.Response(502)
        order = json.loads(request.content)
        sent = {name: order[name] for name in ("reference", "amount", "currency")}
        sent |= {"status": "pending", "transfer_code": f"TRF_{order['reference']}"}
        return _yes(self.known.setdefault(order["reference"], sent))


def main() -> int:
    """Measure on the servers of the environment, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payouts", type=int, default=1_000)
    parser.add_argument("--json")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    with _database.made():
        figures = list(_measure(options.payouts))
    return publish("payouts", figures, options.json)


def _measure(many: int) -> Iterator[Figure]:
    for _ in range(many):
        ask(make_saver(), 1_000_00)
    provider, runs = SlowProvider(), 1
    begun_at = time.perf_counter()
    with payments.using_transport(provider):
        with CaptureQueriesContext(connection) as captured:
            payments.sweep_payouts(timezone.now())
        queries = sum(not query["sql"].startswith(_CONTROL) for query in captured) / provider.requests
        # Each run ends before the next minute; this is one worker without the pauses between.
        while Payout.objects.filter(state=Payout.State.WAITING).exists():
            payments.sweep_payouts(timezone.now())
            runs += 1
    seconds = time.perf_counter() - begun_at
    states = Counter(Payout.objects.values_list("state", flat=True))
    detail = f"{states[Payout.State.SENT]:,} of {many:,} in {runs} runs of one worker"
    yield Figure("payouts that were sent", states[Payout.State.SENT] / many, "x", detail, at_least=1)
    yield Figure("queries for each payout", queries, "", "in the first run", at_most=12)
    detail = f"{seconds:.1f} s : {provider.seconds:.1f} s, {provider.requests:,} requests to send"
    yield Figure(
        "sending payouts : waiting for the provider", seconds / provider.seconds, "x", detail, at_most=1.3
    )


def _yes(data: object) -> httpx.Response:
    return httpx.Response(200, json={"status": True, "message": "As requested", "data": data})


if __name__ == "__main__":
    sys.exit(main())
