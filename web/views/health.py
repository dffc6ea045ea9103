"""Health checks: whether this process is alive, and whether it can serve."""

from __future__ import annotations

import logging

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_redis import get_redis_connection
from redis import RedisError

from savings import outbox
from web.caching import redis_client

# The sweep runs every minute, so if a row has been due for longer than this, no worker is running.
LATE_AFTER_SECONDS = 5 * 60

logger = logging.getLogger(__name__)


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the process answers; checks nothing else."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Report whether this server should get traffic, and what is wrong.

    Without its database or its migrations it cannot serve: 503. Without Redis, or without a worker that sends the
    mails, every page still works: 200 and `degraded`, because a balancer that took all servers out would turn a small
    failure into a complete one. A monitor that looks only at the status can use `?strict`, which answers 503 for these
    too.
    """
    parts = {"database": _database()}
    if parts["database"] == "ok":
        parts["migrations"] = _migrations()
    parts["redis"] = _redis()
    oldest_seconds = None
    if parts.get("migrations") == "ok":
        parts["outbox"], oldest_seconds = _outbox()
    serves = parts["database"] == parts.get("migrations") == "ok"
    well = serves and set(parts.values()) == {"ok"}
    return JsonResponse(
        {
            "status": "ready" if well else "degraded" if serves else "unready",
            "parts": parts,
            "oldest_unsent_seconds": oldest_seconds,
        },
        status=200 if well or (serves and "strict" not in request.GET) else 503,
    )


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            if connection.vendor != "postgresql":
                cursor.execute("SELECT 1")
            else:
                # A standby, or a demoted primary, answers but refuses every write.
                cursor.execute("SHOW transaction_read_only")
                if cursor.fetchone() == ("on",):
                    return "read-only"
    except DatabaseError:
        # The exception names hosts and users, which belong in the log only.
        logger.exception("the database does not answer")
        return "does not answer"
    return "ok"


def _migrations() -> str:
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        logger.exception("the table of migrations cannot be read")
        return "cannot be read"
    return f"{len(missing)} not applied" if missing else "ok"


def _redis() -> str:
    try:
        get_redis_connection("default").ping()
        policy = redis_client.evicting_policy()
    except (RedisError, OSError):
        return "does not answer"
    return f"may remove keys: set maxmemory-policy to noeviction, not {policy}" if policy else "ok"


def _outbox() -> tuple[str, int | None]:
    """Return the state of the outbox, and the age in seconds of the oldest waiting row."""
    try:
        waiting = outbox.waiting_seconds(timezone.now())
    except DatabaseError:
        logger.exception("the outbox cannot be read")
        return "cannot be read", None
    if waiting is None:
        return "ok", None
    oldest_seconds, due_seconds = waiting
    return "no worker is sending" if due_seconds > LATE_AFTER_SECONDS else "ok", oldest_seconds
