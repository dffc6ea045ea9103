"""The trace that a piece of background work belongs to: rows store the `traceparent` of the request that caused them.

The follower in this module does nothing. `web/observability/telemetry.py` replaces it when an APM server is configured.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext


class Follower:
    """Follows nothing, and says what one that does is told."""

    def traceparent(self) -> str:
        """Return the W3C `traceparent` of the request or task at hand, to keep on a row; empty where nobody follows."""
        return ""

    def following(self, name: str, traceparent: str) -> AbstractContextManager[None]:  # noqa: ARG002
        """Take the block for a piece of background work of that name, asked for by the request of `traceparent`."""
        return nullcontext()

    def failed(self, error: Exception) -> None:
        """Hear that the work at hand has failed, by an error that goes no further."""


follower = Follower()
