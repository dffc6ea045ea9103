"""The rows of the lesson of N+1 queries: copies of names and references, repeated until there are enough.

They are in tables of the lab. A user has too few rows of their own, and a saver's data must not change.
"""

from __future__ import annotations

import threading
from itertools import cycle, islice

from django.db import connection, transaction

from savings.models import Circle, Membership, Plan, Transaction
from web.lab.lab_models import (
    LabAccount,
    LabCircle,
    LabPlan,
    LabSaver,
    LabSharedTransaction,
    LabTransaction,
)

# The sizes to choose from. So many rows of each kind are loaded at most.
SIZES = (25, 250, 2_500)
# The transactions of each plan, and the members of each circle.
EACH = 4
# How many plans the rows of `LabSharedTransaction` share; 0 stands for as many as there are rows.
SHARING = (1, 25, 0)
# Coprime to all sizes: its multiples spread the related rows evenly over the table.
_STRIDE = 7_919

_TABLES = {
    "lab_circle_members": "id bigint PRIMARY KEY, labcircle_id bigint NOT NULL, labsaver_id bigint NOT NULL",
    "lab_circles": "id bigint PRIMARY KEY, name varchar(80) NOT NULL",
    "lab_savers": "id bigint PRIMARY KEY, name varchar(80) NOT NULL",
    "lab_movements": "id bigint PRIMARY KEY, reference varchar(40) NOT NULL, plan_id bigint NOT NULL",
    "lab_shared_movements": (
        "id bigint PRIMARY KEY, sharing integer NOT NULL, reference varchar(40) NOT NULL, plan_id bigint NOT NULL"
    ),
    "lab_accounts": "id bigint PRIMARY KEY, plan_id bigint NOT NULL UNIQUE, balance_kobo bigint NOT NULL",
    "lab_plans": "id bigint PRIMARY KEY, name varchar(80) NOT NULL",
}
# Those that Django creates for the relations, and one for the rows that share plans.
_INDEXES = (
    "CREATE INDEX lab_movements_plan ON lab_movements (plan_id)",
    "CREATE INDEX lab_shared_movements_sharing ON lab_shared_movements (sharing, id)",
    "CREATE INDEX lab_members_circle ON lab_circle_members (labcircle_id)",
    "CREATE INDEX lab_members_saver ON lab_circle_members (labsaver_id)",
)

# Two presses of the button load one after the other.
_one_at_a_time = threading.Lock()


def load(rows: int = SIZES[-1]) -> None:
    """Make the tables again, with so many plans, circles and savers, and `EACH` times as many related rows."""
    with _one_at_a_time, transaction.atomic():
        _drop()
        with connection.cursor() as cursor:
            for table, columns in _TABLES.items():
                cursor.execute(f"CREATE TABLE {table} ({columns})")
        _fill(rows)
        with connection.cursor() as cursor:
            for statement in _INDEXES:
                cursor.execute(statement)
            for table in _TABLES:
                cursor.execute(f"ANALYZE {table}")


def _fill(rows: int) -> None:
    numbers, many = range(1, rows + 1), range(1, EACH * rows + 1)
    spread = [1 + number * _STRIDE % rows for number in many]
    plan_names = _repeated(Plan.objects.order_by("-id").values_list("name", flat=True)[:rows], "Plan", rows)
    circle_names = _repeated(Circle.objects.values_list("name", flat=True)[:rows], "Circle", rows)
    nicknames = _repeated(Membership.objects.values_list("nickname", flat=True)[:rows], "Saver", rows)
    newest = Transaction.objects.order_by("-id").values_list("reference", flat=True)[:rows]
    references = _repeated(newest, "TOP", EACH * rows)
    LabPlan.objects.bulk_create(LabPlan(pk, name) for pk, name in zip(numbers, plan_names, strict=True))
    LabAccount.objects.bulk_create(LabAccount(pk, pk, 1_000_00 * pk) for pk in numbers)
    LabTransaction.objects.bulk_create(
        LabTransaction(pk, f"{reference}-{pk}", plan_id)
        for pk, reference, plan_id in zip(many, references, spread, strict=True)
    )
    LabSharedTransaction.objects.bulk_create(
        LabSharedTransaction(place * rows + pk, sharing, f"{references[pk]}-{pk}", 1 + pk % (sharing or rows))
        for place, sharing in enumerate(SHARING)
        for pk in numbers
    )
    LabSaver.objects.bulk_create(LabSaver(pk, name) for pk, name in zip(numbers, nicknames, strict=True))
    LabCircle.objects.bulk_create(LabCircle(pk, name) for pk, name in zip(numbers, circle_names, strict=True))
    LabCircle.members.through.objects.bulk_create(
        LabCircle.members.through(id=pk, labcircle_id=1 + (pk - 1) // EACH, labsaver_id=saver_id)
        for pk, saver_id in zip(many, spread, strict=True)
    )


def _repeated(texts: object, invented: str, rows: int) -> list[str]:
    """Return texts, repeated until there are so many rows; invented ones if there is none."""
    found = list(texts) or [invented]  # type: ignore[call-overload]
    return list(islice(cycle(found), rows))


def is_loaded() -> bool:
    with connection.cursor() as cursor:
        return _TABLES.keys() <= {*connection.introspection.table_names(cursor)}


def loaded_rows() -> int:
    """Return how many plans, and so rows of each kind, are loaded; 0 before `load`."""
    return LabPlan.objects.count() if is_loaded() else 0


def clean() -> None:
    """Remove the lab's tables of this lesson."""
    with _one_at_a_time:
        _drop()


def _drop() -> None:
    with connection.cursor() as cursor:
        for table in _TABLES:
            cursor.execute(f"DROP TABLE IF EXISTS {table}")
