"""The leaderboards in Redis: run the scripts in `lua/`, write members' standings, and keep pages from stale boards.

Each write carries the member's complete standing and its version, so repeated writes and writes out of order are
harmless. Only this module connects to the Redis database of the leaderboards.
"""

from __future__ import annotations

import datetime
import functools
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import batched
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.utils import timezone
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from savings import installation
from savings.leaderboards import ranks, redis_client
from savings.leaderboards.redis_client import PAUSE_SECONDS
from savings.leaderboards.standings import Standing

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
    """Closes the leaderboards in Redis to pages while they may lack a standing.

    After a failed or skipped command this process suspects the leaderboards: its pages read SQL. Commits are written to
    Redis as soon as it answers, and pages read from it once all missed standings are written as well
    (`contributions.catch_up_after_outage`).
    """

    def __init__(self) -> None:
        self.suspect = False
        self._failures = 0
        self._next_probe = 0.0
        self._lock = threading.Lock()

    def fail(self) -> None:
        """Record a failure: stop reading, and allow the next probe after PAUSE_SECONDS."""
        with self._lock:
            self.suspect = True
            self._failures += 1
            self._next_probe = time.monotonic() + PAUSE_SECONDS

    def take_probe(self) -> int | None:
        """Return a probe for one caller a second, who may catch up on what was missed; None for all others."""
        with self._lock:
            if time.monotonic() < self._next_probe:
                return None
            self._next_probe = time.monotonic() + PAUSE_SECONDS
            return self._failures

    def trust(self, probe: int) -> None:
        """Read from Redis again, unless a command has failed since this probe was taken."""
        with self._lock:
            if probe == self._failures:
                self.suspect = False


gate = Gate()


def are_trusted() -> bool:
    """Return whether the leaderboards in Redis have every standing that this process has committed."""
    return not gate.suspect


class BoardClient(redis_client.Client):
    """The leaderboards' client. Its class is the sender of `command_sent`, so caches' commands are counted apart."""


@functools.cache
def client(url: str) -> redis.Redis:
    """Return the Redis client of a URL. It does not retry, because SQL can answer as well."""
    return BoardClient.from_url(url, decode_responses=True, retry=Retry(NoBackoff(), 0))


def run_script(
    script: str, circle_id: int, *arguments: str | int, upkeep: bool = False, epoch: str | None = None
) -> Any:
    """Run a script on a circle's leaderboard and return its result. Raises BoardsUnavailable.

    `upkeep` selects the connection with a timeout of seconds, which a page cannot wait for. EVAL and not EVALSHA:
    sending the text costs less than the errors of a server that has lost the script.
    """
    url = settings.LEADERBOARD_UPKEEP_REDIS_URL if upkeep else settings.LEADERBOARD_REDIS_URL
    keys = board_keys(circle_id, epoch)
    with _failing_the_gate():
        return client(url).eval(_text(script), 3, *keys, *arguments)


def run_script_on_each(script: str, arguments: Mapping[int, Sequence[str | int]]) -> list[Any]:
    """Run a script on several leaderboards in one round trip, and return the results in their order.

    `arguments` are those of each circle, by its id. Raises BoardsUnavailable.
    """
    text, epoch, begun = _text(script), installation.epoch(), time.perf_counter()
    pipeline = client(settings.LEADERBOARD_REDIS_URL).pipeline(transaction=False)
    for circle_id, values in arguments.items():
        pipeline.eval(text, 3, *board_keys(circle_id, epoch), *values)
    try:
        with _failing_the_gate():
            return pipeline.execute()
    finally:
        # A pipeline sends no signal itself.
        redis_client.command_sent.send(BoardClient, seconds=time.perf_counter() - begun)


def _text(script: str) -> str:
    parts = ("whole", script) if script in _READING else ("whole", "apply", script)
    return "".join(_SCRIPTS[part] for part in parts)


@contextmanager
def _failing_the_gate() -> Iterator[None]:
    """Record an error of Redis, and raise BoardsUnavailable in its place."""
    try:
        yield
    except RedisError as error:
        gate.fail()
        raise BoardsUnavailable(str(error)) from error


def ping() -> None:
    """Check that Redis answers. Raises BoardsUnavailable."""
    with _failing_the_gate():
        client(settings.LEADERBOARD_REDIS_URL).ping()


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


def delete_whole_board(circle_id: int) -> int:
    """Delete a leaderboard with all its parts, and return the number of deleted keys. Raises BoardsUnavailable."""
    return _delete_keys(lambda key: key.startswith(f"board:{{{circle_id}}}:"))


def _delete_keys(is_obsolete: Callable[[str], bool]) -> int:
    upkeep = client(settings.LEADERBOARD_UPKEEP_REDIS_URL)
    with _failing_the_gate():
        keys = [key for key in upkeep.scan_iter(match="board:*", count=1000) if is_obsolete(key)]
        for batch in batched(keys, 1000):
            upkeep.unlink(*batch)
    return len(keys)


def delete_board(circle_id: int) -> None:
    """Delete a leaderboard's metadata, so that its next reader has it rebuilt. Does nothing while Redis is away."""
    with suppress(BoardsUnavailable), _failing_the_gate():
        client(settings.LEADERBOARD_REDIS_URL).unlink(board_keys(circle_id)[0])


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
