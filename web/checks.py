"""System checks that refuse an unsafe configuration or warn of it."""

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
    """Warn if Redis evicts keys when its memory is full. If Redis does not answer, there is no warning."""
    try:
        policy = redis_client.evicting_policy()
    except (RedisError, OSError):
        return []
    if not policy:
        return []
    return [
        Warning(
            f"Redis removes keys when its memory is full (maxmemory-policy is {policy}). Queued tasks and the counters"
            " of failed sign-ins can be lost.",
            hint="Set maxmemory-policy to noeviction.",
            id="web.W001",
        )
    ]


@register(Tags.security)
def no_simulator_in_production(**_: Any) -> list[CheckMessage]:
    """Refuse the payment simulator in production, because anyone can confirm payments in it."""
    if settings.DEBUG or settings.ALLOW_SIMULATOR or not settings.USES_SIMULATOR:
        return []
    return [
        Error(
            "The payment simulator would replace the provider: anyone could confirm a payment without paying.",
            hint="Set PAYSTACK_SECRET_KEY, or ALLOW_SIMULATOR=1 for a demonstration without real money.",
            id="web.E001",
        )
    ]


_LIVE_KEY = "sk_live_"
_ABOUT_OPERATOR = {
    "OPERATOR_NAME": "pages do not say who holds the money of savers",
    "OPERATOR_CONTACT": "savers see no contact when a payment is stuck",
    "TERMS_URL": "there is no link to the terms",
    "PRIVACY_URL": "there is no link to the privacy notice",
    "SOURCE_URL": "there is no link to the source of this installation",
}


@register(Tags.compatibility, deploy=True)
def operator_is_named(**_: Any) -> list[CheckMessage]:
    """Warn of each empty setting about the operator: pages, mails and statements leave out what is not set."""
    operator = settings.OPERATOR
    given = (operator.name, operator.contact, operator.terms_url, operator.privacy_url, operator.source_url)
    return [
        Warning(f"{name} is empty: {effect}.", hint=f"Set {name} in the environment.", id=f"web.W00{number}")
        for number, ((name, effect), value) in enumerate(
            zip(_ABOUT_OPERATOR.items(), given, strict=True), start=2
        )
        if not value
    ]


@register(Tags.security, deploy=True)
def real_money_needs_an_operator(**_: Any) -> list[CheckMessage]:
    """Refuse a live key of the provider while it is not set who holds the money, where it is and who owes its tax."""
    if not settings.PAYSTACK_SECRET_KEY.startswith(_LIVE_KEY):
        return []
    operator = settings.OPERATOR
    needed = {
        "OPERATOR_NAME": operator.name,
        "OPERATOR_CONTACT": operator.contact,
        "TERMS_URL": operator.terms_url,
        "PRIVACY_URL": operator.privacy_url,
        "CUSTOMERS_BANK": operator.customers_bank,
        "OWN_BANK": operator.own_bank,
        "OPERATOR_TAX_ID": operator.tax_id,
    }
    missing = ", ".join(name for name, value in needed.items() if not value)
    if not missing:
        return []
    return [
        Error(
            f"PAYSTACK_SECRET_KEY takes real money, and these settings are empty: {missing}.",
            hint="Set them in the environment, or use a test key (sk_test_…).",
            id="web.E003",
        )
    ]


@register(Tags.security)
def same_currency_and_time_zone(**_: Any) -> list[CheckMessage]:
    """Refuse a currency or time zone other than that of the stored money.

    A database that does not answer is not refused: each process checks again before it first writes money.
    """
    was_open = connection.connection is not None
    try:
        found = installation.conflicts()
    except Exception as error:
        # The database may be down, not migrated, or closed to this process; the check must not fail because of that.
        logger.debug("the database was not asked for its currency and time zone: %s", error)
        return []
    finally:
        if not was_open:
            # Servers run the checks before they fork their workers.
            connection.close()
    return [Error(message, id="web.E002") for message in found]
