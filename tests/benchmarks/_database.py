"""A private database for a benchmark, on the server of the environment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection, connections


@contextmanager
def made(name: str = "") -> Iterator[None]:
    """Create an empty database for the block, with this thread connected to it, and drop it afterwards.

    With a name there can be several; `use` then connects to one of them.
    """
    usual = settings.DATABASES["default"]["NAME"]
    connection.settings_dict["TEST"] = connection.settings_dict["TEST"] | {"NAME": name or None}
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connections.close_all()
        if name:
            use(name)
        connection.creation.destroy_test_db(usual, verbosity=0)


def use(name: str) -> None:
    """Connect this thread to another database."""
    connection.close()
    connection.settings_dict["NAME"] = name
