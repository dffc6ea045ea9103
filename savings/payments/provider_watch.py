"""Whether a run of calls to the payment provider goes on after one of them failed."""

from __future__ import annotations

import time

from savings.exceptions import CallFailed, ProviderRefused, ProviderUnavailable, UnclearAnswer
from savings.payments import paystack

# A run ends before the next one begins, so that slow answers hold up one worker and not all of them.
RUN_SECONDS = 45
# So many calls in a row that failed, or as many seconds spent on them, may mean that the provider is away.
_MOST_FAILURES = 10
_MOST_SECONDS = 20


class Watch:
    """Watches the calls of one run. A failure is one payment's until it is proven to be the provider's."""

    def __init__(self) -> None:
        self._failures = 0
        self._began = self._failing_since = time.monotonic()

    def has_time(self) -> bool:
        """Tell whether the run may begin another call."""
        return time.monotonic() - self._began < RUN_SECONDS

    def worked(self) -> None:
        """Note a call that was answered."""
        self._failures = 0
        self._failing_since = time.monotonic()

    def is_away(self, error: Exception) -> bool:
        """Tell, for the error of a call, whether each further call of the run would fail as well.

        Asks the provider about a payment that does not exist where calls go on failing: 10 payments that it answers
        with a 500 do not stop the others.
        """
        if isinstance(error, ProviderRefused):
            return error.code == paystack.BAD_KEY
        if not isinstance(error, CallFailed):
            return isinstance(error, ProviderUnavailable) and not isinstance(error, UnclearAnswer)
        self._failures += 1
        if self._failures < _MOST_FAILURES and time.monotonic() - self._failing_since < _MOST_SECONDS:
            return False
        self.worked()
        return not paystack.is_answering()
