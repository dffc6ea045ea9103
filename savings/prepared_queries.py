"""Queries whose SQL is built once: for a page's few small ones that costs Django more than running them."""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection
from django.db.models import QuerySet

Value = int | str | datetime.date | Sequence[int]
Row = tuple[Any, ...]

_ONE = int | str | datetime.date
# What stands for a value while the SQL is built: nothing that anybody would write in a query.
_FIRST_NUMBER = 7_070_707_070_707
_FIRST_DAY = datetime.datetime(9707, 7, 7, tzinfo=datetime.UTC)


@dataclasses.dataclass(frozen=True, slots=True)
class _Statement:
    """The SQL of a query, and its parameters: each a constant, or the place of a value among those of a call."""

    sql: str
    parameters: list[tuple[Any, int | None]]
    # What the backend makes of a column's value: SQLite knows no days and moments.
    converters: list[tuple[int, Any, Any]]

    def run(self, values: Sequence[Any]) -> list[Row]:
        parameters = [constant if at is None else values[at] for constant, at in self.parameters]
        with connection.cursor() as cursor:
            cursor.execute(self.sql, parameters)
            rows: list[Row] = cursor.fetchall()
        return [self._converted(row) for row in rows] if self.converters else rows

    def _converted(self, row: Row) -> Row:
        columns = list(row)
        for at, converter, expression in self.converters:
            columns[at] = converter(columns[at], expression, connection)
        return tuple(columns)


def prepared(build: Callable[..., QuerySet[Any, Any]]) -> Callable[..., list[Row]]:
    """Make of a function that returns a queryset of tuples (`values_list`) one that returns its rows.

    The function is called once, with values that stand for others of their kind: whole numbers, texts, days, moments
    and lists of numbers, of which each length has a statement of its own. So what it builds must not depend on what
    they are, and it takes them by position. Raises TypeError where a value does not come through to the database.
    """
    statements: dict[tuple[Any, ...], _Statement] = {}

    @functools.wraps(build)
    def rows(*values: Value) -> list[Row]:
        shape = (connection.vendor, *(-1 if isinstance(value, _ONE) else len(value) for value in values))
        if shape not in statements:
            statements[shape] = _compile(build, values)
        return statements[shape].run(_flat(values))

    return rows


def _compile(build: Callable[..., QuerySet[Any, Any]], values: Sequence[Value]) -> _Statement:
    stand_ins = _stand_ins(values)
    compiler = build(*stand_ins).query.get_compiler(connection=connection)
    sql, found = compiler.as_sql()
    places = {value: at for at, value in enumerate(_flat(stand_ins))}
    parameters = [(value, places.get(value)) for value in found]
    if {at for _, at in parameters} - {None} != {*places.values()}:
        raise TypeError(f"Not every value of {build.__qualname__} comes through to the database.")
    converters = compiler.get_converters([column for column, _, _ in compiler.select])
    return _Statement(
        sql,
        parameters,
        [(at, each, column) for at, (several, column) in converters.items() for each in several],
    )


def _stand_ins(values: Sequence[Value]) -> list[Value]:
    """Return as many values of the same kinds, each of them unlike all others."""
    made: list[Value] = []
    for value in values:
        count = len(_flat(made))
        if isinstance(value, datetime.datetime):
            made.append(_FIRST_DAY + datetime.timedelta(days=count))
        elif isinstance(value, datetime.date):
            made.append((_FIRST_DAY + datetime.timedelta(days=count)).date())
        elif isinstance(value, str):
            made.append(str(_FIRST_NUMBER + count))
        elif isinstance(value, int):
            made.append(_FIRST_NUMBER + count)
        else:
            made.append([_FIRST_NUMBER + count + at for at in range(len(value))])
    return made


def _flat(values: Sequence[Value]) -> list[Any]:
    """Return all single values in a row, as the database takes them."""
    flat: list[Any] = []
    for value in values:
        if isinstance(value, datetime.datetime):
            flat.append(connection.ops.adapt_datetimefield_value(value))
        elif isinstance(value, datetime.date):
            flat.append(connection.ops.adapt_datefield_value(value))
        elif isinstance(value, _ONE):
            flat.append(value)
        else:
            flat += value
    return flat
