"""Kills: the process dies at numbered steps, and only the database, the provider and Redis stay."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from savings import jobs, ledger, payments, tasks
from savings.leaderboards import store

# A process dies after a number of steps between these two.
_LEAST, _MOST = 100, 1_000


class Killed(BaseException):
    """Stands for a process that dies. No code of the site catches it."""


class Steps:
    """Counts the steps of all processes, and kills the one that takes a chosen step."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.is_on = False
        self.number = 0
        self.kills: Counter[str] = Counter()
        self._choose()

    def take(self, name: str) -> None:
        """Count a step. Raises Killed if it is the chosen one."""
        if not self.is_on:
            return
        self.number += 1
        if self.number >= self._chosen:
            self._choose()
            self.kills[name] += 1
            raise Killed(f"{name}, step {self.number}")

    def around[**P, R](self, name: str, do: Callable[P, R]) -> Callable[P, R]:
        """Return a function that takes a step before and after another one."""

        def stepping(*args: P.args, **kwargs: P.kwargs) -> R:
            self.take(f"before {name}")
            result = do(*args, **kwargs)
            self.take(f"after {name}")
            return result

        return stepping

    def uncounted[**P, R](self, do: Callable[P, R]) -> Callable[P, R]:
        """Return a function that does the same without taking steps."""

        def doing(*args: P.args, **kwargs: P.kwargs) -> R:
            was_on, self.is_on = self.is_on, False
            try:
                return do(*args, **kwargs)
            finally:
                self.is_on = was_on

        return doing

    def _choose(self) -> None:
        self._chosen = self.number + self.chance.randint(_LEAST, _MOST)


@contextmanager
def seams(steps: Steps) -> Iterator[None]:
    """Take steps around commits, postings, charges and the work of outbox rows within the block."""
    handlers = {kind: steps.around(f"outbox row {kind}", do) for kind, do in tasks.HANDLERS.items()}
    with ExitStack() as stack:
        stack.enter_context(mock.patch.dict(tasks.HANDLERS, handlers))
        replaced: list[tuple[Any, str, Callable[..., Any]]] = [
            (BaseDatabaseWrapper, "commit", _stepping_commit(steps)),
            (ledger, "settle", steps.around("settle", ledger.settle)),
            # Two commits around each job would be most of all steps.
            (jobs, "_record", steps.uncounted(jobs._record)),
            (payments, "charge_card", steps.around("charge_card", payments.charge_card)),
        ]
        for where, name, replacement in replaced:
            stack.enter_context(mock.patch.object(where, name, replacement))
        yield


def restart() -> None:
    """Begin as a new process: without the database connection and what the old one had in memory."""
    connection.close()
    store.gate = store.Gate()


def _stepping_commit(steps: Steps) -> Callable[[BaseDatabaseWrapper], None]:
    commit = BaseDatabaseWrapper.commit

    def stepping_commit(self: BaseDatabaseWrapper) -> None:
        try:
            steps.take("before a commit")
        except Killed:
            self.rollback()
            raise
        commit(self)
        try:
            steps.take("after a commit")
        except Killed:
            # Nothing is left of a dead process that could run them.
            self.run_on_commit = []
            raise

    return stepping_commit
