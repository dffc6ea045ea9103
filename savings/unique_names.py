"""Names that only one of several rows may have: who has one, by the very key that the database's constraint is on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from savings import typed_text
from savings.exceptions import Refused

# Rows without a key are what the previous release wrote during a deploy: few.
_MOST_LOOKED_AT = 200


def is_taken(rows: QuerySet[Any], field: str, name: str) -> bool:
    """Return whether one of these rows has that name in `field`, whose key is in the column `<field>_key`.

    A row whose key is missing or out of date, because the previous release wrote its name, is compared by the name
    itself, and gets its key.
    """
    column, key = f"{field}_key", typed_text.key(name)
    found = rows.filter(Q(**{column: key}) | Q(**{column: None})).order_by("pk")
    is_there = False
    for pk, other, stored in found.values_list("pk", field, column)[:_MOST_LOOKED_AT]:
        right = typed_text.key(other)
        if right != stored:
            _set_key(rows.model._default_manager.filter(pk=pk), column, right)
        is_there = is_there or right == key
    return is_there


@contextlib.contextmanager
def refusing(field: str, message: str) -> Iterator[None]:
    """Turn the constraint's IntegrityError into Refused at the field: two took one name at the same moment."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        # PostgreSQL and SQLite both name the column.
        if f"{field}_key" not in str(error):
            raise
        raise Refused(message, field=field) from None


def _set_key(row: QuerySet[Any], column: str, key: str) -> None:
    """Give a row its key; none where another has that, which Python alone can tell until one of them is renamed."""
    try:
        with transaction.atomic():
            row.update(**{column: key})
    except IntegrityError:
        row.update(**{column: None})
