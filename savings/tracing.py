"""Traces of background work: rows store the `traceparent` of the request that caused them.

The follower in this module does nothing. `web/observability/telemetry/` replaces it when an APM server is configured.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext


class Follower:
    """A follower that records nothing. It defines the interface of the real one."""

    def traceparent(self) -> str:
        """Return the W3C `traceparent` of the present request or task, to store on a row; empty without tracing."""
        return ""

    def following(self, name: str, traceparent: str) -> AbstractContextManager[None]:  # noqa: ARG002
        """Record the block as background work with this name, caused by the request of `traceparent`."""
        return nullcontext()

    def sending_mail(self) -> AbstractContextManager[None]:
        """Record the block as the part of the present work that hands a mail to the mail server."""
        return nullcontext()

    def failed(self, error: Exception) -> None:
        """Record that the present work failed with an error that its caller handles."""


follower = Follower()
