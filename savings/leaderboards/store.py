"""The leaderboards in Redis: run the scripts in `lua/`, write members' standings, and handle a Redis that is away.

Each write carries the member's complete standing and its version, so repeated writes and writes out of order are
harmless. Only this module connects to the Redis database of the leaderboards.
"""

from __future__ import annotations

import datetime
import functools
import threading
import time
from collections.abc import Callable
from itertools import batched
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.dispatch import Signal
from django.utils import timezone
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from savings import installation
from savings.leaderboards import ranks
from savings.leaderboards.standings import Standing

# Sent after each command, successful or not, with the `seconds` it took. `web` measures requests with it.
command_sent = Signal()

PAUSE_SECONDS = 1
# The result of `write` for a standing that changed nothing among the first ranks.
WRITTEN = 1
_SCRIPTS = {path.stem: path.read_text() for path in (Path(__file__).parent / "lua").glob("*.lua")}
# These scripts write no standing, so they are sent without `apply.lua`.
_READING = {"read", "marks", "begin", "state"}


class BoardsUnavailable(Exception):
    """Redis does not answer, or has been back for too short a time to be trusted."""


def board_keys(circle_id: int, epoch: str | None = None) -> list[str]:
    """Return three keys of a circle's leaderboard: its metadata, the lease of a rebuild, and the request for a rebuild.

    All other keys begin with the first. Each epoch has its own keys, so a restored backup never reads the leaderboards
    of the history it has replaced. Without `epoch`, the database's current one is used, which may cost a query.
    """
    board = f"board:{{{circle_id}}}:{epoch or installation.epoch()}"
    return [board, f"{board}:building", f"{board}:wanted"]


def week_of(day: datetime.date) -> datetime.date:
    """Return the Monday of the week."""
    return day - datetime.timedelta(days=day.weekday())


def periods(day: datetime.date) -> tuple[str, str]:
    """Return the first days of the month and of the week, which are part of the names of the sorted sets."""
    return day.replace(day=1).isoformat(), week_of(day).isoformat()


class Gate:
    """A circuit breaker: a Redis that is away does not slow down requests, and its stale leaderboards are not read.

    After a failure Redis is suspect: this process reads SQL and writes nothing to Redis. Once a second, one caller
    checks whether Redis is back. If so, the process writes to it again, and reads from it again once all missed
    standings are delivered (`contributions.catch_up_after_outage`).
    """

    def __init__(self) -> None:
        self.suspect = False
        self.silent = False
        self._failures = 0
        self._next_probe = 0.0
        self._lock = threading.Lock()

    def fail(self) -> None:
        """Record a failure: stop reading and writing, and allow the next probe after PAUSE_SECONDS."""
        with self._lock:
            self.suspect = self.silent = True
            self._failures += 1
            self._next_probe = time.monotonic() + PAUSE_SECONDS

    def take_probe(self) -> int | None:
        """Return a probe for one caller a second, who may check whether Redis is back; None for all others."""
        with self._lock:
            if time.monotonic() < self._next_probe:
                return None
            self._next_probe = time.monotonic() + PAUSE_SECONDS
            return self._failures

    def write_again(self) -> None:
        """Write to Redis again, while pages still read SQL."""
        self.silent = False

    def trust(self, probe: int) -> None:
        """Read from Redis again, unless it has failed since this probe was taken."""
        with self._lock:
            if probe == self._failures:
                self.suspect = self.silent = False

    def reset(self) -> None:
        """Return to the state of a new process."""
        self.suspect = self.silent = False
        self._next_probe = 0.0


gate = Gate()


class _Client(redis.Redis):
    """Sends the duration of each command."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        begun = time.perf_counter()
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        finally:
            command_sent.send(_Client, seconds=time.perf_counter() - begun)


@functools.cache
def client(url: str) -> redis.Redis:
    """Return the Redis client of a URL. It does not retry, because SQL can answer as well."""
    return _Client.from_url(url, decode_responses=True, retry=Retry(NoBackoff(), 0))


def run_script(
    script: str, circle_id: int, *arguments: str | int, upkeep: bool = False, epoch: str | None = None
) -> Any:
    """Run a script on a circle's leaderboard and return its result. Raises BoardsUnavailable.

    `upkeep` selects the connection with a timeout of seconds, which a page cannot wait for. EVAL and not EVALSHA:
    sending the text costs less than the errors of a server that has lost the script.
    """
    url = settings.LEADERBOARD_UPKEEP_REDIS_URL if upkeep else settings.LEADERBOARD_REDIS_URL
    keys = board_keys(circle_id, epoch)
    parts = ("whole", script) if script in _READING else ("whole", "apply", script)
    text = "".join(_SCRIPTS[part] for part in parts)
    try:
        return client(url).eval(text, 3, *keys, *arguments)
    except RedisError as error:
        gate.fail()
        raise BoardsUnavailable(str(error)) from error


def ping() -> None:
    """Check that Redis answers. Raises BoardsUnavailable."""
    try:
        client(settings.LEADERBOARD_REDIS_URL).ping()
    except RedisError as error:
        gate.fail()
        raise BoardsUnavailable(str(error)) from error


def write(standing: Standing, reference: str = "") -> int:
    """Write a member's standing to the leaderboard, and return the result. Raises BoardsUnavailable.

    1: written. 2: written, and notable ranks may have changed. 0: this version or a newer one was there already. -1:
    there is no leaderboard. `reference` is the reference of the posting, empty if no amount has changed.
    """
    result = run_script(
        "write",
        standing.circle_id,
        timezone.now().isoformat(),
        reference,
        max(ranks.NOTABLE_RANKS),
        *standing.script_values(),
        epoch=standing.epoch,
    )
    return int(result)


def delete_all_boards() -> int:
    """Delete all leaderboards of all epochs, and return the number of deleted keys. Raises BoardsUnavailable."""
    return _delete_keys(bool)


def delete_former_boards() -> int:
    """Delete the leaderboards of other epochs and earlier releases, and return the number of deleted keys.

    Nothing reads them, and they never expire. Keys of earlier releases have no epoch. Raises BoardsUnavailable.
    """
    epoch = installation.epoch()
    return _delete_keys(lambda key: not key.partition("}:")[2].startswith(epoch))


def _delete_keys(is_obsolete: Callable[[str], bool]) -> int:
    redis_client = client(settings.LEADERBOARD_UPKEEP_REDIS_URL)
    try:
        keys = [key for key in redis_client.scan_iter(match="board:*", count=1000) if is_obsolete(key)]
        for batch in batched(keys, 1000):
            redis_client.unlink(*batch)
    except RedisError as error:
        gate.fail()
        raise BoardsUnavailable(str(error)) from error
    return len(keys)


def delete_board(circle_id: int) -> None:
    """Delete a leaderboard's metadata, so that its next reader has it rebuilt. Does nothing while Redis is away."""
    try:
        client(settings.LEADERBOARD_REDIS_URL).unlink(board_keys(circle_id)[0])
    except RedisError:
        gate.fail()


def version(circle_id: int) -> int | None:
    """Return the version of a circle's leaderboard, which increases with every change; None without one or Redis."""
    if gate.suspect:
        return None
    try:
        stored = client(settings.LEADERBOARD_REDIS_URL).hget(board_keys(circle_id)[0], "version")
    except ResponseError:
        # The key holds another type of value. Redis itself works.
        return None
    except RedisError:
        gate.fail()
        return None
    # Our versions fit into a bigint; anything longer is not ours.
    return int(stored) if stored and len(stored) < 20 and str(stored).isdecimal() else None
