"""Keys that a row keeps beside what people typed: computed in Python, so that every database compares alike."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, models, transaction
from django.db.models import Q, QuerySet

from savings import typed_text

# Rows without a key are what the previous release wrote during a deploy: few.
_MOST_LOOKED_AT = 200

if TYPE_CHECKING:
    _Text = models.TextField[str | None, str | None]
else:
    _Text = models.TextField


class KeyField(_Text):
    """The key of another text field of the same row, computed whenever that is written.

    NULL in a row whose last writer did not know of it: the previous release, during a deploy. Such a row takes part in
    no unique constraint until it is written again; see `is_name_taken`.
    """

    def __init__(self, source: str = "", make: Callable[[str], str] = str, **kwargs: Any) -> None:
        self.source = source
        self.make = make
        super().__init__(**kwargs | {"null": True, "default": None, "editable": False})

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:  # noqa: ARG002, FBT001 - Django's
        value = self.key_of(getattr(model_instance, self.source))
        setattr(model_instance, self.attname, value)
        return value

    def key_of(self, text: object) -> str | None:
        """Return the key of a text; None for an expression, which only the database can compute, and for no text."""
        return self.make(text) if isinstance(text, str) else None

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs


class KeyedQuerySet[Row: models.Model](models.QuerySet[Row]):
    """Writes the keys of a name together with the name."""

    def update(self, **kwargs: Any) -> int:
        for field in key_fields(self.model):
            if field.source in kwargs and field.attname not in kwargs:
                kwargs[field.attname] = field.key_of(kwargs[field.source])
        return super().update(**kwargs)


class Keyed(models.Model):
    """A row with keys, which are saved whenever what they are made of is."""

    class Meta:
        abstract = True

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        if update_fields is not None:
            written = set(update_fields)
            update_fields = written | {
                field.attname for field in key_fields(type(self)) if field.source in written
            }
        super().save(*args, update_fields=update_fields, **kwargs)


def key_fields(model: type[models.Model]) -> list[KeyField]:
    """Return the keys that rows of a model keep."""
    return [field for field in model._meta.local_fields if isinstance(field, KeyField)]


def is_name_taken(rows: QuerySet[Any], field: str, name: str) -> bool:
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
def raising_if_taken(field: str, error_to_raise: Exception) -> Iterator[None]:
    """Turn the constraint's IntegrityError into another error: two users took one name at the same moment."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        # PostgreSQL and SQLite both name the column.
        if f"{field}_key" not in str(error):
            raise
        raise error_to_raise from None


def _set_key(row: QuerySet[Any], column: str, key: str) -> None:
    """Give a row its key; none where another has that, which Python alone can tell until one of them is renamed."""
    try:
        with transaction.atomic():
            row.update(**{column: key})
    except IntegrityError:
        row.update(**{column: None})
