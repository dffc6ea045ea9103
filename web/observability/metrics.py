"""Everything on /metrics, for Prometheus: the requests of this server, and what its database and its Redis know.

docs/monitoring.md says what each figure means. Each part is collected apart, so that a part that does not answer takes
nothing with it but its own figures. Labels have a bounded number of values, and none of them names a person.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping

from django.db import DatabaseError
from django.utils import timezone
from django_redis import get_redis_connection
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from savings import backoffice, jobs, leaderboards, releases
from savings.backoffice import Monitored, Waiting
from savings.models import Case, Payout
from savings.tasks import HANDLERS, deliver_outbox_row
from web.observability import request_metrics

logger = logging.getLogger(__name__)

_NOTHING = Waiting("", 0, None)


def exposition() -> tuple[bytes, str]:
    """Return the metrics in Prometheus' text format, and their content type."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected())
    return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4


class _Collected(Collector):
    """The metrics of all parts that answer."""

    def collect(self) -> Iterator[Metric]:
        answers: list[tuple[tuple[str, ...], float]] = []
        for part, collect in _PARTS.items():
            try:
                # All of it before the first is yielded: a part that stops midway is left out.
                found = list(collect())
            except (DatabaseError, RedisError, OSError, RuntimeError, ValueError):
                logger.exception("%s could not be read for /metrics", part)
                found = []
                answers.append(((part,), 0))
            else:
                answers.append(((part,), 1))
            yield from found
        yield _gauge("asusu_part_up", "Whether a part answered this scrape.", answers, ["part"])
        name = releases.release_name()
        yield _gauge("asusu_release_info", "The release that this server runs.", [((name,), 1)], ["release"])


def _database() -> Iterator[Metric]:
    found = backoffice.monitored(timezone.now())
    yield from _queues(found)
    yield from _money(found)
    yield from _jobs(found)


def _queues(found: Monitored) -> Iterator[Metric]:
    def age(waiting: Waiting) -> float:
        """Return for how many seconds the oldest row has waited, 0 for none and for one that is not due yet."""
        oldest = waiting.oldest_at or found.as_of
        return max(0.0, (found.as_of - oldest).total_seconds())

    outbox = {(kind,): found.outbox.get(kind, _NOTHING) for kind in HANDLERS}
    yield _gauge("asusu_outbox_rows", "Outbox rows that are not done.", _counts(outbox), ["kind"])
    yield _gauge(
        "asusu_outbox_oldest_due_seconds",
        "For how long the first outbox row has been due.",
        [(labels, age(waiting)) for labels, waiting in outbox.items()],
        ["kind"],
    )
    dead = found.waiting.get("mails", _NOTHING)
    yield _gauge("asusu_outbox_dead_rows", "Outbox rows that were given up.", [((), dead.count)])
    cases = {(kind,): found.waiting.get(kind, _NOTHING) for kind in Case.Kind.values}
    yield _gauge("asusu_open_cases", "Cases that wait for a person.", _counts(cases), ["kind"])
    yield _gauge(
        "asusu_open_case_oldest_seconds",
        "For how long the oldest open case has been open.",
        [(labels, age(waiting)) for labels, waiting in cases.items()],
        ["kind"],
    )
    payouts = {(str(state),): found.waiting.get(f"payouts {state}", _NOTHING) for state in Payout.IN_FLIGHT}
    yield _gauge("asusu_payouts_waiting", "Withdrawals on their way.", _counts(payouts), ["state"])
    yield _gauge(
        "asusu_payout_oldest_seconds",
        "For how long the oldest withdrawal has been on its way.",
        [(labels, age(waiting)) for labels, waiting in payouts.items()],
        ["state"],
    )
    yield _gauge("asusu_payments_pending", "Card payments on their way.", [((), found.payments.count)])
    yield _gauge(
        "asusu_payment_oldest_seconds",
        "For how long the oldest card payment has been on its way.",
        [((), age(found.payments))],
    )


def _money(found: Monitored) -> Iterator[Metric]:
    if found.today is not None:
        day = found.today
        yield _gauge(
            "asusu_payments_today",
            "Card payments that were begun today, by how they ended.",
            [(("paid",), day.payments_paid), (("failed",), day.payments_failed)],
            ["outcome"],
        )
        yield _gauge(
            "asusu_payouts_today",
            "Withdrawals that were asked for today, by how they ended.",
            [(("paid",), day.payouts_paid), (("failed",), day.payouts_failed)],
            ["outcome"],
        )
    if found.coverage is not None and found.coverage.owed_kobo:
        ratio = found.coverage.held_kobo / found.coverage.owed_kobo
        yield _gauge(
            "asusu_coverage_ratio", "The money held for savers by the money owed to them.", [((), ratio)]
        )
    if found.proof is not None and found.proof.ended_at is not None:
        yield _gauge(
            "asusu_ledger_proof_timestamp_seconds",
            "When the last proof of the ledger ended.",
            [((), found.proof.ended_at.timestamp())],
        )
        yield _gauge(
            "asusu_ledger_proof_right",
            "Whether the last proof of the ledger found nothing wrong.",
            [((), float(found.proof.is_right))],
        )


def _jobs(found: Monitored) -> Iterator[Metric]:
    runs = {name: run for name, run in found.runs.items() if name in jobs.TIMETABLE}
    yield _gauge(
        "asusu_job_started_timestamp_seconds",
        "When the last run of a job started.",
        [((name,), run.started_at.timestamp()) for name, run in runs.items()],
        ["job_name"],
    )
    yield _gauge(
        "asusu_job_failed",
        "Whether the last run of a job failed.",
        [((name,), float(run.has_failed)) for name, run in runs.items()],
        ["job_name"],
    )
    yield _gauge(
        "asusu_job_late",
        "Whether a job has missed three of its runs.",
        [((name,), float(jobs.TIMETABLE[name].is_late(run, found.as_of))) for name, run in runs.items()],
        ["job_name"],
    )
    backup = found.runs.get(jobs.BACKUP)
    if backup is not None and backup.ended_at is not None and not backup.has_failed:
        yield _gauge(
            "asusu_backup_timestamp_seconds",
            "When the last backup ended.",
            [((), backup.ended_at.timestamp())],
        )


def _redis() -> Iterator[Metric]:
    waiting = leaderboards.call_redis(deliver_outbox_row.huey.pending_count)
    yield _gauge("asusu_tasks_waiting", "Tasks in the queue of the workers.", [((), waiting)])
    memory = get_redis_connection("default").info("memory")
    for name, what, text in (
        ("asusu_redis_memory_bytes", "used_memory", "The memory that Redis uses."),
        ("asusu_redis_memory_max_bytes", "maxmemory", "The memory that Redis may use, 0 for no limit."),
    ):
        # The stand-in without redis-server does not know them.
        if what in memory:
            yield _gauge(name, text, [((), float(memory[what]))])


_PARTS: dict[str, Callable[[], Iterable[Metric]]] = {
    "requests": request_metrics.collect,
    "database": _database,
    "redis": _redis,
}


def _counts(rows: Mapping[tuple[str], Waiting]) -> list[tuple[tuple[str, ...], float]]:
    return [(labels, waiting.count) for labels, waiting in rows.items()]


def _gauge(
    name: str, text: str, values: list[tuple[tuple[str, ...], float]], labels: list[str] | None = None
) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels or [])
    for of_labels, value in values:
        family.add_metric(of_labels, value)
    return family
