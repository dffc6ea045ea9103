"""The ledger checks: each rule of the ledger is one SQL query that returns the rows which break it.

The rules are SQL so that they do not depend on the code they check. Each query reads whole tables inside the database
and returns only the first wrong rows, so a million entries need no more memory here than ten. Each rule is a single
statement and sees one snapshot of the books: a posting made meanwhile cannot look like damage.
"""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import re
import zoneinfo
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils import timezone

from savings import leaderboards, money
from savings.ledger import messages, months
from savings.ledger.dialect import FUNCTIONS
from savings.ledger.routes import ROUTES
from savings.models import Account, Entry, Membership, Plan, Transaction
from savings.models.ledger import CROCKFORD, REFERENCE_PREFIXES

FIRST_ROWS = 5
CHECKS = sorted(Path(__file__).parent.glob("*.sql"))
# The checks that are no query: of triggers and constraints, and of closed months.
_GUARDS, _DIGESTS = "guards", "digests"

# On SQLite a migration that alters a table rebuilds it without its triggers, and has to create them again.
_TERMS_TRIGGERS = {"plan_keeps_terms", "plan_matures_not_earlier", "circle_keeps_terms"}
_TRIGGERS = {
    "postgresql": (
        {"entry_append_only", "entry_not_truncated", "entry_not_into_closed_month", *_TERMS_TRIGGERS},
        """
        SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE relname IN ('savings_entry', 'savings_plan', 'savings_circle') AND tgenabled IN ('O', 'A')
            AND relnamespace = current_schema()::regnamespace
        """,
    ),
    "sqlite": (
        {"entry_not_updated", "entry_not_deleted", "entry_not_into_closed_month", *_TERMS_TRIGGERS},
        "SELECT name FROM main.sqlite_master WHERE type = 'trigger'",
    ),
}


# Each entry as two rows: the change of the debit account and that of the credit account.
_LEGS = """
    SELECT id, transaction_id, code, debit_account_id AS account_id, -amount_kobo AS change,
        debit_balance_kobo AS balance_kobo, posted_at, value_on
    FROM savings_entry
    UNION ALL
    SELECT id, transaction_id, code, credit_account_id, amount_kobo, credit_balance_kobo, posted_at, value_on
    FROM savings_entry
"""


# The stored lines of the closed months, each as a row.
_CLOSED_LINES = {
    "postgresql": """
        SELECT m.month_on, line ->> 0 AS line_key, (line ->> 1)::bigint AS opening, (line ->> 2)::bigint AS debits,
            (line ->> 3)::bigint AS credits, (line ->> 4)::bigint AS closing
        FROM savings_closedmonth m CROSS JOIN LATERAL jsonb_array_elements(m.lines) AS line
    """,
    "sqlite": """
        SELECT m.month_on, json_extract(line.value, '$[0]') AS line_key, json_extract(line.value, '$[1]') AS opening,
            json_extract(line.value, '$[2]') AS debits, json_extract(line.value, '$[3]') AS credits,
            json_extract(line.value, '$[4]') AS closing
        FROM savings_closedmonth m CROSS JOIN json_each(m.lines) AS line
    """,
}

_TABLES = re.compile(r"\bsavings_\w+")


@dataclasses.dataclass(frozen=True)
class Damage:
    """A row that breaks a rule: the rule, the row, its value and the expected value."""

    check: str
    row: str
    actual: str
    expected: str

    def __str__(self) -> str:
        return f"{self.check}: {self.row} has {self.actual}, expected {self.expected}"


def run_checks() -> Iterator[Damage]:
    """Yield the first rows that break each rule, missing triggers and constraints, and closed months that were changed.

    Amounts are in kobo. Yields nothing when the books are right.
    """
    for _, damaged in run_each_check():
        yield from damaged


def run_each_check(*, connections: int = 1) -> Iterator[tuple[str, list[Damage]]]:
    """Yield the name of each check, in the order of `check_names`, with what `run_checks` would yield of it.

    With more than one connection so many checks run at a time, on new connections. These see only what is committed.
    """
    yield _GUARDS, list(missing_guards())
    refresh_statistics()
    if connections == 1:
        for name, query in check_queries():
            yield name, _wrong_rows(name, query)
    else:
        with ThreadPoolExecutor(connections) as pool:
            names, queries = zip(*check_queries(), strict=True)
            yield from zip(names, pool.map(_wrong_rows_of_thread, names, queries), strict=True)
    yield _DIGESTS, [Damage(_DIGESTS, *wrong) for wrong in months.wrong_digests()]


def check_names() -> list[str]:
    """Return the names of all checks in the order in which they run."""
    return [_GUARDS, *(path.stem for path in CHECKS), _DIGESTS]


def check_rules() -> dict[str, str]:
    """Return what each check demands, in words, by its name."""
    rules = {path.stem: _comment(path.read_text()) for path in CHECKS}
    return {_GUARDS: messages.GUARDS_RULE, **rules, _DIGESTS: messages.DIGESTS_RULE}


def wrong_rows() -> Iterator[Damage]:
    """Yield the first rows that break each rule, without the check of triggers and constraints."""
    for name, query in check_queries():
        yield from _wrong_rows(name, query)


def _wrong_rows(name: str, query: str) -> list[Damage]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        rows = cursor.fetchall()
    return [Damage(name, *(str(column) for column in row)) for row in rows]


def _wrong_rows_of_thread(name: str, query: str) -> list[Damage]:
    try:
        return _wrong_rows(name, query)
    finally:
        connection.close()


def _comment(sql: str) -> str:
    """Return the comment at the beginning of a query, in one line."""
    lines = itertools.takewhile(lambda line: line.startswith("--"), sql.splitlines())
    return " ".join(line.removeprefix("--").strip() for line in lines)


def check_queries() -> Iterator[tuple[str, str]]:
    """Yield the name and the SQL of each rule, which selects the first rows that break it."""
    placeholders = _placeholders()
    for path in CHECKS:
        query = path.read_text().format(**placeholders)
        # Materialised: with a bare LIMIT PostgreSQL expects to find wrong rows early, and plans one lookup per row.
        yield (
            path.stem,
            f"WITH wrong AS MATERIALIZED ({query}) SELECT * FROM wrong LIMIT {FIRST_ROWS}",  # noqa: S608
        )


def missing_guards() -> Iterator[Damage]:
    """Yield the triggers and constraints that should refuse damage in the database and are missing there."""
    expected, query = _TRIGGERS[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(query)
        missing = expected - {name for (name,) in cursor.fetchall()}
        for model in (Account, Entry, Membership, Plan, Transaction):
            existing = connection.introspection.get_constraints(cursor, model._meta.db_table)
            missing |= {constraint.name for constraint in model._meta.constraints} - existing.keys()
    for name in sorted(missing):
        yield Damage(_GUARDS, name, "been dropped", "a trigger or constraint of this name")


def refresh_statistics() -> None:
    """Run ANALYZE on PostgreSQL, whose planner takes newly filled tables for empty and joins them row by row."""
    if connection.vendor == "postgresql":
        tables = ", ".join(
            sorted({table for _, query in check_queries() for table in _TABLES.findall(query)})
        )
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {tables}")


def _placeholders() -> dict[str, str]:
    """Return the values of the placeholders in the queries: constants of the code, and the SQL of each database."""
    routes = sorted((kind, *route) for kind, routes in ROUTES.items() for route in routes)
    return _dialect() | {
        "legs": _LEGS,
        "customers": _sql_list(Account.CUSTOMER_KINDS),
        "debit_kinds": _sql_list(Account.DEBIT_KINDS),
        "settled": _sql_list([Transaction.Status.SUCCESS, Transaction.Status.REVERSED]),
        "prefixes": ", ".join(map(_sql_list, REFERENCE_PREFIXES.items())),
        "not_counted": _sql_list(leaderboards.NOT_COUNTED),
        "routes": ", ".join(map(_sql_list, routes)),
        "per_kobo": str(money.INTEREST_DENOMINATOR),
        "now_seconds": str(timezone.now().timestamp()),
        "today": str(timezone.localdate().toordinal()),
        "this_month_from_second": f"'{timezone.localdate() - datetime.timedelta(days=1):%Y-%m}'",
        "is_debit_line": " OR ".join(f"line_key || ' ' LIKE '{kind} %'" for kind in Account.DEBIT_KINDS),
        "end_of_time": str(datetime.date.max.toordinal()),
    }


def _dialect() -> dict[str, str]:
    """Return the placeholders that differ between the databases. Days are ordinals, as in `date.toordinal()`."""
    zone = zoneinfo.ZoneInfo(settings.TIME_ZONE).key
    if connection.vendor == "postgresql":
        day, local = "(%s - DATE '0001-01-01' + 1)", f"(%s AT TIME ZONE '{zone}')::date"
        seconds = "date_part('epoch', %s)"
        placeholders = {
            "has_other_characters": f"~ '[^{CROCKFORD}]'",
            "closed_lines": _CLOSED_LINES["postgresql"],
            "month_of_posting": f"to_char({local % 'l.posted_at'}, 'YYYY-MM')",
            "month_of_remittance": "to_char(m.period_on, 'YYYY-MM')",
        }
    else:
        day, local = (
            "CAST(julianday(%s) - 1721424.5 AS integer)",
            f"django_datetime_cast_date(%s, '{zone}', 'UTC')",
        )
        seconds = "((julianday(%s) - 2440587.5) * 86400)"
        placeholders = {
            "has_other_characters": f"GLOB '*[^{CROCKFORD}]*'",
            "closed_lines": _CLOSED_LINES["sqlite"],
            "month_of_posting": f"strftime('%Y-%m', {local % 'l.posted_at'})",
            "month_of_remittance": "strftime('%Y-%m', m.period_on)",
        }
    return (
        FUNCTIONS[connection.vendor]
        | placeholders
        | {
            "day_of_entry": day % local % "l.posted_at",
            # NULL in rows that the release before value dates wrote.
            "value_day": f"COALESCE({day % 'l.value_on'}, {day % local % 'l.posted_at'})",
            "seconds_of_posting": seconds % "l.posted_at",
            "seconds_of_penalty": seconds % "charged.posted_at",
            "seconds_before": seconds % "l.posted_before",
            "day_of_opening": day % local % "p.created_at",
            "day_of_maturity": day % "p.matures_on",
            "day_of_end": day % "k.ends_on",
            "day_of_balances": day % "n.day_on",
        }
    )


def _sql_list(values: Iterable[str]) -> str:
    return "(" + ", ".join(f"'{value}'" for value in values) + ")"
