"""Keys stored beside typed text. They are calculated in Python, so that all databases compare names alike."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, models, transaction
from django.db.models import Q, QuerySet

from savings import typed_text

# Only rows that the previous release wrote during a deploy have no key, so there are few.
_MAX_CANDIDATES = 200

if TYPE_CHECKING:
    _Text = models.TextField[str | None, str | None]
else:
    _Text = models.TextField


class KeyField(_Text):
    """The key of another text field of the same row, calculated whenever that field is written.

    NULL in a row that the previous release wrote during a deploy, because it does not know the column. Such a row is in
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
        """Return the key of a text. None for None, and for an expression, which only the database can evaluate."""
        return self.make(text) if isinstance(text, str) else None

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs


class KeyedQuerySet[Row: models.Model](models.QuerySet[Row]):
    """Updates the keys of a text together with the text."""

    def update(self, **kwargs: Any) -> int:
        for field in key_fields(self.model):
            if field.source in kwargs and field.attname not in kwargs:
                kwargs[field.attname] = field.key_of(kwargs[field.source])
        return super().update(**kwargs)


class Keyed(models.Model):
    """A row with keys, which are saved together with the text they are calculated from."""

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
    """Return the key fields of a model."""
    return [field for field in model._meta.local_fields if isinstance(field, KeyField)]


def is_name_taken(rows: QuerySet[Any], field: str, name: str) -> bool:
    """Return whether one of the rows has the name in `field`, whose key is in the column `<field>_key`.

    A row whose key is missing or stale, because the previous release wrote its name, is compared by the name itself
    and gets the right key.
    """
    column, key = f"{field}_key", typed_text.key(name)
    candidates = rows.filter(Q(**{column: key}) | Q(**{column: None})).order_by("pk")
    is_taken = False
    for pk, other, stored in candidates.values_list("pk", field, column)[:_MAX_CANDIDATES]:
        expected = typed_text.key(other)
        if expected != stored:
            _set_key(rows.model._default_manager.filter(pk=pk), column, expected)
        is_taken = is_taken or expected == key
    return is_taken


@contextlib.contextmanager
def raising_if_taken(field: str, error_to_raise: Exception) -> Iterator[None]:
    """Raise `error_to_raise` for a violation of the name's constraint: two requests used one name at the same time."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        # PostgreSQL and SQLite both name the column.
        if f"{field}_key" not in str(error):
            raise
        raise error_to_raise from None


def _set_key(row: QuerySet[Any], column: str, key: str) -> None:
    """Store a row's key, or NULL if another row has this key.

    Until one of the two is renamed, only `is_name_taken` sees that their names are the same.
    """
    try:
        with transaction.atomic():
            row.update(**{column: key})
    except IntegrityError:
        row.update(**{column: None})
