"""A database of its own for `make soak`, emptied between two years."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.core.management import call_command
from django.db import connection
from django.test.utils import setup_test_environment, teardown_test_environment

from tests.conftest import append_only


@contextmanager
def own_database(seed: int) -> Iterator[Callable[[], None]]:
    """Create the database for the block, and yield a function that empties it."""
    setup_test_environment()
    if connection.vendor == "postgresql":
        connection.settings_dict["TEST"]["NAME"] = f"soak_{seed}"
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        yield empty
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
        teardown_test_environment()


def empty() -> None:
    """Delete all rows. The triggers that keep entries are dropped meanwhile."""
    _execute(append_only.DROP)
    call_command("flush", verbosity=0, interactive=False)
    _execute(append_only.CREATE)


def _execute(statements: dict[str, list[str]]) -> None:
    with connection.cursor() as cursor:
        for statement in statements[connection.vendor]:
            cursor.execute(statement)
