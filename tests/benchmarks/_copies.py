"""Writes a million copies of a row that the services have made. PostgreSQL only."""

from __future__ import annotations

from django.db import connection


def copy_row(table: str, row_id: int, times: int, **expressions: str) -> None:
    """Write copies of a row. `expressions` are SQL for the columns that differ, with `n` from 1 to `times`."""
    with connection.cursor() as cursor:
        names = [
            column.name
            for column in connection.introspection.get_table_description(cursor, f"savings_{table}")
        ]
        values = ", ".join(expressions.get(name, f't."{name}"') for name in names)
        columns = ", ".join(f'"{name}"' for name in names)
        cursor.execute(
            f"INSERT INTO savings_{table} ({columns}) SELECT {values} "
            f"FROM savings_{table} t CROSS JOIN generate_series(1, %s) n WHERE t.id = %s",
            [times, row_id],
        )


def go_on_after(last_id: int, *tables: str) -> None:
    """Let the ids of tables continue after the copies, and refresh the statistics."""
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('savings_{table}', 'id'), %s)", [last_id + 1]
            )
        cursor.execute("VACUUM ANALYZE")
