"""Experiment: transactions that share plans. select_related repeats a plan; prefetch_related reads it once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import FETCH_ONE

from web.lab import related_rows
from web.lab.lab_models import LabPlan, LabSharedTransaction
from web.lab.measure import Comparison, Headline, Rows, Way, compare, size_text

# How many plans the rows share; 0 stands for as many as there are rows.
SHARING = related_rows.SHARING
PAIR = ("select_related", "prefetch_related")
_ROUNDS = 3


class Asked(NamedTuple):
    """So many rows, whose transactions share so many plans (one of `SHARING`)."""

    rows: int
    sharing: int

    @property
    def plans(self) -> int:
        """How many plans the rows have among them."""
        return min(self.sharing or self.rows, self.rows)


class Fetched(NamedTuple):
    """What the database sent for one way: the rows with a plan in them, and the characters of all values."""

    name: str
    queries: int
    plans_read: int
    size: int
    memory_text: str

    @property
    def size_text(self) -> str:
        return size_text(self.size)


def naive(asked: Asked) -> Rows:
    shared = LabSharedTransaction.objects.filter(sharing=asked.sharing)
    transactions = shared.order_by("-id").fetch_mode(FETCH_ONE)[: asked.rows]
    return [(movement.reference, movement.plan.name) for movement in transactions]


def with_select_related(asked: Asked) -> Rows:
    shared = LabSharedTransaction.objects.filter(sharing=asked.sharing)
    transactions = shared.select_related("plan").order_by("-id")[: asked.rows]
    return [(movement.reference, movement.plan.name) for movement in transactions]


def with_prefetch_related(asked: Asked) -> Rows:
    shared = LabSharedTransaction.objects.filter(sharing=asked.sharing)
    transactions = shared.prefetch_related("plan").order_by("-id")[: asked.rows]
    return [(movement.reference, movement.plan.name) for movement in transactions]


WAYS = [
    Way("Naive", "A query for each row, also if the row before had the same plan.", naive),
    Way(
        PAIR[0],
        "The JOIN sends the plan with each of its rows, and each row has its own object.",
        with_select_related,
    ),
    Way(
        PAIR[1],
        "The second query asks for each plan once, and its rows share one object.",
        with_prefetch_related,
    ),
]


def measured(asked: Asked, *, rounds: int) -> tuple[Comparison, list[Fetched]]:
    """Return the cost of each way, and what the database sent for it. The rows must be loaded."""
    found = compare(WAYS, asked, rounds=rounds, pair=PAIR, with_memory=True)
    fetched = [
        Fetched(outcome.name, outcome.queries, *_fetched(way.run, asked), outcome.memory_text)
        for way, outcome in zip(WAYS, found.outcomes, strict=True)
    ]
    return found, fetched


def _fetched(run: Callable[[Asked], Rows], asked: Asked) -> tuple[int, int]:
    """Run a way, send its queries once more, and count the plans and the characters in their rows."""
    sent: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:  # noqa: FBT001
        sent.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        run(asked)
    plans_read = size = 0
    with connection.cursor() as cursor:
        for sql, params in sent:
            cursor.execute(sql, params)
            rows = cursor.fetchall()
            plans_read += len(rows) if LabPlan._meta.db_table in sql else 0
            size += sum(len(str(value)) for row in rows for value in row)
    return plans_read, size


def headlines() -> Iterator[Headline]:
    """Yield what both methods read at 2,500 rows, by the number of plans that the rows share."""
    had_rows = related_rows.is_loaded()
    related_rows.load()
    try:
        for sharing in SHARING:
            asked = Asked(related_rows.SIZES[-1], sharing)
            found, (_, joined, prefetched) = measured(asked, rounds=_ROUNDS)
            what = f"{asked.rows:,} rows of {asked.plans:,} plan{'s'[: asked.plans != 1]}: {' : '.join(PAIR)}"
            yield Headline(f"{what}, plans read", f"{joined.plans_read:,} : {prefetched.plans_read:,}")
            yield Headline(f"{what}, data", f"{joined.size_text} : {prefetched.size_text}")
            yield Headline(f"{what}, memory", f"{joined.memory_text} : {prefetched.memory_text}")
            yield Headline(f"{what}, time", f"{found.before.time_text} : {found.after.time_text}")
    finally:
        if not had_rows:
            related_rows.clean()
