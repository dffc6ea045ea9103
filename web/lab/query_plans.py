"""What the databases tell about a query and an index: the query plan, the definition and the size on disk."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Model, QuerySet

# How each database writes that it goes through an index to the rows. A scan of a whole index is not that.
_BY_INDEX = {"postgresql": re.compile(r"\bIndex (Only )?Scan\b"), "sqlite": re.compile(r"\bSEARCH\b")}


def explain(sql: str, params: Sequence[Any] | None = None) -> str:
    """Return the query plan of a statement. PostgreSQL runs it, to say what it really read."""
    command = "EXPLAIN (ANALYZE)" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        cursor.execute(f"{command} {sql}", params)
        # SQLite numbers its lines; the text is the last column in both databases.
        return "\n".join(line[-1] for line in cursor.fetchall())


def explain_queryset(queryset: QuerySet[Any, Any]) -> tuple[str, str]:
    """Return the SQL of a queryset, with its values in place, and its query plan."""
    return str(queryset.query), explain(*queryset.query.sql_with_params())


def is_by_index(plan: str) -> bool:
    """Return whether a query plan goes through an index to its rows."""
    return bool(_BY_INDEX[connection.vendor].search(plan))


def definition(index: str) -> str:
    """Return the statement that created an index, as the database stores it; empty if there is none."""
    sql = "SELECT sql FROM sqlite_master WHERE type = 'index' AND name = %s"
    if connection.vendor == "postgresql":
        sql = "SELECT indexdef FROM pg_indexes WHERE indexname = %s"
    with connection.cursor() as cursor:
        cursor.execute(sql, [index])
        found = cursor.fetchone()
    return found[0] if found else ""


def size_bytes(name: str) -> int | None:
    """Return the bytes on disk of a table or an index; None where SQLite was built without dbstat."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_relation_size(%s::regclass)", [name])
        elif _has_dbstat():
            cursor.execute("SELECT pgsize FROM dbstat WHERE aggregate = TRUE AND name = %s", [name])
        else:
            return None
        found = cursor.fetchone()
    return int(found[0]) if found else None


def _has_dbstat() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA compile_options")
        return ("ENABLE_DBSTAT_VTAB",) in cursor.fetchall()


def indexes_of(table: str) -> list[str]:
    """Return the names of a table's indexes."""
    sql = "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = %s ORDER BY name"
    if connection.vendor == "postgresql":
        sql = "SELECT indexname FROM pg_indexes WHERE tablename = %s ORDER BY indexname"
    with connection.cursor() as cursor:
        cursor.execute(sql, [table])
        return [name for (name,) in cursor.fetchall()]


def declaration(model: type[Model], index: str) -> str:
    """Return the code of an index in its model's `Meta.indexes`, with the comment above it."""
    code = textwrap.dedent(inspect.getsource(model))
    lines = code.splitlines()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and any(_names(word, index) for word in node.keywords):
            first, last = node.lineno - 1, node.end_lineno
            while lines[first - 1].lstrip().startswith("#"):
                first -= 1
            return textwrap.dedent("\n".join(lines[first:last]))
    return ""


def _names(word: ast.keyword, index: str) -> bool:
    return word.arg == "name" and isinstance(word.value, ast.Constant) and word.value.value == index
