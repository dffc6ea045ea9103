"""The lesson of background work."""

from __future__ import annotations

import datetime
from contextlib import suppress
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from redis.exceptions import RedisError

from web import keyset, notices
from web.http import SaverRequest, redirect
from web.lab import killing, mail_kinds, mails, statements, workers
from web.lab.measure import compare, source
from web.messages import lab as messages
from web.pages import messages as message_pages
from web.views.lab.showing import ROUNDS, show

_LESSON = {"lesson": "background"}
# For so long after a run the page looks whether the worker is done.
_WATCHED_SECONDS = 60


def mail(request: SaverRequest) -> HttpResponse:
    """A mail to the user, inline and queued, sent only by POST and once; and tasks done by one worker and by two."""
    context: dict[str, Any] = _LESSON | {
        "figures": "workers" if request.GET.get("do") == "workers" else "mails",
        "smtp_ms": round(mails.SMTP_SECONDS * 1000),
        "kinds": mail_kinds.kinds_of(request.user),
        "tasks": workers.TASKS,
        "wait_ms": workers.WAIT_MS,
    }
    if request.method == "POST":
        context["comparison"] = compare(mails.WAYS, request.user, rounds=0)
        queued = request.user.outbox_rows.order_by("-id").values_list("pk", flat=True).first()
        context |= _watch(queued) | {"mail_id": queued}
    elif "row" in request.GET:
        row = get_object_or_404(request.user.outbox_rows, pk=_id(request, "row"))
        context |= _watch(row.pk, row.created_at, row.done_at) | {"mail_id": row.pk}
        return show(request, "lab/mail.html", context, part="done")
    elif request.GET.get("do") == "workers":
        context |= {"is_of_workers": True} | _workers()
    return show(request, "lab/mail.html", context)


def statement(request: SaverRequest) -> HttpResponse:
    """A statement of the user, inline and queued; requested only by POST."""
    wanted = statements.Wanted(request.user, request.POST.get("format", ""), [])
    context: dict[str, Any] = _LESSON | {"formats": statements.FORMATS, "status": 200}
    if request.method == "POST" and wanted.format in statements.FORMATS:
        context["comparison"] = compare(statements.WAYS, wanted, rounds=0)
        context |= _watch(wanted.made[-1].pk) | {"made": wanted.made, "statement_id": wanted.made[-1].pk}
    elif request.method == "POST":
        context |= {"is_unknown_format": True, "status": 422}
    elif "row" in request.GET:
        made = get_object_or_404(request.user.statements, pk=_id(request, "row"))
        mail_id = message_pages.mails_of(statement=made).values_list("pk", flat=True).last()
        context |= _watch(made.pk, made.requested_at, made.ready_at)
        context |= {"statement_id": made.pk, "mail_id": mail_id}
        return show(request, "lab/statement.html", context, part="done")
    return show(request, "lab/statement.html", context, status=context["status"])


def clean_statements(request: SaverRequest) -> HttpResponse:
    """Delete the statements that the user has made in the lab."""
    if request.method == "POST":
        notices.notify(request, messages.deleted_statements(statements.clean(request.user)))
    return redirect(request, reverse("lab:statement"))


def kill_worker(request: SaverRequest) -> HttpResponse:
    """A worker killed in the middle of a mail to the user, and the life of the mail's row."""
    moment, status = request.POST.get("moment", ""), 200
    if request.method == "POST" and moment in killing.MOMENTS:
        killing.start(request.user, moment)
        return redirect(request, reverse("lab:kill_worker"))
    if request.method == "POST":
        status = 422
    where, code = source(killing.deliver_and_wait)
    context = _LESSON | {
        "events": killing.events_of(request.user.pk),
        "is_running": killing.is_running(request.user),
        "is_unknown_moment": status == 422,
        "lease_seconds": killing.LEASE_SECONDS,
        "where": where,
        "code": code,
    }
    return show(request, "lab/kill_worker.html", context, status=status)


def _workers() -> dict[str, Any]:
    """Return the cost of the tasks with one worker and with two; nothing without Redis."""
    where, code = source(workers.all_done)
    with suppress(RedisError):
        return {"comparison": workers.measured(rounds=ROUNDS), "where": where, "code": code}
    return {}


def _id(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "")
    if not keyset.is_id(text):
        raise Http404
    return int(text)


def _watch(
    row_id: int | None, asked_at: datetime.datetime | None = None, done_at: datetime.datetime | None = None
) -> dict[str, Any]:
    """Return what the page shows of the queued work: how long it took, or whether to look again."""
    waits = asked_at is None or (timezone.now() - asked_at).total_seconds() < _WATCHED_SECONDS
    took = done_at - asked_at if done_at and asked_at else None
    return {
        "row_id": row_id,
        "done_ms": round(took.total_seconds() * 1000) if took else None,
        "looks_again": waits and done_at is None,
    }
