"""The bytes of a page that a browser receives, by its encoding, and the time that compressing them takes."""

from __future__ import annotations

import statistics
import time
from typing import NamedTuple

from web.lab.measure import milliseconds_text, size_text
from web.middleware.compression import compressed

# The names of the encodings that the site knows, by their words in an Accept-Encoding header.
_ENCODINGS = {"": "Not compressed", "gzip": "gzip", "br": "brotli"}
_ROUNDS = 3


class Encoded(NamedTuple):
    """The page as a browser receives it: its bytes, and the milliseconds that compressing it took."""

    name: str
    size_bytes: int
    milliseconds: float

    @property
    def size_text(self) -> str:
        return size_text(self.size_bytes)

    @property
    def time_text(self) -> str:
        return milliseconds_text(self.milliseconds)


def encoded(body: bytes) -> list[Encoded]:
    """Compress a page as the site's middleware does: not at all, with gzip, and with brotli."""
    turns = [[_run(body, encoding) for encoding in _ENCODINGS] for _ in range(_ROUNDS + 1)]
    return [
        Encoded(name, runs[0][0], statistics.median(milliseconds for _, milliseconds in runs[1:]))
        for name, runs in zip(_ENCODINGS.values(), zip(*turns, strict=True), strict=True)
    ]


def _run(body: bytes, encoding: str) -> tuple[int, float]:
    """Return the bytes of the compressed page, and the milliseconds that it took."""
    begun = time.perf_counter()
    sent = compressed(body, encoding)
    return len(sent), (time.perf_counter() - begun) * 1000
