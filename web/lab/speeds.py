"""The latency and the throughput of the lab's pages: all of them requested in turns, one request after another."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import NamedTuple

from django.test import Client
from django.urls import reverse

from web.lab.measure import Headline, milliseconds_text
from web.lab.one_request import PAGES, demo_user, make_request
from web.observability import page_costs

# The article's limit, for the page with its network and its browser.
LIMIT_MS = 2_000
ROUNDS = 10


class Speed(NamedTuple):
    """How fast a page is: the latency of its requests in milliseconds, and how many one process answers a second.

    The latency is that of the log line. The throughput includes what the client of this process needs.
    """

    title: str
    median_ms: float
    slowest_ms: float
    per_second: float

    @property
    def share_of_limit(self) -> float:
        """The median as a percentage of the article's two seconds."""
        return 100 * self.median_ms / LIMIT_MS


def speeds(browser: Client, *, rounds: int) -> dict[str, Speed]:
    """Request every page in turns, after a warm-up, and return the speed of each by its word."""
    milliseconds: dict[str, list[float]] = {word: [] for word in PAGES}
    seconds = dict.fromkeys(PAGES, 0.0)
    for turn in range(rounds + 1):
        for word, (name, _) in PAGES.items():
            begun = time.perf_counter()
            made = make_request(browser, reverse(name))
            if turn:
                seconds[word] += time.perf_counter() - begun
                milliseconds[word].append(made.milliseconds)
    return {
        word: Speed(
            title, statistics.median(milliseconds[word]), max(milliseconds[word]), rounds / seconds[word]
        )
        for word, (_, title) in PAGES.items()
    }


def headlines() -> Iterator[Headline]:
    """Measure the latency and the throughput of each page for the first user of the demo."""
    user = demo_user()
    if user is None:
        return
    with page_costs.fresh_caches(), page_costs.browser(user) as browser:
        found = list(speeds(browser, rounds=ROUNDS).values())
    for speed in found:
        yield Headline(
            f"{speed.title}: latency, and throughput of one process",
            f"{milliseconds_text(speed.median_ms)}, {speed.per_second:,.0f} a second",
        )
    slowest = max(found, key=lambda speed: speed.median_ms)
    yield Headline(
        f"The slowest of these pages ({slowest.title}), and its share of two seconds",
        f"{milliseconds_text(slowest.median_ms)}, {slowest.share_of_limit:.1f}%",
    )
