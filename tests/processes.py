"""What tests need that run programs of the site beside themselves: its database, free ports, and patience."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable

from django.db import connection


def database_url() -> str:
    """The database of this test, as another process is told of it."""
    own = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{own['NAME']}"
    return f"postgres://{own['USER']}:{own['PASSWORD']}@{own['HOST']}:{own['PORT']}/{own['NAME']}"


def free_port() -> int:
    """A port that nobody uses, below those that the system hands out, and another one in each process."""
    port = 15000 + os.getpid() % 5000
    while not is_free(port):
        port += 1
    return port


def is_free(port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def wait_until(is_so: Callable[[], object]) -> None:
    """Return once it has come to that; a minute is the longest it may take."""
    ends_at = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < ends_at, "it did not come to that in a minute"
        time.sleep(0.05)
