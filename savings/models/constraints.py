"""Identifies the constraint behind an IntegrityError, so that one violation is not mistaken for another."""

from __future__ import annotations

from django.apps import apps
from django.db import IntegrityError, connection
from django.db.models import UniqueConstraint


def is_violation_of(error: IntegrityError, name: str) -> bool:
    """Return whether an error is a violation of the constraint with this name, on either database."""
    if connection.vendor == "postgresql":
        return getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) == name
    return str(error) in _sqlite_messages(name)


def _sqlite_messages(name: str) -> set[str]:
    """Return SQLite's messages for a violation. For a unique constraint over columns it names only the columns."""
    messages = {f"CHECK constraint failed: {name}", f"UNIQUE constraint failed: index '{name}'"}
    for model in apps.get_models():
        for constraint in model._meta.constraints:
            if constraint.name == name and isinstance(constraint, UniqueConstraint):
                fields = {field.name: field.column for field in model._meta.concrete_fields}
                listed = ", ".join(f"{model._meta.db_table}.{fields[name]}" for name in constraint.fields)
                messages.add(f"UNIQUE constraint failed: {listed}")
    return messages
