"""The savers of the simulated year: each lives day by day and does random things through the real services."""

from __future__ import annotations

import dataclasses
import datetime
import random
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from allauth.account.models import EmailAddress
from django.utils import timezone

from savings import ledger, users
from savings.models import Plan, SavedCard, User

if TYPE_CHECKING:
    from tests.soak.world import World

Act = Callable[[], object]

# How many things a saver does on a day, and how often.
_BUSY = {0: 25, 1: 37, 2: 21, 3: 11, 4: 6}


def pick[T](chance: random.Random, weights: dict[T, int]) -> T:
    """Return one of the keys, as often as its weight says."""
    return chance.choices(list(weights), list(weights.values()))[0]


@dataclasses.dataclass
class Person:
    """A saver. What they have is read from the database each time, since a process may have died meanwhile."""

    world: World
    index: int
    chance: random.Random
    user_id: int = 0

    @property
    def user(self) -> User:
        return User.objects.get(pk=self.user_id)

    @property
    def email(self) -> str:
        return f"saver{self.index}@example.com"

    def join(self) -> None:
        """Sign up and confirm the email address; a second call changes nothing."""
        user, _ = User.objects.get_or_create(
            email=self.email,
            defaults={
                "name": f"Saver Number{self.index}",
                "password": "!",
                "wants_receipts": self.index % 7 != 0,
                "wants_autosave_notices": self.index % 5 != 0,
            },
        )
        EmailAddress.objects.get_or_create(user=user, email=user.email, verified=True, primary=True)
        users.welcome(user)
        self.user_id = user.pk

    def live(self, day_begins: datetime.datetime) -> None:
        """Add what this person does today between 07:00 and 22:30 to the world's acts."""
        if not self.user_id:
            return
        for _ in range(pick(self.chance, _BUSY)):
            # In steps of a quarter, so that several people act before the jobs run again.
            quarters = self.chance.randrange(7 * 4, 22 * 4 + 2)
            at = day_begins + datetime.timedelta(minutes=15 * quarters, seconds=self.chance.randrange(60))
            action = pick(self.chance, self.world.actions)
            self.world.add(at, partial(self.do, action))

    def do(self, action: Callable[[Person], Act | None]) -> None:
        """Begin an action: what it needs is read and chosen first, and the act itself may be repeated."""
        act = action(self)
        if act is not None:
            self.world.attempt(f"{action.__module__.rpartition('.')[2]}.{action.__name__}", act)

    # What people have, in an order that does not depend on the database

    def open_plans(self) -> list[Plan]:
        return list(Plan.objects.open().filter(user=self.user_id).select_related("account").order_by("pk"))

    def plan(self) -> Plan | None:
        found = self.open_plans()
        return self.chance.choice(found) if found else None

    def card(self) -> SavedCard | None:
        found = list(SavedCard.objects.current().filter(user=self.user_id).order_by("pk"))
        return self.chance.choice(found) if found else None

    def stash_kobo(self) -> int:
        return ledger.balance_kobo(ledger.stash_account(self.user))

    def naira(self, least: int = 500, most: int = 60_000) -> int:
        """Return a random amount in kobo, small ones more often."""
        return int(least * (most / least) ** self.chance.random()) * 100 + self.chance.choice([0, 0, 1, 50])

    def later(self, act: Act, name: str, *, least: int = 1, most: int = 9) -> None:
        """Add an act some minutes from now."""
        at = timezone.now() + datetime.timedelta(minutes=self.chance.randint(least, most))
        self.world.add(at, lambda: self.world.attempt(name, act))
