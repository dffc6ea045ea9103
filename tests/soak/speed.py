"""Leaves out of a simulated year what takes time and does nothing that the year checks."""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from django.conf import settings
from django.db import connection

from savings import jobs
from savings.payments import checkout
from web.simulator import store


class _Kept(sqlite3.Connection):
    """A connection that stays open when the simulator closes it; what it has not committed is undone all the same."""

    def close(self) -> None:
        if self.in_transaction:
            self.rollback()


@contextmanager
def without_what_takes_time() -> Iterator[None]:
    """Keep connections, and record of jobs only their first run and their failures, within the block."""
    with ExitStack() as stack:
        stack.enter_context(_one_simulator_connection())
        stack.enter_context(mock.patch.object(jobs, "_record", _recording(jobs._record)))
        # Nothing runs beside a year, so no twin of a request can announce its payment meanwhile.
        stack.enter_context(mock.patch.object(checkout, "TWIN_SECONDS", 0))
        # Kills and faults close the connection; its age says nothing more.
        stack.enter_context(mock.patch.dict(connection.settings_dict, {"CONN_MAX_AGE": None}))
        # What is in memory now stays: no collection has to walk it again.
        gc.collect()
        gc.freeze()
        stack.callback(gc.unfreeze)
        yield


@contextmanager
def _one_simulator_connection() -> Iterator[None]:
    """Open the simulator's file once: it opens a connection for each of its statements."""
    opened: list[_Kept] = []

    def connect() -> sqlite3.Connection:
        if not opened:
            opened.append(sqlite3.connect(settings.SIMULATOR_FILE, isolation_level=None, factory=_Kept))
            opened[0].execute("PRAGMA journal_mode = MEMORY")
            opened[0].execute("PRAGMA synchronous = OFF")
        return opened[0]

    with mock.patch.object(store, "_connect", connect):
        try:
            yield
        finally:
            for one in opened:
                sqlite3.Connection.close(one)


def _recording(record: Callable[..., None]) -> Callable[..., None]:
    """Return a record of the first run of each job and of all failures: two commits around each run are a tenth."""
    ended: set[str] = set()

    def recording(write: Callable[..., None], name: str, *args: Any) -> None:
        if write is jobs._fail or name not in ended:
            record(write, name, *args)
        if write is jobs._end:
            ended.add(name)

    return recording
