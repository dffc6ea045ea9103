"""Log lines: with the request's id and without the secrets of its URL; in production, one JSON object per line."""

from __future__ import annotations

import copy
import logging
import re
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest
from ecs_logging import StdlibFormatter

# The id of the current request.
request_id: ContextVar[str] = ContextVar("request_id", default="-")

# PostgreSQL quotes the row it refused, which may contain a user's name or email address.
_DETAIL = re.compile(r"^(?P<what>\s*(DETAIL|CONTEXT|Failing row)\b).*", re.MULTILINE)
# Fields of a record that log lines never contain.
_NOT_LOGGED = ("request", "status_code")


class RequestIdFilter(logging.Filter):
    """Adds the id of the current request to each log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        # Django logs an error response outside of all middleware, where only the record's request has the id.
        request = getattr(record, "request", None)
        record.request_id = getattr(request, "request_id", None) or request_id.get()
        return True


class PatternFilter(logging.Filter):
    """Replaces a URL's path by its pattern in what Django logs about a request.

    Paths contain secrets: the code of an invitation, the token of a mail. An exception's message may quote them, so
    the formatters below replace them in tracebacks too.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest):
            record.msg, record.args = _without_secrets(record.getMessage(), request), ()
        return True


class LineFormatter(logging.Formatter):
    """Readable lines for development."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s [%(request_id)s] %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        # Another handler may have cached the traceback, with its secrets, on the record.
        record = copy.copy(record)
        record.exc_text = None
        return _without_secrets(super().format(record), getattr(record, "request", None))


class JsonFormatter(StdlibFormatter):
    """One JSON object per line, with the field names of the Elastic Common Schema and any traceback inside."""

    def __init__(self) -> None:
        super().__init__(exclude_fields=["process", "log.original", "ecs.version", *_NOT_LOGGED])

    def format_to_ecs(self, record: logging.LogRecord) -> dict[str, Any]:
        request = getattr(record, "request", None)
        record = copy.copy(record)
        for name in _NOT_LOGGED:
            vars(record).pop(name, None)
        found: dict[str, Any] = super().format_to_ecs(record)
        for name in ("message", "stack_trace"):
            for holder in (found, found.get("error", {})):
                if name in holder:
                    holder[name] = _without_secrets(holder[name], request)
        return found


def _without_secrets(text: str, request: Any) -> str:
    text = _DETAIL.sub(r"\g<what> …", text)
    if isinstance(request, HttpRequest):
        match = request.resolver_match
        pattern = f"/{match.route if match else '-'}"
        for path in sorted({request.path, request.get_full_path(), request.path_info}, key=len, reverse=True):
            for spelling in _spellings(path):
                if len(spelling) > 1:
                    text = text.replace(spelling, pattern)
        for name, value in (match.kwargs if match else {}).items():
            # A number is an id, which is not a secret.
            if isinstance(value, str) and len(value) > 3 and not value.isdecimal():
                for spelling in _spellings(value):
                    text = text.replace(spelling, f"<{name}>")
    return text


def _spellings(text: str) -> Iterator[str]:
    """Yield a text unchanged, and as Django and Python escape it in messages."""
    yield text
    yield text.encode("unicode_escape").decode("ascii")
    yield repr(text)[1:-1]
