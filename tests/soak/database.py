"""A database of its own for `make soak`, emptied between two years."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from django.db import connection
from django.test.utils import setup_test_environment, teardown_test_environment

from tests.clean_up import empty_tables


@contextmanager
def own_database(seed: int) -> Iterator[Callable[[], None]]:
    """Create the database for the block, and yield a function that empties it."""
    # What is loaded by now stays, and a year makes few cycles: looking for them often takes a tenth of the time.
    gc.freeze()
    gc.set_threshold(200_000, 20, 50)
    # With DEBUG on, Django stores each query, which takes a twelfth of the time.
    setup_test_environment(debug=False)
    if connection.vendor == "postgresql":
        connection.settings_dict["TEST"]["NAME"] = f"soak_{seed}"
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        yield partial(empty_tables, restarts_ids=True)
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
        teardown_test_environment()
