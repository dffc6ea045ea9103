"""How the simulator's API answers: the key, the method, one transaction per request, and lists by page."""

from __future__ import annotations

import base64
import contextlib
import datetime
import functools
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare

from web.simulator import agenda, store
from web.simulator.request_bodies import Declined
from web.simulator.store import Document

_PER_PAGE, _MOST_PER_PAGE = 50, 100


def view(method: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Allow one method, require the secret key, and answer a `Declined` as the provider would.

    A request is one transaction: after a `Declined` nothing of it is stored.
    """
    allowed = ["GET", "HEAD"] if method == "GET" else [method]

    def decorate(reply: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @functools.wraps(reply)
        def answer(request: HttpRequest, **parts: Any) -> HttpResponse:
            if request.method not in allowed:
                return decline(Declined("Method not allowed", status=405), {"Allow": ", ".join(allowed)})
            try:
                _check_key(request)
                agenda.catch_up()
                with store.atomic():
                    return reply(request, **parts)
            except Declined as no:
                return decline(no)

        return answer

    return decorate


def decline(no: Declined, headers: dict[str, str] | None = None) -> JsonResponse:
    """Answer as the provider does when it refuses."""
    reason = {"type": "validation_error", "code": no.code} if no.code else {}
    return JsonResponse({"status": False, "message": str(no), **reason}, status=no.status, headers=headers)


def yes(message: str, data: object, *, status: int = 200, **more: object) -> JsonResponse:
    """Answer as the provider does when all is well."""
    return JsonResponse({"status": True, "message": message, "data": data, **more}, status=status)


def _check_key(request: HttpRequest) -> None:
    given = request.headers.get("Authorization", "")
    if not constant_time_compare(given, f"Bearer {settings.PROVIDER_SECRET_KEY}"):
        raise Declined("Invalid key", status=401)


def page_of(request: HttpRequest, found: list[Document]) -> tuple[list[Document], Document]:
    """Return the requested page of a list and its `meta`. `created_at` is compared with `from` and `to`."""
    since, until = (_moment(request, name) for name in ("from", "to"))
    return plain_page_of(
        request,
        [
            document
            for document in found
            if (since is None or document["created_at"] >= since)
            and (until is None or document["created_at"] <= until)
        ],
    )


def plain_page_of(request: HttpRequest, found: list[Document]) -> tuple[list[Document], Document]:
    """Return the requested page of a list without times, and its `meta`."""
    per_page = _per_page(request)
    page = _number(request, "page", 1)
    skipped = (page - 1) * per_page
    meta = {
        "total": len(found),
        "skipped": skipped,
        "perPage": per_page,
        "page": page,
        "pageCount": -(-len(found) // per_page),
    }
    return found[skipped : skipped + per_page], meta


def cursor_page_of(request: HttpRequest, found: list[Document]) -> tuple[list[Document], Document]:
    """Return the part of a list after the cursor `next` or before the cursor `previous`, and its `meta`."""
    per_page = _per_page(request)
    if request.GET.get("next"):
        start = _position(request, "next")
    else:
        start = max(_position(request, "previous") - per_page, 0) if request.GET.get("previous") else 0
    end = start + per_page
    meta = {
        "next": _cursor(end) if end < len(found) else None,
        "previous": _cursor(start) if start else None,
        "perPage": per_page,
    }
    return found[start:end], meta


def _cursor(position: int) -> str:
    return base64.urlsafe_b64encode(f"row:{position}".encode()).decode()


def _position(request: HttpRequest, name: str) -> int:
    with contextlib.suppress(ValueError):
        kind, _, position = base64.urlsafe_b64decode(request.GET[name]).decode().partition(":")
        if kind == "row" and position.isascii() and position.isdigit():
            return int(position[:10])
    raise Declined(f"{name} is not valid", code="invalid_params")


def flag(request: HttpRequest, name: str) -> bool:
    """Return a boolean parameter, which is false if it is missing."""
    text = request.GET.get(name, "false")
    if text not in {"true", "false"}:
        raise Declined(f"{name} is not valid", code="invalid_params")
    return text == "true"


def _per_page(request: HttpRequest) -> int:
    # The description of the transfers spells it otherwise than all others do.
    name = "per_page" if "per_page" in request.GET else "perPage"
    return min(_number(request, name, _PER_PAGE), _MOST_PER_PAGE)


def _number(request: HttpRequest, name: str, default: int) -> int:
    text = request.GET.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:10]) < 10**9:
        raise Declined(f"{name} is not valid", code="invalid_params")
    return int(text[:10])


def _moment(request: HttpRequest, name: str) -> float | None:
    text = request.GET.get(name, "")
    if not text:
        return None
    try:
        moment = datetime.datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise Declined(f"{name} is not valid", code="invalid_params") from error
