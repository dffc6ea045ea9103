"""The debug toolbar in development: its middleware, and panels for the cache, Redis and Huey.

Imported only if `DEBUG_TOOLBAR` is on: production does not have the package. The panels store only commands and keys,
never values, because those are users' sessions and balances.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from types import FrameType
from typing import Any

import redis
from debug_toolbar.middleware import DebugToolbarMiddleware
from debug_toolbar.panels import Panel
from debug_toolbar.panels.cache import CachePanel as CachePanelWithValues
from debug_toolbar.toolbar import DebugToolbar
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from redis.client import Pipeline
from redis.exceptions import RedisError

from savings import tasks
from savings.models import OutboxRow

Calls = list[dict[str, Any]]

# The calls of the current request; None if the request is not watched.
_commands: ContextVar[Calls | None] = ContextVar("commands", default=None)
_queued: ContextVar[Calls | None] = ContextVar("queued", default=None)

# The positions of keys in commands. An unlisted command shows no keys, so that a value is never shown as a key.
_WITH_ONE_KEY = """
APPEND DECRBY EXPIRE EXPIREAT EXPIRETIME GET GETDEL GETEX GETRANGE GETSET HDEL HEXISTS HGET HGETALL HINCRBY HLEN
HMGET HSCAN HSET HSETNX INCRBY LLEN LPOP LPUSH LRANGE LREM LTRIM PERSIST PEXPIRE PEXPIREAT PSETEX PTTL RPOP RPUSH
SADD SCARD SET SETEX SETNX SISMEMBER SMEMBERS SREM SSCAN STRLEN TTL TYPE ZADD ZCARD ZCOUNT ZINCRBY ZRANGE
ZRANGEBYSCORE ZRANK ZREM ZREVRANGE ZREVRANK ZSCAN ZSCORE
"""
_ONE_KEY = frozenset(_WITH_ONE_KEY.split())
_ONLY_KEYS = frozenset({"DEL", "EXISTS", "MGET", "RENAME", "TOUCH", "UNLINK"})
_SCRIPTS = frozenset({"EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO"})
_OURS = tuple(str(settings.BASE_DIR / folder) for folder in ("savings", "web"))
# Our modules between Redis and the calling code.
_BETWEEN = tuple(
    str(settings.BASE_DIR / name)
    for name in (
        "web/observability/toolbar.py",
        "web/caching/cache.py",
        "savings/leaderboards/redis_client.py",
    )
)


class Middleware(DebugToolbarMiddleware):
    """The toolbar's middleware; its URLs need no sign-in, because the toolbar is on signed-out pages too."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        return view(request, *args, **kwargs) if DebugToolbar.is_toolbar_request(request) else None


class CachePanel(CachePanelWithValues):
    """The toolbar's cache panel, showing only the keys of each call."""

    def _store_call_info(self, *, args: Any, kwargs: Any, **call: Any) -> None:  # type: ignore[override]
        # Called with keywords only. The parent counts hits and misses from the arguments, so reduce them to keys
        # afterwards.
        super()._store_call_info(args=args, kwargs=kwargs, **call)
        first = args[0] if args else next(iter(kwargs.values()), ())
        self.calls[-1] |= {"args": [first] if isinstance(first, str) else list(first), "kwargs": {}}


class RedisPanel(Panel):
    """Each command that this request sent to Redis, from the cache, the boards or Huey."""

    title = nav_title = "Redis"
    nav_icon = "debug_toolbar/img/cache.svg"  # type: ignore[assignment]
    template = "toolbar/redis.html"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.calls: Calls = []

    @classmethod
    def ready(cls) -> None:
        _watch_redis()

    @property
    def nav_subtitle(self) -> str:
        calls = self.get_stats()["calls"]
        return f"{_counted(len(calls), 'call')} in {sum(call['ms'] for call in calls):.2f} ms"

    def enable_instrumentation(self) -> None:
        _commands.set(self.calls)

    def disable_instrumentation(self) -> None:
        _commands.set(None)

    def generate_stats(self, request: HttpRequest, response: HttpResponse) -> None:
        self.record_stats({"calls": self.calls})


class HueyPanel(Panel):
    """Each task that this request queued, and the current state of its outbox row."""

    title = nav_title = "Huey"
    nav_icon = "debug_toolbar/img/tasks.svg"  # type: ignore[assignment]
    template = "toolbar/huey.html"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.queued: Calls = []

    @classmethod
    def ready(cls) -> None:
        _watch_huey()

    @property
    def nav_subtitle(self) -> str:
        return _counted(len(self.get_stats()["queued"]), "task")

    @property
    def content(self) -> str:
        """The panel's HTML, with the rows' current states, because tasks run after the request."""
        queued = self.get_stats()["queued"]
        deliveries = [task for task in queued if task["name"] == tasks.deliver_outbox_row.task_class.__name__]
        rows = OutboxRow.objects.in_bulk([task["ids"][0] for task in deliveries])
        for task in deliveries:
            task["row"] = _state(rows.get(task["ids"][0]))
        return render_to_string(self.template, {"queued": queued})

    def enable_instrumentation(self) -> None:
        _queued.set(self.queued)

    def disable_instrumentation(self) -> None:
        _queued.set(None)

    def generate_stats(self, request: HttpRequest, response: HttpResponse) -> None:
        self.record_stats({"queued": self.queued})


def keys_of(command: str, arguments: tuple[Any, ...]) -> list[str]:
    """Return the keys among the arguments of a Redis command."""
    keys: tuple[Any, ...] = ()
    if command in _ONE_KEY:
        keys = arguments[:1]
    elif command in _ONLY_KEYS:
        keys = arguments
    elif command == "MSET":
        keys = arguments[::2]
    elif command in _SCRIPTS:
        keys = arguments[2 : 2 + int(arguments[1])]
    return [key.decode(errors="replace") if isinstance(key, bytes) else str(key) for key in keys]


@functools.cache
def _watch_redis() -> None:
    """Record the commands of every redis-py client. Installed once per process; idle outside of watched requests."""
    _watch(redis.Redis, "execute_command", lambda _, words: [words])
    _watch(Pipeline, "execute", lambda pipeline, _: [words for words, _ in pipeline.command_stack])


@functools.cache
def _watch_huey() -> None:
    """Record each queued task, and each that `nudge` does not try to queue after a failure."""
    huey = tasks.deliver_outbox_row.huey
    huey.enqueue = _watched_enqueue(huey.enqueue)
    tasks.nudge = _watched_nudge(tasks.nudge)


def _watch(owner: Any, name: str, sent: Callable[[Any, tuple[Any, ...]], list[tuple[Any, ...]]]) -> None:
    method = getattr(owner, name)

    @functools.wraps(method)
    def watched(client: Any, *args: Any, **kwargs: Any) -> Any:
        calls = _commands.get()
        if calls is None:
            return method(client, *args, **kwargs)
        commands = [(str(words[0]).upper(), words[1:]) for words in sent(client, args)]
        call: dict[str, Any] = {
            "command": ", ".join(command for command, _ in commands),
            "keys": [key for command, words in commands for key in keys_of(command, words)],
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
        queued, state = _queued.get(), "refused by Redis"
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
        queued = _queued.get()
        before = len(queued or ())
        is_taken = nudge(task, *ids)
        if queued is not None and len(queued) == before:
            state = "left to the sweep: Redis was away a moment ago"
            queued.append({"name": task.task_class.__name__, "ids": list(ids), "state": state})
        return is_taken

    return watched


def _state(row: OutboxRow | None) -> str:
    if row is None:
        return "gone"
    if row.done_at:
        return f"{row.kind}: done at {date_format(timezone.localtime(row.done_at), 'H:i:s')}"
    return f"{row.kind}: {'given up' if row.dead_at else 'waiting'}, {_counted(row.tries, 'try', 'tries')}"


def _caller() -> str:
    """Return our line of code that called Redis; empty if Django called it."""
    frame: FrameType | None = sys._getframe(2)
    while frame := frame and frame.f_back:
        path = frame.f_code.co_filename
        # Our middleware is in every stack and makes no calls.
        if path.startswith(_OURS) and path not in _BETWEEN and frame.f_code.co_name != "__call__":
            return f"{path.removeprefix(f'{settings.BASE_DIR}/')}:{frame.f_lineno}"
    return ""


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"
