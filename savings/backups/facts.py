"""What a backup records of its database and a restore compares: row counts, sums of the ledger, migrations."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from django.db import connection

# Runs a query and returns its rows. A backup reads the snapshot or the copy that it writes, a restore the new database.
Query = Callable[[str], list[tuple[Any, ...]]]
# The files that statements and exports for staff have in the storage.
FILE_NAMES = """
    SELECT file_name FROM savings_statement WHERE file_name <> ''
    UNION SELECT file_name FROM savings_staffexport WHERE file_name <> '' ORDER BY 1
"""


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is true of one snapshot of a database. Amounts are in kobo."""

    # The number of rows by table.
    rows: dict[str, int]
    # The sums of the ledger, by the kind of account.
    debits_kobo: dict[str, int]
    credits_kobo: dict[str, int]
    balances_kobo: dict[str, int]
    # 0 if there are no entries.
    last_entry_id: int
    # The applied migrations by app, in the order in which they were applied.
    migrations: dict[str, list[str]]
    # The epoch, the currency and the time zone; the last two are empty until there is money.
    installation: dict[str, str]

    def differences(self, other: Facts) -> list[str]:
        """Return a line for each figure in which another database differs from this one."""
        found = []
        for field in dataclasses.fields(self):
            ours, theirs = (_flat(getattr(facts, field.name)) for facts in (self, other))
            found += [
                f"{field.name} {name}".strip() + f": {ours.get(name)} in the backup, {theirs.get(name)} here"
                for name in sorted({*ours, *theirs})
                if ours.get(name) != theirs.get(name)
            ]
        return found


def read_facts(query: Query, tables: list[str]) -> Facts:
    """Return the facts of the database that `query` reads. `tables` are the names of all its tables."""
    kinds = (
        "SELECT a.kind, SUM(e.amount_kobo) FROM savings_entry e"
        " JOIN savings_account a ON a.id = e.{} GROUP BY a.kind"
    )
    # The house's accounts store no balance.
    balances = (
        "SELECT kind, SUM(balance_kobo) FROM savings_account WHERE balance_kobo IS NOT NULL GROUP BY kind"
    )
    migrations: dict[str, list[str]] = {}
    for app, name in query("SELECT app, name FROM django_migrations ORDER BY id"):
        migrations.setdefault(app, []).append(name)
    names = ("epoch", "currency", "time_zone")
    installation = query(f"SELECT {', '.join(names)} FROM savings_installation") or [("", "", "")]  # noqa: S608
    return Facts(
        rows={table: query(f'SELECT COUNT(*) FROM "{table}"')[0][0] for table in sorted(tables)},  # noqa: S608
        debits_kobo=_sums(query(kinds.format("debit_account_id"))),
        credits_kobo=_sums(query(kinds.format("credit_account_id"))),
        balances_kobo=_sums(query(balances)),
        last_entry_id=query("SELECT COALESCE(MAX(id), 0) FROM savings_entry")[0][0],
        migrations=migrations,
        installation=dict(zip(names, installation[0], strict=True)),
    )


def query_here(sql: str) -> list[tuple[Any, ...]]:
    """Run a query in this database, and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return [*cursor.fetchall()]


def _sums(rows: list[tuple[Any, ...]]) -> dict[str, int]:
    # PostgreSQL's sums are decimals.
    return {kind: int(kobo) for kind, kobo in sorted(rows)}


def _flat(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {"": value}
