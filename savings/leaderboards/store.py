"""The leaderboards in Redis: run the scripts in `lua/`, write members' standings, and handle a Redis that is away.

Each write carries the member's complete standing and its version, so repeated writes and writes out of order are
harmless. Only this module connects to the Redis database of the leaderboards.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import threading
import time
from collections.abc import Callable, Iterator
from itertools import batched
from pathlib import Path
from typing import Any, Self

import redis
from django.conf import settings
from django.db.models import QuerySet, Subquery
from django.dispatch import Signal
from django.utils import timezone
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from savings import installation
from savings.leaderboards import ranks
from savings.models import Installation, Membership

# Sent after each command, successful or not, with the `seconds` it took. `web` measures requests with it.
command_sent = Signal()

PAUSE_SECONDS = 1
# The result of `write` for a standing that changed nothing among the first ranks.
WRITTEN = 1
_END_OF_TIME = 2**63 - 1
_MICROSECOND = datetime.timedelta(microseconds=1)
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_SCRIPTS = {path.stem: path.read_text() for path in (Path(__file__).parent / "lua").glob("*.lua")}
# These scripts write no standing, so they are sent without `apply.lua`.
_READING = {"read", "marks", "begin", "state"}
_FIELDS = (
    "id",
    "circle_id",
    "version",
    "saved_kobo",
    "reached_at",
    "on_board",
    "left_at",
    "plan__target_kobo",
    "week",
    "week_start_kobo",
    "month",
    "month_start_kobo",
)


class BoardsUnavailable(Exception):
    """Redis does not answer, or has been back for too short a time to be trusted."""


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """Everything that a leaderboard stores about a member, as of one version."""

    membership_id: int
    circle_id: int
    version: int
    saved_kobo: int
    reached_at: datetime.datetime
    on_board: bool
    left_at: datetime.datetime | None
    target_kobo: int | None
    week: datetime.date | None
    week_start_kobo: int
    month: datetime.date | None
    month_start_kobo: int
    # The epoch of the database when the other values were read, in the same query.
    epoch: str | None

    @classmethod
    def read(cls, memberships: QuerySet[Membership]) -> Iterator[Self]:
        """Return the standings of a queryset of memberships, in its order."""
        epoch = Subquery(Installation.objects.filter(pk=1).values("epoch"))
        return (cls(*values) for values in memberships.values_list(*_FIELDS, epoch))

    @property
    def is_current(self) -> bool:
        """Whether the member is in the circle."""
        return self.left_at is None

    def script_values(self) -> list[str | int]:
        """Return the ten values of a member that the scripts take, as listed in `lua/apply.lua`."""
        is_ranked = self.is_current and self.on_board and self.saved_kobo > 0
        share = share_per_mille(self.saved_kobo, self.target_kobo) if self.target_kobo else ""
        return [
            self.membership_id,
            self.version,
            "1" if self.is_current else "0",
            self.saved_kobo,
            name(self.membership_id, self.reached_at) if is_ranked else "",
            share,
            self.month.isoformat() if self.month else "",
            self.saved_kobo - self.month_start_kobo,
            self.week.isoformat() if self.week else "",
            self.week_start_kobo,
        ]


def share_per_mille(saved_kobo: int, target_kobo: int) -> int:
    """Return the saved share of a target in whole thousandths, rounded down."""
    return saved_kobo * 1000 // target_kobo


def name(membership_id: int, reached_at: datetime.datetime) -> str:
    """Return a member's name in the sorted sets; within a score, the later name has the better position.

    Redis orders equal scores by name, and a leaderboard is read backwards. So the name is the moment and then the id,
    both subtracted from 2^63 - 1, in 16 hexadecimal digits each.
    """
    return f"{_END_OF_TIME - (reached_at - _EPOCH) // _MICROSECOND:016x}{_END_OF_TIME - membership_id:016x}"


def membership_id(name: str) -> int:
    """Return the membership id of a name in the sorted sets."""
    return _END_OF_TIME - int(name[16:], 16)


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
