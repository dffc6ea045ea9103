"""The world of a simulated year: its clock, what happens in the order of time, and the processes that may be killed."""

from __future__ import annotations

import datetime
import heapq
import logging
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Protocol

from django.db import connection
from django.db.models import Max
from django.utils import timezone

from savings.exceptions import ProviderRefused, ProviderUnavailable, Refused
from savings.models import Entry, OutboxRow, Product
from tests.soak import ends
from tests.soak.cast import ACTIONS, PRODUCTS
from tests.soak.faults import Killed, Steps, restart
from tests.soak.house import House
from tests.soak.jobs import Timetable
from tests.soak.mails import MailServer
from tests.soak.people import Act, Person
from tests.soak.provider import Provider
from tests.soak.redis_databases import empty_redis
from tests.soak.staff import Staff

START = datetime.date(2027, 10, 4)
# The times of day at which the worker looks what is due; more often would take longer.
_TICKS = ("00:01", "00:11", "03:42", "07:01", "10:39", "15:28", "19:01", "22:40", "23:57")
_SKEWS = (0, 0, 0, 1, 3, -2, 45, 600, -60)


class Clock(Protocol):
    """The frozen clock of `time_machine`."""

    def move_to(self, destination: datetime.datetime) -> None: ...


class Wrong(Exception):
    """Raised for what must not happen in any year."""


class World:
    """One year. Acts are taken in the order of time, each as a process of its own."""

    def __init__(self, clock: Clock, seed: int, *, days: int, people: int) -> None:
        self.clock, self.seed, self.days = clock, seed, days
        self.today = self.start = START
        self.steps = Steps(self.chance("kills"))
        self.provider = Provider(self.steps, self.chance("provider"))
        self.mails = MailServer(self.chance("mails"))
        self.jobs = Timetable(self.chance("jobs"), self.attempt_job)
        self.house = House(self, self.chance("house"))
        self.staff = Staff(self)
        self.faults = self.chance("faults")
        self.people = [Person(self, index, self.chance(f"saver {index}")) for index in range(people)]
        self.actions = ACTIONS
        self.acts: list[tuple[datetime.datetime, int, Act]] = []
        self.numbers = count()
        self.skew = datetime.timedelta()
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.errors: list[str] = []
        self.check_days: list[datetime.date] = []

    def chance(self, name: str) -> random.Random:
        """Return random numbers of their own for a part of the world, so that one part does not shift another."""
        return random.Random(f"{self.seed} {name}")

    # Time

    def add(self, at: datetime.datetime, act: Act) -> None:
        """Add an act at a moment."""
        heapq.heappush(self.acts, (at, next(self.numbers), act))

    def begin(self) -> None:
        """Add products, staff and capital before the first day."""
        random.seed(self.seed)
        self.clock.move_to(_at(START, "00:00"))
        for position, (fields, rates) in enumerate(PRODUCTS):
            product = Product.objects.create(position=position, description="Simulated", **fields)
            for from_days, rate_bps in rates.items():
                product.rates.create(from_days=from_days, rate_bps=rate_bps)
        self.house.begin()
        self.steps.is_on = True

    def live_day(self) -> None:
        """Live one day: people, staff, faults and jobs."""
        begins = _at(self.today, "00:00")
        for tick in _TICKS:
            self.add(_at(self.today, tick), self.tick)
        for person in self.people:
            self._let_join(person, begins)
            person.live(begins)
        self.house.live(self.today, begins)
        self.staff.live(begins)
        self._add_faults(begins)
        self.jobs.begin_day()
        tomorrow = _at(self.today + datetime.timedelta(days=1), "00:00")
        while self.acts and self.acts[0][0] < tomorrow:
            at, _, act = heapq.heappop(self.acts)
            self.move_to(at + self.skew)
            try:
                act()
            except Killed:
                # While it was still choosing what to do: the first look at an account of the house opens it.
                self.die()
        self.today += datetime.timedelta(days=1)

    def move_to(self, moment: datetime.datetime) -> None:
        """Set the clock, which may step back, but not to before what was just posted."""
        newest = Entry.objects.aggregate(at=Max("posted_at"))["at"] if moment < timezone.now() else None
        self.clock.move_to(max(moment, newest) if newest else moment)

    def tick(self) -> None:
        """Let events arrive, and run the jobs that are due."""
        self.attempt_job("events", self.provider.deliver)
        self.jobs.tick()

    # Processes

    def attempt(self, name: str, act: Act, *, must: bool = False) -> None:
        """Do what a person does. After a kill they mostly do it again, with the same reference; with `must`, always."""
        try:
            act()
            self.done[name] += 1
        except Killed:
            self.die()
            if must or self.faults.random() < 0.8:
                again = timezone.now() + datetime.timedelta(minutes=self.faults.randint(1, 4))
                self.add(again, lambda: self.attempt(name, act, must=must))
        except Refused as refused:
            self.refused[f"{name}: {refused}"] += 1
            if must:
                raise Wrong(f"{name} was refused: {refused}") from refused
        except (ProviderUnavailable, ProviderRefused):
            self.refused[f"{name}: the provider"] += 1

    def attempt_job(self, name: str, run: Callable[[], object]) -> None:
        """Run a job in a process that may be killed. Nothing else may stop it."""
        try:
            self.steps.take(f"before {name}")
            run()
            self.done[f"job {name}"] += 1
        except Killed:
            self.die()

    def die(self) -> None:
        """End a process that was killed. A mail that was sent and not noted as sent may come a second time."""
        restart()
        unfinished = OutboxRow.objects.filter(due_at__isnull=False).order_by("pk")
        if self.mails.newest:
            for row in unfinished:
                if ends.message_id(row) == self.mails.newest:
                    self.mails.may_be_twice[self.mails.newest] += 1
                    self.mails.newest = ""
                    break

    # Faults besides kills

    def _let_join(self, person: Person, begins: datetime.datetime) -> None:
        """Let a third of the people join on the first day, and the others during the first sixth of the time."""
        joins = 0 if person.index % 3 == 0 else person.index * self.days // (6 * len(self.people))
        if self.today == START + datetime.timedelta(days=joins):
            at = begins + datetime.timedelta(hours=6, seconds=person.index % 600)
            self.add(at, lambda: self.attempt("join", person.join, must=True))

    def _add_faults(self, begins: datetime.datetime) -> None:
        chance = self.faults
        faults: list[tuple[float, Act]] = [
            (0.3, self._step_clock),
            (0.15, empty_redis),
            (0.5, connection.close),
            (0.1, self._take_provider_away),
        ]
        for likelihood, fault in faults:
            if chance.random() < likelihood:
                self.add(begins + datetime.timedelta(minutes=chance.randrange(24 * 60 - 15)), fault)
        if chance.random() < 0.2 and self.is_far_from_check:
            self.add(begins + datetime.timedelta(hours=13), self.house.pay_somebody_else)

    @contextmanager
    def without_faults(self) -> Iterator[None]:
        """Let no process die and nothing fail within the block."""
        self.steps.is_on = self.provider.fails = self.mails.fails = False
        self.jobs.is_reliable = True
        try:
            yield
        finally:
            self.steps.is_on = self.provider.fails = self.mails.fails = True
            self.jobs.is_reliable = False

    @property
    def is_far_from_check(self) -> bool:
        """Whether no check comes before the next settlement. See `run.check_days`."""
        return all(not 0 <= (day - self.today).days <= 6 for day in self.check_days)

    def _step_clock(self) -> None:
        self.skew = datetime.timedelta(seconds=self.faults.choice(_SKEWS))

    def _take_provider_away(self) -> None:
        hours = self.faults.choice([0.5, 1, 1, 3, 3, 8, 30])
        self.provider.away_until = timezone.now().timestamp() + hours * 3600


def _at(day: datetime.date, clock: str) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time.fromisoformat(clock)))


@contextmanager
def noting_errors(world: World) -> Iterator[None]:
    """Note each unexpected exception that the code logs and survives."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            error = record.exc_info[1] if record.exc_info else None
            if error is not None and not isinstance(
                error, (ProviderUnavailable, ProviderRefused, Refused, OSError)
            ):
                world.errors.append(f"{world.today}: {record.getMessage()} ({error!r})")

    handler, loggers = (
        Handler(),
        [logging.getLogger(name) for name in ("", "savings", "web", "huey", "django")],
    )
    before = [(one, one.propagate, one.handlers, one.level) for one in loggers]
    for one in loggers:
        one.handlers, one.propagate = [handler], False
    try:
        yield
    finally:
        for one, propagate, handlers, level in before:
            one.propagate, one.handlers = propagate, handlers
            one.setLevel(level)
