"""The boards in Redis: the scripts in `lua/`, what is said of a member, and what happens while Redis is away.

Each write carries the member's absolute standing and its version, so writes may repeat or overtake each other and
change nothing. Only this module talks to the database of the boards.
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

# Sent with the `seconds` that a command took, answered or not: whoever counts what a request costs listens.
command_sent = Signal()

PAUSE_SECONDS = 1
# What `write` answers where all is as it was among the first places.
WRITTEN = 1
_END_OF_TIME = 2**63 - 1
_MICROSECOND = datetime.timedelta(microseconds=1)
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_SCRIPTS = {path.stem: path.read_text() for path in (Path(__file__).parent / "lua").glob("*.lua")}
# Those that write no member's standing need not carry the script that does.
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
    """Redis does not answer, or has not for long enough that its boards can be trusted again."""


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """All that a board needs to know of a member, as of one version. Sums in kobo."""

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
    # Of which history this is the standing: read in the same query as the rest.
    epoch: str | None

    @classmethod
    def of(cls, memberships: QuerySet[Membership]) -> Iterator[Self]:
        """Read the standings of a queryset of memberships, whose order and slice hold."""
        epoch = Subquery(Installation.objects.filter(pk=1).values("epoch"))
        return (cls(*values) for values in memberships.values_list(*_FIELDS, epoch))

    @property
    def is_current(self) -> bool:
        return self.left_at is None

    def words(self) -> list[str | int]:
        """Return the ten values that the scripts take, as `lua/apply.lua` lists them."""
        placed = self.is_current and self.on_board and self.saved_kobo > 0
        share = share_per_mille(self.saved_kobo, self.target_kobo) if self.target_kobo else ""
        return [
            self.membership_id,
            self.version,
            "1" if self.is_current else "0",
            self.saved_kobo,
            name(self.membership_id, self.reached_at) if placed else "",
            share,
            self.month.isoformat() if self.month else "",
            self.saved_kobo - self.month_start_kobo,
            self.week.isoformat() if self.week else "",
            self.week_start_kobo,
        ]


def share_per_mille(saved_kobo: int, target_kobo: int) -> int:
    """Return the share of a target that is saved, in whole thousandths, rounded down."""
    return saved_kobo * 1000 // target_kobo


def name(membership_id: int, reached_at: datetime.datetime) -> str:
    """Return a member's name in the sets: within a score, the later name is the better place.

    Redis puts equal scores in the order of their names, and a board is read backwards. So the name is the moment and
    then the id, both counted back from the end of time, in 16 hexadecimal digits each.
    """
    return f"{_END_OF_TIME - (reached_at - _EPOCH) // _MICROSECOND:016x}{_END_OF_TIME - membership_id:016x}"


def membership_id(name: str) -> int:
    """Return whose name in the sets this is."""
    return _END_OF_TIME - int(name[16:], 16)


def board_keys(circle_id: int, epoch: str | None = None) -> list[str]:
    """Return the keys of a circle's board, its building and the wish for one; all else is named after the first.

    The board of another epoch, of a history that a restored backup has ended, has other keys. Without `epoch` it is the
    database's, which may cost a query.
    """
    board = f"board:{{{circle_id}}}:{epoch or installation.epoch()}"
    return [board, f"{board}:building", f"{board}:wanted"]


def week_of(day: datetime.date) -> datetime.date:
    """Return the Monday of the week."""
    return day - datetime.timedelta(days=day.weekday())


def periods(day: datetime.date) -> tuple[str, str]:
    """Return the first days of the month and of the week, as the scripts name a board's sets by them."""
    return day.replace(day=1).isoformat(), week_of(day).isoformat()


class Gate:
    """Keeps a Redis that does not answer from slowing down every request, and its old boards from being believed.

    After a failure Redis is suspect: this process serves SQL and writes nothing to it. Once a second it asks whether
    Redis is back; if so it writes again, and then reads again too, when all that was missed before has been delivered
    (`savings.leaderboards.contributions.recover`).
    """

    def __init__(self) -> None:
        self.suspect = False
        self.silent = False
        self._failures = 0
        self._next_probe = 0.0
        self._lock = threading.Lock()

    def fail(self) -> None:
        with self._lock:
            self.suspect = self.silent = True
            self._failures += 1
            self._next_probe = time.monotonic() + PAUSE_SECONDS

    def take_probe(self) -> int | None:
        """Let one caller a second find out whether Redis is back; None for all others."""
        with self._lock:
            if time.monotonic() < self._next_probe:
                return None
            self._next_probe = time.monotonic() + PAUSE_SECONDS
            return self._failures

    def write_again(self) -> None:
        self.silent = False

    def trust(self, probe: int) -> None:
        """Read from Redis again, unless it has failed since that probe was taken."""
        with self._lock:
            if probe == self._failures:
                self.suspect = self.silent = False

    def reset(self) -> None:
        """Forget what has happened, as in a process that has just begun."""
        self.suspect = self.silent = False
        self._next_probe = 0.0


gate = Gate()


class _Client(redis.Redis):
    """Says of each command how long it took."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        begun = time.perf_counter()
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        finally:
            command_sent.send(_Client, seconds=time.perf_counter() - begun)


@functools.cache
def client(url: str) -> redis.Redis:
    """Return the client for the boards: no second try, since SQL has the answer too."""
    return _Client.from_url(url, decode_responses=True, retry=Retry(NoBackoff(), 0))


def run_script(
    script: str, circle_id: int, *arguments: str | int, upkeep: bool = False, epoch: str | None = None
) -> Any:
    """Run one of the scripts on a circle's board. Raises Away. `upkeep` may take seconds, a page may not.

    EVAL and not EVALSHA: the text costs less than the errors of a server that has forgotten it.
    """
    url = settings.LEADERBOARD_UPKEEP_REDIS_URL if upkeep else settings.LEADERBOARD_REDIS_URL
    board = board_keys(circle_id, epoch)
    parts = ("whole", script) if script in _READING else ("whole", "apply", script)
    text = "".join(_SCRIPTS[part] for part in parts)
    try:
        return client(url).eval(text, 3, *board, *arguments)
    except RedisError as error:
        gate.fail()
        raise BoardsUnavailable(str(error)) from error


def ping() -> None:
    """Find out whether Redis answers. Raises Away."""
    try:
        client(settings.LEADERBOARD_REDIS_URL).ping()
    except RedisError as error:
        gate.fail()
        raise BoardsUnavailable(str(error)) from error


def write(standing: Standing, reference: str = "") -> int:
    """Tell the board how a member stands, and return what came of it. Raises Away.

    1 for written, 2 for written where that may have changed who has a place that is told of, 0 for known already, -1
    where there is no board. `reference` is the posting it comes from, empty where no sum has changed.
    """
    moment = timezone.now().isoformat()
    words = standing.words()
    said = run_script(
        "write", standing.circle_id, moment, reference, max(ranks.NOTABLE_RANKS), *words, epoch=standing.epoch
    )
    return int(said)


def delete_all_boards() -> int:
    """Remove every board from Redis, also those of other epochs, and return how many keys those were. Raises Away."""
    return _forget(bool)


def delete_former_boards() -> int:
    """Remove the boards that nobody reads any more, and return how many keys those were. Raises Away.

    Those of other epochs, and those of earlier releases, which had none in their keys: they never end by themselves.
    """
    epoch = installation.epoch()
    return _forget(lambda key: not key.partition("}:")[2].startswith(epoch))


def _forget(is_over: Callable[[str], bool]) -> int:
    redis_client = client(settings.LEADERBOARD_UPKEEP_REDIS_URL)
    try:
        found = [key for key in redis_client.scan_iter(match="board:*", count=1000) if is_over(key)]
        for keys_at_once in batched(found, 1000):
            redis_client.unlink(*keys_at_once)
    except RedisError as error:
        gate.fail()
        raise BoardsUnavailable(str(error)) from error
    return len(found)


def delete_board(circle_id: int) -> None:
    """Let a board count as missing, so that the next reader has it rebuilt. Without Redis nothing is done."""
    try:
        client(settings.LEADERBOARD_REDIS_URL).unlink(board_keys(circle_id)[0])
    except RedisError:
        gate.fail()


def version(circle_id: int) -> int | None:
    """Return the version of a circle's board, which moves with every change of it; None without a board or Redis."""
    if gate.suspect:
        return None
    try:
        found = client(settings.LEADERBOARD_REDIS_URL).hget(board_keys(circle_id)[0], "version")
    except ResponseError:
        # Something else is under that key. Redis itself is well.
        return None
    except RedisError:
        gate.fail()
        return None
    # Longer than a bigint is nothing that we have counted.
    return int(found) if found and len(found) < 20 and str(found).isdecimal() else None
