"""Experiment: the same tasks in Huey's queue in Redis, done by one worker and by two.

The queue is of the site's class, in the site's Redis, with its serializer. It has a name of its own, so that the site's
worker leaves these tasks alone. The workers are threads, as those of `run_huey` are.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator

from django.conf import settings
from django.utils.module_loading import import_string
from huey.api import Huey

from web.lab.measure import Comparison, Headline, Rows, Way, compare, milliseconds_text, times_text

TASKS = 8
WAIT_MS = 30
_NUMBERS = 500_000
PAIR = ("Waiting, 1 worker", "Waiting, 2 workers")
_CALCULATING = ("Calculating, 1 worker", "Calculating, 2 workers")
_ROUNDS = 5


def wait(number: int) -> int:
    time.sleep(WAIT_MS / 1000)  # as for the answer of a mail server
    return number


def calculate(number: int) -> int:
    return sum(range(_NUMBERS)) and number


def new_queue() -> Huey:
    """Return a queue like the site's, under a name that no other has. Its tasks leave no results in Redis."""
    queue_class = import_string(settings.HUEY["huey_class"])
    url, serializer = settings.HUEY["connection"]["url"], settings.HUEY["serializer"]
    queue: Huey = queue_class(
        f"lab-{uuid.uuid4()}", results=False, immediate=False, serializer=serializer, url=url, blocking=False
    )
    return queue


def all_done(task: Callable[[int], int], tasks: int, *, workers: int) -> Rows:
    """Queue so many tasks, start the workers, and return what each task returned once all are done.

    Raises RedisError without Redis.
    """
    queue, results = new_queue(), list[int]()
    queued = queue.task()(task)

    def work() -> None:
        while (message := queue.dequeue()) is not None:
            results.append(queue.execute(message))

    threads = [threading.Thread(target=work) for _ in range(workers)]
    try:
        for number in range(tasks):
            queued(number)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        queue.storage.pool.disconnect()
    return [(result,) for result in sorted(results)]


def one_waits(tasks: int) -> Rows:
    return all_done(wait, tasks, workers=1)


def two_wait(tasks: int) -> Rows:
    return all_done(wait, tasks, workers=2)


def one_calculates(tasks: int) -> Rows:
    return all_done(calculate, tasks, workers=1)


def two_calculate(tasks: int) -> Rows:
    return all_done(calculate, tasks, workers=2)


WAYS = [
    Way(PAIR[0], "One task waits after another, as for a mail server.", one_waits),
    Way(PAIR[1], "Two tasks wait at the same time.", two_wait),
    Way(_CALCULATING[0], "One task calculates after another.", one_calculates),
    Way(_CALCULATING[1], "Two threads of one process take turns on one processor.", two_calculate),
]


def measured(*, rounds: int) -> Comparison:
    """Return the time until all tasks are done, for each kind of task and number of workers."""
    return compare(WAYS, TASKS, rounds=rounds, pair=PAIR)


def headlines() -> Iterator[Headline]:
    """Yield the time of all tasks with 1 and with 2 workers, for tasks that wait and for tasks that calculate."""
    found = measured(rounds=_ROUNDS)
    for what, pair in ((f"wait {WAIT_MS} ms each", PAIR), ("calculate", _CALCULATING)):
        one, two = (found.named(name).milliseconds for name in pair)
        tasks = f"{TASKS} tasks that {what}, 1 worker : 2 workers"
        yield Headline(f"{tasks}, time", times_text(one / two))
        yield Headline(f"{tasks}, milliseconds", f"{milliseconds_text(one)} : {milliseconds_text(two)}")
