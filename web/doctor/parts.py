"""The parts that the site needs: the database, its migrations, Redis, and a worker that empties the outbox."""

from __future__ import annotations

import logging

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from django_redis import get_redis_connection
from redis import RedisError

from savings import outbox as rows
from web.caching import redis_client

# The sweep runs every minute, so if a row has been due for longer than this, no worker is running.
LATE_AFTER_SECONDS = 5 * 60

logger = logging.getLogger(__name__)


def database() -> str:
    """Return "ok", or why the database cannot serve."""
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


def migrations() -> str:
    """Return "ok", or how many migrations are not applied."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        logger.exception("the table of migrations cannot be read")
        return "cannot be read"
    return f"{len(missing)} not applied" if missing else "ok"


def redis() -> str:
    """Return "ok", or what is wrong with Redis."""
    try:
        get_redis_connection("default").ping()
        policy = redis_client.evicting_policy()
        is_full = not policy and redis_client.is_full()
    except (RedisError, OSError):
        return "does not answer"
    if is_full:
        return "is full: raise maxmemory"
    return f"may remove keys: set maxmemory-policy to noeviction, not {policy}" if policy else "ok"


def outbox() -> tuple[str, int | None]:
    """Return the state of the outbox, and the age in seconds of the oldest waiting row."""
    try:
        waiting = rows.waiting_seconds(timezone.now())
    except DatabaseError:
        logger.exception("the outbox cannot be read")
        return "cannot be read", None
    if waiting is None:
        return "ok", None
    oldest_seconds, due_seconds = waiting
    return "no worker is sending" if due_seconds > LATE_AFTER_SECONDS else "ok", oldest_seconds
