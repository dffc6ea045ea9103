"""The simulator's checkout page, and the static files of its pages."""

from __future__ import annotations

import contextlib
import mimetypes
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from savings import money
from web.simulator import agenda, payments, request_bodies, store
from web.simulator.store import Document

ALLOWED = ("GET", "HEAD", "POST")
_DONE = {"success", "reversed"}
_STATIC = {"css/app.css", "img/logo.svg"}


def pay(request: HttpRequest, access_code: str) -> HttpResponse:
    """Show the amount and a button for each outcome, which sends the browser back to the site."""
    agenda.catch_up()
    with store.atomic():
        return _pay(request, access_code)


def _pay(request: HttpRequest, access_code: str) -> HttpResponse:
    payment = payments.find_by_access_code(access_code)
    if payment is None:
        return page("simulator/unknown.html", {}, status=404)
    if request.method not in ALLOWED:
        return HttpResponse(status=405, headers={"Allow": ", ".join(ALLOWED)})
    is_done = payment["status"] in _DONE
    script = payments.OUTCOMES.get(request.POST.get("outcome", ""))
    if request.method != "POST" or script is None or is_done:
        shown = {"payment": payment, "is_done": is_done, "amount": _amount(payment)}
        return page("simulator/pay.html", shown)
    script(payment)
    payments.save(payment)
    return HttpResponse(status=303, headers={"Location": _way_back(payment)})


def static_file(request: HttpRequest, name: str) -> HttpResponse:
    """Serve only the files that the pages use."""
    if name not in _STATIC:
        return HttpResponse(status=404)
    kind = mimetypes.guess_type(name)[0]
    return HttpResponse((settings.BASE_DIR / "static" / name).read_bytes(), content_type=kind)


def _way_back(payment: Document) -> str:
    """Return the URL the provider redirects to: `cancel_action`, or the callback with the reference twice."""
    metadata = payment["metadata"]
    if payment["status"] == "abandoned" and isinstance(metadata, dict) and metadata.get("cancel_action"):
        # Metadata may contain anything; an invalid URL falls back to the callback.
        with contextlib.suppress(request_bodies.Declined):
            return request_bodies.link(str(metadata["cancel_action"]))
    callback = urlsplit(payment["callback_url"] or settings.SITE_URL)
    query = urlencode({"trxref": payment["reference"], "reference": payment["reference"]})
    return urlunsplit(callback._replace(query=f"{callback.query}&{query}" if callback.query else query))


def _amount(payment: Document) -> str:
    if payment["currency"] == settings.CURRENCY:
        return money.naira(payment["requested_amount"])
    whole, rest = divmod(payment["requested_amount"], 100)
    return f"{payment['currency']} {whole:,}.{rest:02d}"


def page(template: str, context: Document, *, status: int = 200) -> HttpResponse:
    """Return a page of the simulator."""
    return HttpResponse(
        render_to_string(template, context | {"static_url": settings.STATIC_URL}), status=status
    )
