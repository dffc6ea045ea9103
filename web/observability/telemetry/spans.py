"""Spans that the agent itself reports at too high a price: SQL statements and templates."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, override

import elasticapm
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from elasticapm.instrumentation import register
from elasticapm.instrumentation.packages.dbapi2 import extract_signature
from elasticapm.instrumentation.packages.django.template import DjangoTemplateInstrumentation
from elasticapm.traces import execution_context

# The agent's own instrumentations that ours replace. The agent reads these variables at its start.
_SKIPPED = ("SKIP_INSTRUMENT_DJANGO_TEMPLATE", "SKIP_INSTRUMENT_PSYCOPG", "SKIP_INSTRUMENT_SQLITE")
_LONGEST_STATEMENT = 10_000

# Parsing a statement for its table takes longer than a short query. There are few distinct statements.
_name_of = functools.lru_cache(512)(extract_signature)


def report_spans() -> None:
    """Report statements and templates of sampled requests and tasks. Call before the agent instruments anything."""
    for variable in _SKIPPED:
        os.environ.setdefault(variable, "1")
    register.register(f"{PageTemplates.__module__}.{PageTemplates.__name__}")
    connection_created.connect(_report_statements)


class PageTemplates(DjangoTemplateInstrumentation):
    """One span per page or mail, none for the parts within: a hundred of them cost more than the page."""

    name = "page_templates"

    @override
    def call(
        self, module: str, method: str, wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any
    ) -> Any:
        span = execution_context.get_span()
        if span is not None and span.type == "template":
            return wrapped(*args, **kwargs)
        return super().call(module, method, wrapped, instance, args, kwargs)


def _report_statements(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    if _report_statement not in connection.execute_wrappers:
        connection.execute_wrappers.append(_report_statement)


def _report_statement(
    execute: Callable[..., Any],
    sql: str,
    params: Any,
    many: bool,  # noqa: FBT001 (Django's signature)
    context: dict[str, Any],
) -> Any:
    """Report a statement with its placeholders, without a value.

    The agent wraps the cursors of the database drivers instead, and parses each statement, also of requests that are
    not sampled: 1.6 instructions for each of the cheapest page's instead of 1.12. docs/apm.md says how to count them.
    """
    if execution_context.get_transaction() is None:
        return execute(sql, params, many, context)
    name, database = _name_of(sql), context["connection"].settings_dict
    extra: dict[str, Any] = {"db": {"type": "sql", "statement": sql[:_LONGEST_STATEMENT]}}
    if database["HOST"]:
        extra["db"]["instance"] = database["NAME"]
        extra["destination"] = {"address": database["HOST"], "port": int(database["PORT"] or 5432)}
    with elasticapm.capture_span(
        name,
        span_type="db",
        span_subtype=context["connection"].vendor,
        span_action="query",
        extra=extra,
        leaf=True,
    ) as span:
        result = execute(sql, params, many, context)
        if span and name.startswith(("INSERT", "UPDATE", "DELETE")):
            span.update_context("db", {"rows_affected": context["cursor"].rowcount})
        return result
