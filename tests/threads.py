"""Runs one act in many threads that start at the same moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection

from savings.exceptions import Refused


def at_once(
    act: Callable[[int], object], times: int, *, refusals: tuple[type[Refused], ...] = (Refused,)
) -> Counter[Any]:
    """Run `act` in a number of threads that all start at the same moment, and count the results.

    A call that raises one of `refusals` counts as that type of refusal.
    """
    ready = Barrier(times)

    def run(number: int) -> object:
        ready.wait()
        try:
            return act(number)
        except refusals as refused:
            return next(kind for kind in refusals if isinstance(refused, kind))
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return Counter(pool.map(run, range(times)))
