"""The migration of names: one spelling, their keys, and a number where two names have become equal."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from savings.models import Circle, Membership, Plan, User
from tests.factories import join_circle, make_plan, make_user, start_circle

pytestmark = pytest.mark.django_db

migration = import_module("savings.migrations.0025_fill_name_keys")


@pytest.fixture(autouse=True)
def _before_the_constraints(db: None) -> None:
    """Drop the constraints that the next migration adds. The test's rollback restores them."""
    with connection.cursor() as cursor:
        for name in ("plan_name_once_per_user", "nickname_once_per_circle"):
            cursor.execute(f"DROP INDEX {name}")


def as_before(model: Any, field: str, names: dict[int, str]) -> None:
    """Write names as the previous release did, without keys."""
    keys = ", ".join(
        f"{f.column} = NULL" for f in model._meta.local_fields if f.column.startswith(f"{field}_")
    )
    with connection.cursor() as cursor:
        for pk, name in names.items():
            cursor.execute(
                f"UPDATE {model._meta.db_table} SET {field} = %s, {keys} WHERE id = %s", [name, pk]
            )


def fill() -> None:
    migration.fill(apps, SimpleNamespace(connection=connection))


def plan_names(names: list[str]) -> list[str]:
    user = make_user()
    made = [make_plan(user, name=f"Plan {number}") for number in range(len(names))]
    as_before(Plan, "name", {plan.pk: name for plan, name in zip(made, names, strict=True)})
    fill()
    return list(user.plans.order_by("pk").values_list("name", flat=True))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["Rent", "rent", "RENT"], ["Rent", "rent (2)", "RENT (3)"]),
        (["Rent", "rent", "Rent (2)"], ["Rent", "rent (3)", "Rent (2)"]),
        (["Rent (2)", "Rent", "rent"], ["Rent (2)", "Rent", "rent (3)"]),
        (["Ọjà", "O\u0323ja\u0300"], ["Ọjà", "Ọjà (2)"]),
        (["Straße", "STRASSE"], ["Straße", "STRASSE (2)"]),
        (["x" * 60, "X" * 60], ["x" * 60, "X" * 56 + " (2)"]),
        (["Re\u200bnt", "\u3164", "\u2800"], ["Rent", "Plan", "Plan (2)"]),
        (["Inci", "İnci"], ["Inci", "İnci"]),
    ],
)
def test_the_later_of_two_equal_plan_names_gets_a_number(before: list[str], after: list[str]) -> None:
    assert plan_names(before) == after
    assert not Plan.objects.filter(name_key=None).exists()


def test_closed_plans_and_plans_of_other_users_keep_their_names() -> None:
    mine, closed, theirs = make_plan(name="Rent"), make_plan(name="A"), make_plan(name="B")
    Plan.objects.filter(pk=closed.pk).update(user=mine.user, closed_at=mine.created_at)
    as_before(Plan, "name", {closed.pk: "rent", theirs.pk: "rent"})
    fill()
    assert sorted(Plan.objects.values_list("name", flat=True)) == ["Rent", "rent", "rent"]


def test_nicknames_are_numbered_in_each_circle() -> None:
    circle, other = start_circle(nickname="Ada"), start_circle(nickname="Ada")
    members = [join_circle(circle, nickname=name) for name in ("B", "C")]
    as_before(Membership, "nickname", {members[0].pk: "ADA", members[1].pk: "Ada (2)"})
    fill()
    assert list(circle.memberships.order_by("pk").values_list("nickname", flat=True)) == [
        "Ada",
        "ADA (3)",
        "Ada (2)",
    ]
    assert other.memberships.get().nickname == "Ada"
    assert set(circle.memberships.values_list("nickname_search", flat=True)) == {"ada", "ada (3)", "ada (2)"}


def test_users_and_circles_get_their_search_keys() -> None:
    user, circle = make_user(), start_circle()
    as_before(User, "name", {user.pk: "Ngo\u0323zi\u0323  Obi"})
    as_before(Circle, "name", {circle.pk: "Ẹgbẹ́"})
    fill()
    user.refresh_from_db()
    circle.refresh_from_db()
    assert (user.name, user.name_search) == ("Ngọzị Obi", "ngozi obi")
    assert circle.name_search == "egbe"


def test_the_migration_handles_more_rows_than_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration, "BATCH", 2)
    assert plan_names(["Rent", "rent", "A", "b", "B"]) == ["Rent", "rent (2)", "A", "b", "B (2)"]


def test_a_second_run_changes_nothing() -> None:
    names = plan_names(["Rent", "rent", "Rent (2)"])
    fill()
    assert list(Plan.objects.order_by("pk").values_list("name", flat=True)) == names
