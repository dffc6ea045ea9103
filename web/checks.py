"""System checks of what a server must not be started with."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's own
from redis.exceptions import RedisError

from web import redis_client


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
