"""The lesson of N+1 queries: four relations, each read in several ways at three sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from web.lab import circle_members, names, plan_accounts, plan_transactions, related_rows
from web.lab.measure import Comparison, Headline, Way, compare, milliseconds_text


class Relation(NamedTuple):
    """One kind of relation: its name, what the loop prints, the ways to load it, and the pair of the headline."""

    name: str
    prints: str
    ways: Sequence[Way[int]]
    pair: tuple[str, str]


RELATIONS = {
    "plan": Relation("Foreign key", "transactions, each with its plan’s name", names.WAYS, names.PAIR),
    "account": Relation(
        "One-to-one", "plans, each with its account’s balance", plan_accounts.WAYS, plan_accounts.PAIR
    ),
    "members": Relation(
        "Many-to-many",
        "circles, each with its members’ names",
        circle_members.WAYS,
        circle_members.PAIR,
    ),
    "transactions": Relation(
        "Reverse relation",
        "plans, each with its transactions’ references",
        plan_transactions.WAYS,
        plan_transactions.PAIR,
    ),
}
_MEASURED = (("plan", 250), ("plan", 2_500), ("account", 250), ("members", 250), ("transactions", 250))
# The runs of each way for the headlines.
_ROUNDS = 3


def measured(relation: Relation, rows: int, *, rounds: int) -> Comparison:
    """Return the cost of each way to load a relation of so many rows, with memory. The rows must be loaded."""
    return compare(relation.ways, rows, rounds=rounds, pair=relation.pair, with_memory=True)


def headlines() -> Iterator[Headline]:
    """Yield the figures of the four relations at 250 rows, and of the foreign key at 2,500."""
    had_rows = related_rows.is_loaded()
    related_rows.load()
    try:
        for key, rows in _MEASURED:
            relation = RELATIONS[key]
            found = measured(relation, rows, rounds=_ROUNDS)
            before, after = found.before, found.after
            what = f"{relation.name}, {rows:,} rows: {before.name} : {after.name}"
            yield Headline(f"{what}, time", found.ratio_text)
            yield Headline(f"{what}, queries", f"{before.queries:,} : {after.queries:,}")
            times = (milliseconds_text(before.milliseconds), milliseconds_text(after.milliseconds))
            yield Headline(f"{what}, milliseconds", " : ".join(times))
            yield Headline(f"{what}, memory", f"{before.memory_text} : {after.memory_text}")
    finally:
        if not had_rows:
            related_rows.clean()
