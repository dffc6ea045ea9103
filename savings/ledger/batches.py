"""Batches: a list of rows as a table that one SQL statement can read, on both databases."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection


def execute(
    statement: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]], *constants: Any
) -> list[tuple[Any, ...]]:
    """Run a statement that reads the rows as the table `batch`, and return what it returned.

    `statement` contains `{batch}` where the table goes. `columns` are the names of the columns and PostgreSQL's types
    of them: integers and text only. The values of `constants` come before the batch. Without rows nothing is run.
    """
    if not rows:
        return []
    if connection.vendor == "postgresql":
        arrays = ", ".join(f"%s::{kind}[]" for kind in columns.values())
        table = f"unnest({arrays}) AS batch({', '.join(columns)})"
        values: list[Any] = [list(column) for column in zip(*rows, strict=True)]
    else:
        names = ", ".join(f"json_extract(value, '$[{at}]') AS {name}" for at, name in enumerate(columns))
        table = f"(SELECT {names} FROM json_each(%s)) AS batch"  # noqa: S608 - names of columns in this code
        values = [json.dumps(rows)]
    with connection.cursor() as cursor:
        cursor.execute(statement.replace("{batch}", table), [*constants, *values])
        return cursor.fetchall() if cursor.description else []
