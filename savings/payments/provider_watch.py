"""Decides whether a run of calls to the provider continues after a failed call."""

from __future__ import annotations

import time

from savings.exceptions import CallFailed, ProviderRefused, ProviderUnavailable, UnclearAnswer
from savings.payments import paystack

# A run ends before the next one starts, so slow answers occupy one worker and not all of them.
RUN_SECONDS = 45
# After this many consecutive failures, or this many seconds of them, check whether the provider is down.
_MOST_FAILURES = 10
_MOST_SECONDS = 20


class ProviderWatch:
    """Watches the calls of one run. A failure concerns one payment until a probe shows that the provider is down."""

    def __init__(self) -> None:
        self._failures = 0
        self._began = self._failing_since = time.monotonic()

    def has_time(self) -> bool:
        """Return whether the run may start another call."""
        return time.monotonic() - self._began < RUN_SECONDS

    def record_success(self) -> None:
        """Reset the count of failures after an answered call."""
        self._failures = 0
        self._failing_since = time.monotonic()

    def is_provider_away(self, error: Exception) -> bool:
        """Return whether every further call of the run would fail like the call that raised this error.

        After repeated failures this sends a probe, so ten payments that each return a 500 do not stop the run.
        """
        if isinstance(error, ProviderRefused):
            return error.code == paystack.BAD_KEY
        if not isinstance(error, CallFailed):
            return isinstance(error, ProviderUnavailable) and not isinstance(error, UnclearAnswer)
        self._failures += 1
        if self._failures < _MOST_FAILURES and time.monotonic() - self._failing_since < _MOST_SECONDS:
            return False
        self.record_success()
        return not paystack.is_answering()
