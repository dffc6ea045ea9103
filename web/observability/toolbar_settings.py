"""Settings of the debug toolbar, apart from `toolbar.py`, which imports a package that production does not have."""

from __future__ import annotations

PANELS = [
    "debug_toolbar.panels.history.HistoryPanel",
    "debug_toolbar.panels.timer.TimerPanel",
    "debug_toolbar.panels.sql.SQLPanel",
    "web.observability.toolbar.CachePanel",
    "web.observability.toolbar.RedisPanel",
    "web.observability.toolbar.HueyPanel",
    "debug_toolbar.panels.templates.TemplatesPanel",
    "debug_toolbar.panels.headers.HeadersPanel",
]
CONFIG = {
    # Only a handle at the edge until it is opened, so that it covers nothing of a page on a phone.
    "SHOW_COLLAPSED": True,
    # Show htmx requests without a reload.
    "UPDATE_ON_FETCH": True,
    "RESULTS_CACHE_SIZE": 50,
    # Template contexts contain users' balances, and storing them takes longer than the page.
    "SHOW_TEMPLATE_CONTEXT": False,
    "ENABLE_STACKTRACES_LOCALS": False,
}
