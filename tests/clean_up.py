"""Empties the database after a test that commits, and between simulated years."""

from __future__ import annotations

import importlib

from django.core.management.color import no_style
from django.db import connection, transaction

# The migrations whose triggers refuse to delete the rows of a table.
append_only = importlib.import_module("savings.migrations.0002_entries_append_only")
_APPEND_ONLY = {
    "savings_entry": append_only,
    "savings_auditrow": importlib.import_module("savings.migrations.0055_backoffice"),
}
_KEPT = {
    "django_migrations",
    "django_content_type",
    "auth_permission",
    "auth_group",
    "auth_group_permissions",
}


def empty_tables(*, restarts_ids: bool = False) -> None:
    """Delete all rows except those that migrations created, append-only ones too.

    `restarts_ids` has ids begin at 1 again, as in a new database.
    """
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    tables = sorted(set(names) - _KEPT)
    queries = (f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table})" for table in tables)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(queries))
        filled = {table for (table,) in cursor.fetchall()}
        guards = [migration for table, migration in _APPEND_ONLY.items() if table in filled]
        for migration in guards:
            execute(migration.DROP)
        # In any order: foreign keys are checked when the transaction ends.
        for table in sorted(filled):
            cursor.execute(f"DELETE FROM {table}")
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for migration in guards:
            execute(migration.CREATE)
        if restarts_ids:
            sequences = [one for one in connection.introspection.sequence_list() if one["table"] in tables]
            for statement in connection.ops.sequence_reset_by_name_sql(no_style(), sequences):
                cursor.execute(statement)


def execute(statements: dict[str, list[str]]) -> None:
    with connection.cursor() as cursor:
        for statement in statements[connection.vendor]:
            cursor.execute(statement)
