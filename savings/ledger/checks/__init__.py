"""The proof of the books: each rule of the ledger is one query here that finds the rows which break it.

They are SQL, since they must not believe the code they check. Each reads whole tables once, in the database, and
brings back only the first rows that are wrong: a million entries need no more memory here than ten. Each is one
statement, and so one moment of the books: what is posted meanwhile cannot look like damage.
"""

from __future__ import annotations

import dataclasses
import datetime
import zoneinfo
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils import timezone

from savings import leaderboards, money
from savings.models import Account, Entry, Membership, Plan, Transaction
from savings.models.ledger import CROCKFORD, REFERENCE_PREFIXES

FIRST_ROWS = 5
CHECKS = sorted(Path(__file__).parent.glob("*.sql"))

Kind = Transaction.Kind
_PAID_IN = (Account.Kind.CLEARING, Account.Kind.SUSPENSE)
_SAVED = (Account.Kind.STASH, Account.Kind.PLAN)
# From which kind of account to which the primary posting of each kind of transaction goes. A reversal goes the way of
# its original backwards, which is a check of its own.
_ROUTES: dict[Kind, tuple[Iterable[str], Iterable[str]]] = {
    Kind.TOP_UP: (_PAID_IN, _SAVED),
    Kind.STASH_DEPOSIT: (_PAID_IN, [Account.Kind.STASH]),
    Kind.STASH_WITHDRAWAL: ([Account.Kind.HOLD], [Account.Kind.CLEARING]),
    Kind.PLAN_TO_STASH: ([Account.Kind.PLAN], [Account.Kind.STASH]),
    Kind.STASH_TO_PLAN: ([Account.Kind.STASH], [Account.Kind.PLAN]),
    Kind.AUTOSAVE: ([*_PAID_IN, Account.Kind.STASH], [Account.Kind.PLAN]),
    Kind.INTEREST: ([Account.Kind.INTEREST_EXPENSE], _SAVED),
    Kind.TAX_WITHHELD: (_SAVED, [Account.Kind.TAX_PAYABLE]),
    Kind.PENALTY: ([Account.Kind.PLAN], [Account.Kind.PENALTY_INCOME]),
    Kind.FEE: (_SAVED, [Account.Kind.FEE_INCOME]),
    Kind.ADJUSTMENT: (Account.Kind.values, Account.Kind.values),
}
# A migration that alters a table makes it anew on SQLite, without its triggers: they are created again after it.
_OF_TERMS = {"plan_keeps_terms", "plan_matures_not_earlier", "circle_keeps_terms"}
_TRIGGERS = {
    "postgresql": (
        {"entry_append_only", "entry_not_truncated", *_OF_TERMS},
        """
        SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE relname IN ('savings_entry', 'savings_plan', 'savings_circle') AND tgenabled IN ('O', 'A')
            AND relnamespace = current_schema()::regnamespace
        """,
    ),
    "sqlite": (
        {"entry_not_updated", "entry_not_deleted", *_OF_TERMS},
        "SELECT name FROM main.sqlite_master WHERE type = 'trigger'",
    ),
}


# Each entry as what it does to either account.
_LEGS = """
    SELECT id, transaction_id, debit_account_id AS account_id, -amount_kobo AS change,
        debit_balance_kobo AS balance_kobo, posted_at
    FROM savings_entry
    UNION ALL
    SELECT id, transaction_id, credit_account_id, amount_kobo, credit_balance_kobo, posted_at FROM savings_entry
"""


@dataclasses.dataclass(frozen=True)
class Damage:
    """A row that breaks a rule: which rule, which row, what is there and what should be."""

    check: str
    row: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.check}: {self.row} has {self.found}, expected {self.expected}"


def run_checks() -> Iterator[Damage]:
    """Yield the first rows that break each rule, rule by rule; nothing when the books are right. Sums in kobo."""
    yield from guards()
    _refresh_statistics()
    yield from wrong_rows()


def wrong_rows() -> Iterator[Damage]:
    """Yield the first rows that break each rule, and say nothing of what keeps others from doing so."""
    words = _words()
    for path in CHECKS:
        query = path.read_text().format(**words)
        with connection.cursor() as cursor:
            # Materialised: with a bare LIMIT PostgreSQL expects to find wrong rows soon, and looks each one up.
            cursor.execute(
                f"WITH wrong AS MATERIALIZED ({query}) SELECT * FROM wrong LIMIT {FIRST_ROWS}"  # noqa: S608
            )
            rows = cursor.fetchall()
        for row in rows:
            yield Damage(path.stem, *(str(column) for column in row))


def guards() -> Iterator[Damage]:
    """Yield the triggers and constraints with which the database itself refuses damage, and which are gone."""
    expected, query = _TRIGGERS[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(query)
        missing = expected - {name for (name,) in cursor.fetchall()}
        for model in (Account, Entry, Membership, Plan, Transaction):
            there = connection.introspection.get_constraints(cursor, model._meta.db_table)
            missing |= {constraint.name for constraint in model._meta.constraints} - there.keys()
    for name in sorted(missing):
        yield Damage("guards", name, "been dropped", "a trigger or constraint of this name")


def _refresh_statistics() -> None:
    """Let PostgreSQL look at its tables: those just filled it takes for empty, and joins them row by row."""
    if connection.vendor == "postgresql":
        tables = ", ".join(model._meta.db_table for model in (Account, Entry, Membership, Plan, Transaction))
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {tables}")


def _words() -> dict[str, str]:
    """Return what the queries name in braces: constants of the code, and where the two databases differ in words."""
    routes = [(kind, *ends) for kind, (froms, tos) in _ROUTES.items() for ends in product(froms, tos)]
    return _dialect() | {
        "legs": _LEGS,
        "customers": _listed(Account.CUSTOMER_KINDS),
        "settled": _listed([Transaction.Status.SUCCESS, Transaction.Status.REVERSED]),
        "prefixes": ", ".join(map(_listed, REFERENCE_PREFIXES.items())),
        "not_counted": _listed(leaderboards.NOT_COUNTED),
        "routes": ", ".join(map(_listed, routes)),
        "per_kobo": str(money.INTEREST_DENOMINATOR),
        "today": str(timezone.localdate().toordinal()),
        "end_of_time": str(datetime.date.max.toordinal()),
    }


def _dialect() -> dict[str, str]:
    """Return the words of the database in use. Days are ordinals, as `date.toordinal()` counts them."""
    zone = zoneinfo.ZoneInfo(settings.TIME_ZONE).key
    letter = f"[{CROCKFORD}]"
    if connection.vendor == "postgresql":
        day, local = "(%s - DATE '0001-01-01' + 1)", f"(%s AT TIME ZONE '{zone}')::date"
        words = {"greatest": "GREATEST", "least": "LEAST", "form": f"~ '^{letter}{{17}}$'"}
    else:
        day, local = (
            "CAST(julianday(%s) - 1721424.5 AS integer)",
            f"django_datetime_cast_date(%s, '{zone}', 'UTC')",
        )
        words = {"greatest": "MAX", "least": "MIN", "form": f"GLOB '{letter * 17}'"}
    return words | {
        "day_of_entry": day % local % "l.posted_at",
        "day_of_opening": day % local % "p.created_at",
        "day_of_maturity": day % "p.matures_on",
        "day_of_end": day % "k.ends_on",
    }


def _listed(words: Iterable[str]) -> str:
    return "(" + ", ".join(f"'{word}'" for word in words) + ")"
