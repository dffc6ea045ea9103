"""The debug toolbar in development: its middleware, and panels for the cache, Redis and Huey.

Imported only if `DEBUG_TOOLBAR` is on: production does not have the package.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from debug_toolbar.middleware import DebugToolbarMiddleware
from debug_toolbar.panels import Panel
from debug_toolbar.panels.cache import CachePanel as CachePanelWithValues
from debug_toolbar.toolbar import DebugToolbar
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format

from savings import tasks
from savings.models import OutboxRow
from web.observability import recorded_calls
from web.observability.recorded_calls import Calls


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
        recorded_calls.watch_redis()

    @property
    def nav_subtitle(self) -> str:
        calls = self.get_stats()["calls"]
        return f"{_counted(len(calls), 'call')} in {sum(call['ms'] for call in calls):.2f} ms"

    def enable_instrumentation(self) -> None:
        recorded_calls.redis_commands.set(self.calls)

    def disable_instrumentation(self) -> None:
        recorded_calls.redis_commands.set(None)
        recorded_calls.replace_words_with_keys(self.calls)

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
        recorded_calls.watch_huey()

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
        recorded_calls.queued_tasks.set(self.queued)

    def disable_instrumentation(self) -> None:
        recorded_calls.queued_tasks.set(None)

    def generate_stats(self, request: HttpRequest, response: HttpResponse) -> None:
        self.record_stats({"queued": self.queued})


def figures(request_id: str) -> dict[str, float]:
    """Return what the toolbar has stored of a request, in milliseconds; nothing if it has forgotten the request."""
    stats = {}
    for name in ("SQLPanel", "CachePanel", "TimerPanel"):
        stored = DebugToolbar.fetch(request_id, name)
        if stored is None:
            return {}
        stats[name] = stored.get_panel_by_id(name).get_stats()
    return {
        "queries": len(stats["SQLPanel"]["queries"]),
        "sql_ms": round(stats["SQLPanel"]["sql_time"], 2),
        "cache_hits": stats["CachePanel"]["hits"],
        "ms": round(stats["TimerPanel"]["total_time"], 2),
    }


def _state(row: OutboxRow | None) -> str:
    if row is None:
        return "gone"
    if row.done_at:
        return f"{row.kind}: done at {date_format(timezone.localtime(row.done_at), 'H:i:s')}"
    return f"{row.kind}: {'given up' if row.dead_at else 'waiting'}, {_counted(row.tries, 'try', 'tries')}"


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"
