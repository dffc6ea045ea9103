"""Queries whose SQL is built once: for a page's small queries Django takes longer to build the SQL than to run it.

It halves the work of a page. The cold dashboard takes 17 million instructions instead of 35, and an empty page behind
the sign-in 2.6 million instead of 8.4: `make bench NAME=pages` prints both beside "the empty view, instructions".
The price is Django's private compiler, whose names and answers `tests/savings/test_prepared_queries.py` pins.
"""

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
# Placeholder values while the SQL is built. They must not occur as constants in a query.
_FIRST_NUMBER = 7_070_707_070_707
_FIRST_DAY = datetime.datetime(9707, 7, 7, tzinfo=datetime.UTC)


@dataclasses.dataclass(frozen=True, slots=True)
class _Statement:
    """The SQL of a query and its parameters: each is a constant, or the index of a value among those of a call."""

    sql: str
    parameters: list[tuple[Any, int | None]]
    # The backend's conversions of column values: SQLite has no dates and datetimes.
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
    """Decorate a function that returns a queryset of tuples (`values_list`), so that it returns the rows.

    The function is called once per shape of its arguments, with placeholder values of the same types: integers,
    strings, dates, datetimes and lists of integers (each length of a list is a shape of its own). So the query must
    not depend on the values, and the arguments are positional. Raises TypeError when an argument is not among the
    query's parameters.
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
    sql, parameter_values = compiler.as_sql()
    indexes = {value: at for at, value in enumerate(_flat(stand_ins))}
    parameters = [(value, indexes.get(value)) for value in parameter_values]
    if {at for _, at in parameters} - {None} != {*indexes.values()}:
        raise TypeError(f"Not every argument of {build.__qualname__} is a parameter of its query.")
    converters = compiler.get_converters([column for column, _, _ in compiler.select])
    return _Statement(
        sql,
        parameters,
        [(at, each, column) for at, (several, column) in converters.items() for each in several],
    )


def _stand_ins(values: Sequence[Value]) -> list[Value]:
    """Return distinct placeholder values, one of the same type for each value."""
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
    """Return the values with lists flattened, in the form that the database driver accepts."""
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
