"""The list of banks, kept in the cache, because every page with a bank account to add shows it."""

from __future__ import annotations

import logging
import time

from django.core.cache import cache

from savings.exceptions import ProviderRefused, ProviderUnavailable, Refused
from savings.payments import messages, transfers
from savings.payments.transfers import Bank

logger = logging.getLogger(__name__)

_KEY = "banks"
_FRESH_SECONDS = 24 * 60 * 60
# While the provider is away, an older list is better than none.
_KEPT_SECONDS = 7 * _FRESH_SECONDS


def list_banks() -> list[Bank]:
    """Return the banks that can receive money, by name. Raises Refused when the list cannot be had now."""
    fetched_at, rows = cache.get(_KEY) or (0, [])
    if rows and time.time() - fetched_at < _FRESH_SECONDS:
        return [Bank(*row) for row in rows]
    try:
        banks = transfers.list_banks()
    except (ProviderUnavailable, ProviderRefused) as error:
        logger.warning("the provider does not list the banks: %s", error)
        banks = []
    if banks:
        cache.set(_KEY, (time.time(), [[bank.code, bank.name] for bank in banks]), _KEPT_SECONDS)
        return banks
    if rows:
        return [Bank(*row) for row in rows]
    raise Refused(messages.BANKS_AWAY, field="bank_code")


def find_bank(code: str) -> Bank:
    """Return the bank with a code. Raises Refused for a code that is not in the list."""
    for bank in list_banks():
        if bank.code == code:
            return bank
    raise Refused(messages.CHOOSE_BANK, field="bank_code")
