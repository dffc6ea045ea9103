"""Experiment: twenty requests at once for a cached value that has just expired, with and without the lock."""

from __future__ import annotations

import dataclasses
import statistics
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import cast

from django.core.cache import caches

from web.caching.fragments import FragmentCache, code_version
from web.lab.measure import Headline, milliseconds_text, source

VISITORS = 20
SECONDS = 60
# The value needs a slow query, which is simulated, and then some milliseconds of a processor, as a page does.
QUERY_SECONDS = 0.2
_AMOUNTS = 20_000
_ROUNDS = 5

type Make = Callable[[], bytes]


@dataclasses.dataclass(frozen=True)
class Stampede:
    """What twenty simultaneous requests cost in one way. Times are in milliseconds, from the start to an answer."""

    name: str
    computations: int
    median_ms: float
    slowest_ms: float
    where: str
    code: str


def without_lock(key: str, make: Make) -> bytes:
    found = store().find(key)
    if found is not None:
        return found.body
    body = make()
    store().set(key, body, SECONDS)
    return body


def with_lock(key: str, make: Make) -> bytes:
    found = store().find(key)
    if found is not None:
        return found.body
    # One request makes the value. The others wait for its result, for at most two seconds.
    return store().once(key, lambda: (make(), SECONDS))


WAYS = {"Without a lock": without_lock, "With the lock": with_lock}


def store() -> FragmentCache:
    """Return the product's cache of pages and fragments."""
    return cast("FragmentCache", caches["template_fragments"])


def rank_amounts() -> bytes:
    """Return the largest of some amounts, after waiting for a simulated query."""
    time.sleep(QUERY_SECONDS)
    amounts = sorted((number * 7919 % 104_729, number) for number in range(_AMOUNTS))
    return repr(amounts[-3:]).encode()


def run_all() -> list[Stampede]:
    """Run both ways once, each with a key of its own that is in no cache."""
    return [_run(name, way) for name, way in WAYS.items()]


def headlines() -> Iterator[Headline]:
    """Run both ways in turns, and take the medians."""
    run_all()
    turns = [run_all() for _ in range(_ROUNDS)]
    counts = [int(statistics.median(one.computations for one in runs)) for runs in zip(*turns, strict=True)]
    slowest = [statistics.median(one.slowest_ms for one in runs) for runs in zip(*turns, strict=True)]
    yield Headline(
        f"{VISITORS} requests at once, computations without : with the lock", " : ".join(map(str, counts))
    )
    for name, ms in zip(WAYS, slowest, strict=True):
        yield Headline(f"{VISITORS} requests at once, slowest answer {name.lower()}", milliseconds_text(ms))


def _run(name: str, way: Callable[[str, Make], bytes]) -> Stampede:
    key, computations = f"lab:stampede:{uuid.uuid4()}", []
    together = threading.Barrier(VISITORS)
    # Reading the sources for the version of the code is no part of this.
    code_version()

    def make() -> bytes:
        computations.append(1)
        return rank_amounts()

    def ask(_: int) -> float:
        together.wait()
        begun_at = time.perf_counter()
        way(key, make)
        return (time.perf_counter() - begun_at) * 1000

    with ThreadPoolExecutor(VISITORS) as pool:
        waits = sorted(pool.map(ask, range(VISITORS)))
    store().delete(key)
    where, code = source(way)
    return Stampede(name, len(computations), statistics.median(waits), waits[-1], where, code)
