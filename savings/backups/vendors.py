"""The module of the database that is in use: each has the same functions."""

from __future__ import annotations

from types import ModuleType

from django.db import connection

from savings.backups import postgresql, sqlite


def current() -> ModuleType:
    """Return `postgresql` or `sqlite`."""
    return postgresql if connection.vendor == "postgresql" else sqlite
