"""The sentences of refused requests: too many tries, bodies that are too large, malformed requests."""

from __future__ import annotations

import math

from django.utils.translation import ngettext

TOO_MANY_TRIES = "Too many tries"
# The rule behind a limit whose wait is not known.
SLOW_DOWN = "We limit repeated tries to keep others out of your savings. Wait a few minutes, then try again."

TOO_LARGE = "That’s too large to send"
SHORTEN = "Nothing was changed. Shorten what you typed, then send it again."
LET_BROWSER_READ_FILE = (
    "Use a browser that runs scripts: it checks the file on your device and sends nothing."
)
UNKNOWN_SIZE = "We couldn’t tell how large that is"
# To programs: browsers always send the length.
SEND_LENGTH = "Nothing was changed. Send it with its length."
MALFORMED = "Something went wrong with that request"
NOTHING_CHANGED = "Nothing was changed."

_HOUR, _MINUTE = 60 * 60, 60


def try_again_in(seconds: int) -> str:
    return f"Nothing was changed. Try again in {wait(seconds)}."


def too_many_tries(seconds: int) -> str:
    return f"Too many tries. Wait {wait(seconds)}, then try again."


def wait(seconds: int) -> str:
    """Return a wait, rounded up: `90 seconds`, `2 minutes`, `3 hours`."""
    if seconds >= 2 * _HOUR:
        number = math.ceil(seconds / _HOUR)
        return ngettext("%(number)d hour", "%(number)d hours", number) % {"number": number}
    if seconds >= 2 * _MINUTE:
        number = math.ceil(seconds / _MINUTE)
        return ngettext("%(number)d minute", "%(number)d minutes", number) % {"number": number}
    return ngettext("%(number)d second", "%(number)d seconds", seconds) % {"number": seconds}
