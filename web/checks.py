"""System checks of what a server must not be started with."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


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
