"""Experiment: a value that is the same for all readers, cached under a key for each of them and under one for all."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from django.core.cache import cache

from savings.models import Product
from web.lab.measure import Comparison, Headline, Rows, Way, compare

READERS = 10
SECONDS = 60
_ROUNDS = 7


def offer() -> list[tuple[str, list[int]]]:
    products = Product.objects.offered().prefetch_related("rates")
    return [(product.name, [rate.rate_bps for rate in product.rates.all()]) for product in products]


def cached_offer(key: str) -> list[tuple[str, list[int]]]:
    found: list[tuple[str, list[int]]] | None = cache.get(key)
    if found is None:
        found = offer()
        cache.set(key, found, SECONDS)
    return [(name, rates) for name, rates in found]


def a_key_for_each(turns: Iterator[str]) -> Rows:
    turn = next(turns)
    return [line for reader in range(READERS) for line in cached_offer(f"lab:{turn}:offer:{reader}")]


def one_key(turns: Iterator[str]) -> Rows:
    turn = next(turns)
    return [line for _ in range(READERS) for line in cached_offer(f"lab:{turn}:offer")]


WAYS = [
    Way(
        "A key for each",
        "The reader is in the key, so each of them waits for the database once.",
        a_key_for_each,
    ),
    Way("One key", "Only the first reader waits. All others get what that one has cached.", one_key),
]


def measured() -> Comparison:
    """Let all readers read once in each way, and begin each turn with nothing cached."""
    return compare(WAYS, iter(lambda: str(uuid.uuid4()), ""), rounds=_ROUNDS)


def headlines() -> Iterator[Headline]:
    """Count the queries of all readers."""
    each, one = measured().outcomes
    what = f"{READERS} readers of the same value, a key for each : one key"
    yield Headline(f"{what}, queries", f"{each.queries} : {one.queries}")
    yield Headline(f"{what}, milliseconds", f"{each.time_text} : {one.time_text}")
