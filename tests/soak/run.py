"""Runs a year, checks it at random days and at its end, and finds the first wrong day by running it again."""

from __future__ import annotations

import dataclasses
import datetime
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import httpx
import time_machine
from django.conf import settings
from django.test.utils import override_settings

from savings import payments
from savings.leaderboards import store as boards
from tests.soak import ends, history, pages
from tests.soak.faults import seams
from tests.soak.redis_databases import empty_redis
from tests.soak.speed import without_what_takes_time
from tests.soak.world import START, World, Wrong, noting_errors
from web.simulator import events

# The least and the most days between two checks.
_CHECK_EVERY = (9, 21)


@dataclasses.dataclass(frozen=True)
class Year:
    """The size of a year, and the seed that makes it."""

    seed: int
    days: int
    people: int

    @property
    def command(self) -> str:
        return f"make soak SEED={self.seed} DAYS={self.days} PEOPLE={self.people}"

    def check_days(self) -> list[int]:
        """Return the numbers of the days after which everything is checked: random ones, and the last."""
        chance, days, day = random.Random(f"{self.seed} checks"), [], 0
        while (day := day + chance.randint(*_CHECK_EVERY)) < self.days - 6:
            days.append(day)
        return [*days, self.days]


@dataclasses.dataclass
class Result:
    """How a year ended: what was wrong first, after which day, and the hash of its entries."""

    world: World
    digest: str
    day: int
    wrong: list[str]

    @property
    def summary(self) -> str:
        """What happened, so that nothing is right only because nothing went wrong."""
        world = self.world
        return "\n".join(
            [
                f"steps {world.steps.number}, kills {dict(world.steps.kills)}",
                f"provider {dict(world.provider.faults)}",
                f"done {dict(sorted(world.done.items()))}",
                *(f"{times} x {why}" for why, times in world.refused.most_common(40)),
            ]
        )


def live(
    year: Year, *, checks: list[int] | None = None, report: Callable[[str], object] = lambda _: None
) -> Result:
    """Live a year in the present database, which has to be empty, until the first check that finds something wrong."""
    checks = year.check_days() if checks is None else checks
    with surroundings(year) as world:
        world.check_days = [START + datetime.timedelta(days=number - 1) for number in checks]
        world.begin()
        for number in range(1, checks[-1] + 1):
            try:
                world.live_day()
            except Exception as error:
                raise Wrong(f"{year.command}: on day {number}, {world.today}: {error!r}") from error
            if number in checks:
                found = check(world, with_pages=number == year.days)
                report(f"day {number}, {world.today}: {len(found)} wrong")
                if found:
                    return Result(world, history.digest(), number, found)
        return Result(world, history.digest(), checks[-1], [])


def check(world: World, *, with_pages: bool = False) -> list[str]:
    """Let everything that waits happen without faults, and return what is wrong then."""
    with world.without_faults():
        ends.settle(world)
        found = list(ends.wrong(world))
        return [*found, *pages.wrong(world.chance("pages"))] if with_pages else found


def first_wrong_day(year: Year, failed: int, empty: Callable[[], object]) -> Result:
    """Return the result of the first day after which the check fails, up to one that is known to fail.

    The same year is lived again up to a day in the middle, with the checks before it, which are part of the year:
    they end what waits.
    """
    before = [day for day in year.check_days() if day < failed]
    low, high, result = (before[-1] if before else 0), failed, None
    while high - low > 1:
        middle = (low + high) // 2
        empty()
        tried = live(year, checks=[*before, middle])
        if tried.wrong:
            high, result = middle, tried
        else:
            low = middle
    if result is None:
        empty()
        result = live(year, checks=[*before, high])
    return result


@contextmanager
def surroundings(year: Year) -> Iterator[World]:
    """Replace the clock, the provider, the mail server and the slow parts of the settings."""
    shm = Path("/dev/shm")
    start = datetime.datetime.combine(START, datetime.time(), datetime.UTC)
    empty_redis()
    boards.gate = boards.Gate()
    with (
        tempfile.TemporaryDirectory(dir=shm if shm.is_dir() else None) as folder,
        override_settings(
            SIMULATOR_FILE=Path(folder) / "simulator.sqlite3",
            MAILERS={"default": {"BACKEND": "tests.soak.mails.Backend", "OPTIONS": {}}},
            SHOWS_MAILBOX=False,
            PAYOUTS=dataclasses.replace(settings.PAYOUTS, approval_from_kobo=60_000_00),
        ),
        time_machine.travel(start, tick=False) as clock,
    ):
        world = World(clock, year.seed, days=year.days, people=year.people)
        with (
            without_what_takes_time(),
            seams(world.steps),
            payments.using_transport(world.provider),
            mock.patch.object(events, "transport", httpx.MockTransport(world.provider.receive)),
            noting_errors(world),
        ):
            yield world
