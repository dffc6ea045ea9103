"""The simulator's page for developers: where the money is, and buttons for what the provider does by itself."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone

from savings import money as kobo
from web.simulator import agenda, disputes, money, pages, payments, refunds, settlements, store, switches
from web.simulator.request_bodies import Declined
from web.simulator.store import Document

_SHOWN = 10


def show(request: HttpRequest) -> HttpResponse:
    """Show the money, or do what a button says and show the page again."""
    if request.method not in pages.ALLOWED:
        return HttpResponse(status=405, headers={"Allow": ", ".join(pages.ALLOWED)})
    agenda.catch_up()
    if request.method != "POST":
        return pages.page("simulator/home.html", _context(""))
    act = _BUTTONS.get(request.POST.get("do", ""))
    if act is None:
        return pages.page("simulator/home.html", _context(""))
    try:
        with store.atomic():
            act(request.POST)
    except Declined as no:
        return pages.page("simulator/home.html", _context(str(no)), status=400)
    return HttpResponse(status=303, headers={"Location": "/"})


def _settle(form: QueryDict) -> None:
    settlements.run(everything=True)


def _dispute(form: QueryDict) -> None:
    payment = payments.find(form.get("payment", ""))
    if payment is None:
        raise Declined("There is no such payment.")
    disputes.open_for(payment)


def _fail_refund(form: QueryDict) -> None:
    refunds.fail(form.get("refund", ""))


def _top_up(form: QueryDict) -> None:
    amount, once = 0, 0
    with contextlib.suppress(ValueError):
        amount, once = int(form.get("naira", "")) * 100, int(form.get("once", ""))
    if not 0 < amount < 2**53 or not 0 < once < 2**53:
        raise Declined("Enter an amount in whole naira.")
    if not money.top_up(amount, once):
        raise Declined("The bank account has less than that.")


def _switch(form: QueryDict) -> None:
    name = form.get("switch", "")
    if name in switches.SWITCHES:
        switches.turn(name, on=form.get("on") == "1")


_BUTTONS: dict[str, Callable[[QueryDict], None]] = {
    "settle": _settle,
    "dispute": _dispute,
    "fail-refund": _fail_refund,
    "top-up": _top_up,
    "switch": _switch,
}


def _context(error: str) -> Document:
    paid = [one for one in store.documents("payment") if one["status"] == "success"]
    return {
        "error": error,
        "site_url": settings.SITE_URL,
        "once": store.next_id(),
        "places": [
            ("Pending settlement", kobo.naira(money.balance(money.PENDING))),
            ("Balance for transfers", kobo.naira(money.balance(money.BALANCE))),
            ("Bank account", kobo.naira(money.balance(money.BANK))),
        ],
        "switches": [(name, words, switches.is_on(name)) for name, words in switches.SWITCHES.items()],
        "payments": [_line(one) for one in paid[:_SHOWN]],
        "refunds": [_line(one) for one in refunds.newest_first()[:_SHOWN]],
        "disputes": [_line(one) for one in disputes.newest_first()[:_SHOWN]],
        "settlements": [
            _line(one | {"amount": one["net"], "due_at": one["settled_at"]})
            for one in settlements.newest_first()[:_SHOWN]
        ],
    }


def _line(document: Document) -> Document:
    """Return a document with its amount in words and its time on the site's clock."""
    line = dict(document)
    line["shown"] = kobo.naira(document["amount"])
    line["is_disputed"] = "dispute" in document and disputes.open_one(document) is not None
    if document.get("due_at"):
        zone = timezone.get_default_timezone()
        line["due"] = f"{datetime.datetime.fromtimestamp(document['due_at'], tz=zone):%d %B %Y, %H:%M}"
    return line
