"""Prepared queries: the rows of the original query for any values, and SQL that is built once."""

from __future__ import annotations

import datetime
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import django
import pytest
from django.db import connection
from django.db.backends.base.operations import BaseDatabaseOperations as DatabaseOperations
from django.db.models import QuerySet
from django.db.models.functions import Upper
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.query import Query

from savings.models import Plan, User
from savings.prepared_queries import prepared
from tests.factories import make_plan, make_user

pytestmark = pytest.mark.django_db


def started(user_id: int, since: datetime.date, kinds: Sequence[int]) -> QuerySet[Plan, Any]:
    plans = Plan.objects.filter(user=user_id, started_on__gte=since, product__in=kinds, closed_at=None)
    return plans.order_by("pk").values_list("pk", "name", "started_on", "created_at", "product__kind")


def test_the_rows_equal_those_of_the_query_for_any_values() -> None:
    prepared_rows = prepared(started)
    plans = [make_plan(make_user(), name=name) for name in ("Rent", "School", "Ọ̀wọ̀")]
    today = plans[0].started_on
    for plan in plans:
        for since in (today, today + datetime.timedelta(days=1)):
            for kinds in ([plan.product_id], [0, plan.product_id], [plan.product_id + 1]):
                expected = list(started(plan.user_id, since, kinds))
                assert prepared_rows(plan.user_id, since, kinds) == expected


def test_the_sql_is_built_once_per_length_of_a_list() -> None:
    built = []

    @prepared
    def named(ids: Sequence[int]) -> QuerySet[User, Any]:
        built.append(ids)
        return User.objects.filter(pk__in=ids).order_by("pk").values_list("pk")

    people = [make_user().pk for _ in range(3)]
    assert named(people[:2]) == [(people[0],), (people[1],)]
    assert named(people[1:]) == [(people[1],), (people[2],)]
    assert named(people) == [(pk,) for pk in people]
    assert len(built) == 2


def test_strings_and_datetimes_can_be_arguments() -> None:
    @prepared
    def joined(email: str, since: datetime.datetime) -> QuerySet[User, Any]:
        return User.objects.filter(email=email, date_joined__gte=since).values_list(
            "pk", "date_joined", "is_active"
        )

    for user in (make_user(), make_user()):
        joined_at = user.date_joined
        assert joined(user.email, joined_at) == [(user.pk, joined_at, True)]
        assert joined(user.email, joined_at + datetime.timedelta(microseconds=1)) == []


def test_constants_of_the_query_stay() -> None:
    @prepared
    def shouted(user_id: int) -> QuerySet[User, Any]:
        return User.objects.filter(pk=user_id, is_active=True).values_list(Upper("name"))

    user = make_user(name="Ada")
    assert shouted(user.pk) == [("ADA",)]
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert shouted(user.pk) == []


def test_an_argument_that_is_no_parameter_is_refused() -> None:
    @prepared
    def older(user_id: int) -> QuerySet[User, Any]:
        return User.objects.filter(pk=user_id + 1).values_list("pk")

    with pytest.raises(TypeError, match="older"):
        older(1)


CHANGED = (
    "Django's private SQL compiler has changed, on which savings/prepared_queries.py relies. Compare what {} does in "
    "the new release, correct `_compile`, run these tests on both databases, and only then correct this test."
)


def test_the_minor_version_of_django_is_the_one_this_was_written_for() -> None:
    assert django.VERSION[:2] == (6, 1), CHANGED.format("django.db.models.sql.compiler.SQLCompiler")


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        (Query.get_compiler, ["self", "using", "connection", "elide_empty"]),
        (SQLCompiler.as_sql, ["self", "with_limits", "with_col_aliases"]),
        (SQLCompiler.get_converters, ["self", "expressions"]),
        (DatabaseOperations.adapt_datetimefield_value, ["self", "value"]),
        (DatabaseOperations.adapt_datefield_value, ["self", "value"]),
    ],
)
def test_the_methods_of_the_compiler_take_what_they_took(
    method: Callable[..., Any], parameters: list[str]
) -> None:
    assert [*inspect.signature(method).parameters] == parameters, CHANGED.format(method.__qualname__)


def test_the_compiler_answers_in_the_form_that_is_stored() -> None:
    query = User.objects.filter(pk=7, is_active=True).values_list("pk", "date_joined", "is_active").query
    compiler = query.get_compiler(connection=connection)
    sql, parameters = compiler.as_sql()
    assert sql.count("%s") == len(parameters), CHANGED.format("as_sql")
    assert 7 in parameters, CHANGED.format("as_sql")
    assert len(compiler.select) == 3, CHANGED.format("select")
    columns = [column for column, _, _ in compiler.select]
    assert [column.target.name for column in columns] == ["id", "date_joined", "is_active"]
    # SQLite converts moments and booleans, PostgreSQL nothing.
    converters = compiler.get_converters(columns)
    assert [*converters] == ([1, 2] if connection.vendor == "sqlite" else []), CHANGED.format(
        "get_converters"
    )
    for at, (several, column) in converters.items():
        assert column is columns[at], CHANGED.format("get_converters")
        for converter in several:
            assert converter(None, column, connection) is None, CHANGED.format("a converter")
