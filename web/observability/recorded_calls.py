"""Records what a request sends to Redis and what it queues, for the panels of the debug toolbar.

Only commands and keys are stored, never values, because those are users' sessions and balances.
"""

from __future__ import annotations

import functools
import itertools
import sys
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from types import FrameType
from typing import Any

import redis
from django.conf import settings
from redis.client import Pipeline
from redis.exceptions import RedisError

from savings import tasks

Calls = list[dict[str, Any]]

# The calls of the current request; None if the request is not watched.
redis_commands: ContextVar[Calls | None] = ContextVar("commands", default=None)
queued_tasks: ContextVar[Calls | None] = ContextVar("queued", default=None)

_OURS = tuple(str(settings.BASE_DIR / folder) for folder in ("savings", "web"))
# Our modules between Redis and the calling code.
_BETWEEN = tuple(
    str(settings.BASE_DIR / name)
    for name in (
        "web/observability/recorded_calls.py",
        "web/caching/cache.py",
        "savings/leaderboards/redis_client.py",
    )
)


@functools.cache
def watch_redis() -> None:
    """Record the commands of every redis-py client. Installed once per process; idle outside of watched requests."""
    _watch(redis.Redis, "execute_command", lambda _, words: [words])
    _watch(Pipeline, "execute", lambda pipeline, _: [words for words, _ in pipeline.command_stack])


@functools.cache
def watch_huey() -> None:
    """Record each queued task, and each that `nudge` does not try to queue after a failure."""
    huey = tasks.deliver_outbox_row.huey
    huey.enqueue = _watched_enqueue(huey.enqueue)
    tasks.nudge = _watched_nudge(tasks.nudge)


def replace_words_with_keys(calls: Calls) -> None:
    """Reduce what was sent to its keys, once per request, so that asking for them is in no call's time."""
    sent = [call.pop("sent") for call in calls]
    pools = [call.pop("pool") for call in calls]
    found = iter(keys_of(pools[0], list(itertools.chain(*sent))) if calls else ())
    for call, commands in zip(calls, sent, strict=True):
        call["keys"] = [key for _ in commands for key in next(found)]


def keys_of(pool: redis.ConnectionPool, commands: Sequence[tuple[Any, ...]]) -> list[list[str]]:
    """Return the keys of each command, as the server finds them; none for a command that has none.

    A server that refuses `COMMAND GETKEYS`, as the stand-in without redis-server does, costs the keys, not the page.
    """
    pipeline = redis.Redis(connection_pool=pool).pipeline(transaction=False)
    for name, *words in commands:
        # redis-py gives a command with a subcommand as one word.
        pipeline.execute_command("COMMAND GETKEYS", *str(name).split(), *words)
    try:
        answers = pipeline.execute(raise_on_error=False)
    except RedisError:
        return [[] for _ in commands]
    return [[_text(key) for key in keys] if isinstance(keys, list) else [] for keys in answers]


def _watch(owner: Any, name: str, sent: Callable[[Any, tuple[Any, ...]], list[tuple[Any, ...]]]) -> None:
    method = getattr(owner, name)

    @functools.wraps(method)
    def watched(client: Any, *args: Any, **kwargs: Any) -> Any:
        calls = redis_commands.get()
        if calls is None:
            return method(client, *args, **kwargs)
        commands = sent(client, args)
        call: dict[str, Any] = {
            "command": ", ".join(str(name).upper() for name, *_ in commands),
            "sent": commands,
            "pool": client.connection_pool,
            "where": _caller(),
            "failure": "",
        }
        began = time.perf_counter()
        try:
            return method(client, *args, **kwargs)
        except RedisError as error:
            # The message may quote the arguments.
            call["failure"] = type(error).__name__
            raise
        finally:
            calls.append(call | {"ms": (time.perf_counter() - began) * 1000})

    setattr(owner, name, watched)


def _watched_enqueue(enqueue: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(enqueue)
    def watched(task: Any) -> Any:
        queued, state = queued_tasks.get(), "refused by Redis"
        try:
            result = enqueue(task)
            state = "queued"
            return result
        finally:
            if queued is not None:
                queued.append({"name": task.name, "ids": list(task.args), "state": state})

    return watched


def _watched_nudge(nudge: Callable[..., bool]) -> Callable[..., bool]:
    @functools.wraps(nudge)
    def watched(task: Any, *ids: Any) -> bool:
        queued = queued_tasks.get()
        before = len(queued or ())
        is_taken = nudge(task, *ids)
        if queued is not None and len(queued) == before:
            state = "left to the sweep, because Redis has just failed"
            queued.append({"name": task.task_class.__name__, "ids": list(ids), "state": state})
        return is_taken

    return watched


def _caller() -> str:
    """Return our line of code that called Redis; empty if Django called it."""
    frame: FrameType | None = sys._getframe(2)
    while frame := frame and frame.f_back:
        path = frame.f_code.co_filename
        # Our middleware is in every stack and makes no calls.
        if path.startswith(_OURS) and path not in _BETWEEN and frame.f_code.co_name != "__call__":
            return f"{path.removeprefix(f'{settings.BASE_DIR}/')}:{frame.f_lineno}"
    return ""


def _text(key: bytes | str) -> str:
    return key.decode(errors="replace") if isinstance(key, bytes) else key
