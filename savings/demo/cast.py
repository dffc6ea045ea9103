"""The cast of the demo: savers, their plans and habits. Amounts are in naira; days count from today."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Literal

from savings import dates
from savings.demo.circle_cast import CIRCLES
from savings.models import Product
from savings.models.plans import Plan

PASSWORD = "asusu-demo"  # noqa: S105 - public, and only for the demo
MONTHS = 18

# A month relative to this one, and a day of that month: (-3, 25) is the 25th, three months ago.
Day = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Habit:
    """A payment of a random amount, between two, on a day of each month or a weekday (0 is Monday) of each week."""

    every: Literal["month", "week"]
    on: int
    least: int
    most: int
    from_stash: bool = False


@dataclasses.dataclass(frozen=True)
class PlanScript:
    """The script of one plan. `{year}` in the name is the year in which the plan matures."""

    kind: str
    name: str
    starts: Day
    ends: Day | None = None
    target: int | None = None
    first: int = 0
    habits: tuple[Habit, ...] = ()
    exits: tuple[tuple[Day, int], ...] = ()
    at_maturity: str = Plan.AtMaturity.STASH
    closes: Day | None = None
    # The product's name where it is not that of its kind.
    product: str = ""
    # An amount that is on notice today, and the day on which the saver switched interest off.
    on_notice: int = 0
    interest_off: Day | None = None


@dataclasses.dataclass(frozen=True)
class Saver:
    """The script of one saver."""

    email: str
    name: str
    joined: Day
    devices: tuple[tuple[Day, str], ...]
    plans: tuple[PlanScript, ...]
    stash: tuple[Habit, ...] = ()
    wants_receipts: bool = True


ADA = Saver(
    email="ada@example.com",
    name="Ada Okafor",
    joined=(-18, 2),
    devices=(((-18, 2), "Chrome on Android"), ((-1, 11), "Firefox on Windows")),
    stash=(Habit("month", 26, 20_000, 35_000),),
    plans=(
        PlanScript(
            Product.Kind.EMERGENCY,
            "Rainy day",
            starts=(-18, 3),
            target=300_000,
            habits=(Habit("week", 0, 2_000, 5_000),),
            exits=(((-9, 14), 40_000), ((-4, 9), 25_000)),
        ),
        PlanScript(
            Product.Kind.TARGET,
            "New laptop",
            starts=(-17, 10),
            ends=(-8, 10),
            target=450_000,
            habits=(Habit("month", 27, 45_000, 55_000),),
            closes=(-8, 12),
        ),
        PlanScript(
            Product.Kind.TARGET,
            "Rent {year}",
            starts=(-11, 4),
            ends=(7, 30),
            target=2_000_000,
            first=150_000,
            habits=(Habit("month", 26, 70_000, 95_000), Habit("week", 4, 3_000, 6_000, from_stash=True)),
        ),
        PlanScript(
            Product.Kind.EMERGENCY,
            "Hospital fund",
            starts=(-1, 5),
            first=80_000,
            habits=(Habit("week", 2, 2_000, 4_000),),
            on_notice=25_000,
        ),
        PlanScript(
            Product.Kind.LOCKED,
            "Toyota Corolla",
            starts=(-10, 20),
            ends=(2, 20),
            first=600_000,
            habits=(Habit("month", 27, 110_000, 125_000),),
        ),
    ),
)
BOLA = Saver(
    email="bola@example.com",
    name="Bola Adeyemi",
    joined=(-16, 8),
    devices=(((-16, 8), "Safari on iPhone"),),
    stash=(Habit("month", 30, 15_000, 30_000),),
    plans=(
        PlanScript(
            Product.Kind.EMERGENCY,
            "Just in case",
            starts=(-16, 8),
            habits=(Habit("month", 30, 8_000, 12_000),),
            exits=(((-7, 21), 30_000),),
        ),
        PlanScript(
            Product.Kind.TARGET,
            "Ileya ram",
            starts=(-15, 1),
            ends=(-5, 20),
            target=200_000,
            habits=(Habit("month", 30, 18_000, 22_000),),
            closes=(-5, 23),
        ),
        PlanScript(
            Product.Kind.TARGET,
            "School fees",
            starts=(-14, 12),
            ends=(1, 5),
            target=750_000,
            habits=(Habit("month", 29, 45_000, 55_000),),
            exits=(((-3, 17), 30_000),),
        ),
        PlanScript(
            Product.Kind.FLEXIBLE,
            "Mum's 60th",
            starts=(-6, 6),
            target=400_000,
            habits=(Habit("week", 5, 5_000, 12_000),),
            exits=(((-1, 3), 20_000),),
        ),
        PlanScript(
            Product.Kind.LOCKED,
            "Yam season",
            product="Harvest",
            starts=(-4, 8),
            ends=(4, 8),
            first=300_000,
            habits=(Habit("month", 12, 20_000, 30_000),),
        ),
    ),
)
CHIDI = Saver(
    email="chidi@example.com",
    name="Chidi Eze",
    joined=(-13, 5),
    devices=(((-13, 5), "Chrome on Windows"), ((-6, 19), "Opera Mini on Android")),
    wants_receipts=False,
    stash=(Habit("week", 2, 5_000, 25_000),),
    plans=(
        PlanScript(
            Product.Kind.LOCKED,
            "Shop rent",
            starts=(-13, 6),
            ends=(-7, 6),
            first=250_000,
            habits=(Habit("month", 12, 20_000, 60_000),),
            at_maturity=Plan.AtMaturity.ROLLOVER,
        ),
        PlanScript(
            Product.Kind.FLEXIBLE,
            "Generator",
            starts=(-12, 2),
            habits=(Habit("week", 5, 5_000, 15_000, from_stash=True),),
            closes=(-2, 16),
        ),
        PlanScript(
            Product.Kind.TARGET,
            "Wedding",
            starts=(-5, 14),
            ends=(10, 14),
            target=3_000_000,
            first=200_000,
            habits=(Habit("month", 15, 150_000, 250_000),),
        ),
        PlanScript(
            Product.Kind.EMERGENCY,
            "Family",
            starts=(-3, 1),
            habits=(Habit("week", 6, 2_000, 4_000),),
            interest_off=(-1, 20),
        ),
    ),
)
SAVERS = (ADA, BOLA, CHIDI)
# The name and the role of each member of staff; the superuser has none.
STAFF = {
    "staff@example.com": ("Ngozi Balogun", "Support"),
    "finance@example.com": ("Ifeoma Duru", "Finance"),
    "approver@example.com": ("Yusuf Danladi", "Approver"),
    "auditor@example.com": ("Grace Effiong", "Auditor"),
    "operations@example.com": ("Kunle Adeyemi", "Operations"),
    "admin@example.com": ("Tunde Bakare", ""),
}
EMAILS = sorted(
    {m.email for circle in CIRCLES for m in circle.members} | {s.email for s in SAVERS} | {*STAFF}
)


def date(today: datetime.date, day: Day) -> datetime.date:
    """Return a Day as a date; for a day that its month does not have, the last day of that month."""
    months, day_of_month = day
    return dates.day_in_month(today.year * 12 + today.month - 1 + months, day_of_month)


def days(habit: Habit, start: datetime.date, end: datetime.date) -> list[datetime.date]:
    """Return the days of a habit after `start` and before `end`."""
    between = [start + datetime.timedelta(days=passed) for passed in range(1, (end - start).days)]
    if habit.every == "week":
        return [day for day in between if day.weekday() == habit.on]
    return [day for day in between if day == date(day, (0, habit.on))]
