"""The logging configuration: readable lines in development, in production one JSON object per line."""

from __future__ import annotations

from typing import Any


def logging_settings(*, debug: bool, level: str) -> dict[str, Any]:
    """Return LOGGING. `level` applies to our own loggers; tracebacks are part of a JSON line."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "request_id": {"()": "web.observability.log_lines.RequestIdFilter"},
            "pattern": {"()": "web.observability.log_lines.PatternFilter"},
            "skipped_calls": {"()": "web.caching.redis_client.RepetitionFilter"},
        },
        "formatters": {
            "line": {"()": "web.observability.log_lines.LineFormatter"},
            "json": {"()": "web.observability.log_lines.JsonFormatter"},
        },
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "filters": ["request_id", "pattern"],
                "formatter": "line" if debug else "json",
            },
            "requests": {"class": "logging.StreamHandler"},
        },
        # Loggers that are not listed below: libraries, and Python's warnings.
        "root": {"handlers": ["console"], "level": "WARNING"},
        "loggers": {
            # Without DEBUG, Django's own handler mails the administrators and prints nothing.
            "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
            "savings": {"handlers": ["console"], "level": level, "propagate": False},
            "web": {"handlers": ["console"], "level": level, "propagate": False},
            "huey": {"handlers": ["console"], "level": "WARNING", "propagate": False},
            "django_redis.cache": {"filters": ["skipped_calls"]},
            "elasticapm": {"handlers": ["console"], "level": "WARNING", "propagate": False},
            # The cost of each request. Development has response headers and the toolbar for that.
            "asusu.request": {
                "handlers": ["requests"],
                "level": "WARNING" if debug else level,
                "propagate": False,
            },
        },
    }
