"""Write many rows quickly: COPY on PostgreSQL, `bulk_create` elsewhere. Not while the site is in use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import connection
from django.db.models import Max, Model

from savings.models.keys import key_fields


def reserve(model: type[Model], times: int) -> int:
    """Return the first of `times` consecutive ids that no row has and that the database will not assign."""
    if connection.vendor != "postgresql":
        return (model._default_manager.aggregate(last=Max("pk"))["last"] or 0) + 1
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(name, nextval(name) + %s) FROM pg_get_serial_sequence(%s, 'id') AS name",
            [times - 1, model._meta.db_table],
        )
        return int(cursor.fetchone()[0]) - times + 1


def keys_of(model: type[Model], **typed: str) -> dict[str, str | None]:
    """Return the stored keys of typed text by column name, in the order of the model's fields."""
    fields = [field for field in key_fields(model) if field.source in typed]
    return {field.attname: field.key_of(typed[field.source]) for field in fields}


def write(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Insert rows. `columns` are column names (`user_id`, not `user`)."""
    if connection.vendor != "postgresql":
        model._default_manager.bulk_create(model(**dict(zip(columns, row, strict=True))) for row in rows)
        return
    names = ", ".join(connection.ops.quote_name(column) for column in columns)
    copy = f"COPY {model._meta.db_table} ({names}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(copy) as stream:
        for row in rows:
            stream.write_row(row)
