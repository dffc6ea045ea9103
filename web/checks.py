"""System checks of what a server must not be started with."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's own
from django.db import connection
from redis.exceptions import RedisError

from savings import installation
from web.caching import redis_client

logger = logging.getLogger(__name__)


@register(Tags.caches, deploy=True)
def redis_keeps_its_keys(**_: Any) -> list[CheckMessage]:
    """Warn of a Redis that removes keys when its memory is full. One that does not answer is not judged."""
    try:
        policy = redis_client.evicting_policy()
    except (RedisError, OSError):
        return []
    if not policy:
        return []
    return [
        Warning(
            f"Redis removes keys when its memory is full (maxmemory-policy is {policy}): sessions, queued tasks and"
            " the counters of failed sign-ins would be lost.",
            hint="Set maxmemory-policy to noeviction.",
            id="web.W001",
        )
    ]


@register(Tags.security)
def no_simulator_in_production(**_: Any) -> list[CheckMessage]:
    """Refuse to take a stand-in's word for money: anybody can press its buttons."""
    if settings.DEBUG or settings.ALLOW_SIMULATOR or not settings.USES_SIMULATOR:
        return []
    return [
        Error(
            "The payment simulator would stand in for the provider: anybody could pay with nothing.",
            hint="Set PAYSTACK_SECRET_KEY, or ALLOW_SIMULATOR=1 for a demonstration without real money.",
            id="web.E001",
        )
    ]


@register(Tags.security)
def same_currency_and_time_zone(**_: Any) -> list[CheckMessage]:
    """Refuse to work on money of another currency, or whose days began in another time zone.

    A database that cannot be asked is no reason to refuse: each process asks again before the first money it writes.
    """
    was_open = connection.connection is not None
    try:
        found = installation.conflicts()
    except Exception as error:
        # Away, not migrated yet, or closed to this process: a check must not fail for it.
        logger.debug("the database was not asked for its currency and time zone: %s", error)
        return []
    finally:
        if not was_open:
            # Servers load this before they start their workers.
            connection.close()
    return [Error(message, id="web.E002") for message in found]
