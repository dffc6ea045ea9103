"""The simulator's page for developers: where the money is, and buttons for what the provider would do automatically."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone

from savings import money as kobo
from web.simulator import (
    agenda,
    banks,
    disputes,
    money,
    pages,
    payments,
    refunds,
    settlements,
    store,
    switches,
    transfer_states,
    transfers,
)
from web.simulator.request_bodies import Declined
from web.simulator.store import Document

_SHOWN, _TRANSFERS_SHOWN = 10, 20
_BUTTON_WORDS = {"success": "Succeed", "failed": "Fail", "reversed": "Reverse"}


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
    if not money.top_up(*_amount_and_number(form)):
        raise Declined("The bank account holds less than that.")


def _add_test_money(form: QueryDict) -> None:
    money.add_test_money(*_amount_and_number(form))


def _amount_and_number(form: QueryDict) -> tuple[int, int]:
    """Return the kobo of a form, and its number, with which a form sent twice moves money once."""
    amount, once = 0, 0
    with contextlib.suppress(ValueError):
        amount, once = int(form.get("naira", "")) * 100, int(form.get("once", ""))
    if not 0 < amount < 2**53 or not 0 < once < 2**53:
        raise Declined("Enter an amount in whole naira.")
    return amount, once


def _end_transfer(form: QueryDict) -> None:
    transfer_states.click(form.get("transfer", ""), form.get("status", ""))


def _script(form: QueryDict) -> None:
    transfers.script(form.get("outcome", ""))


def _clear_script(form: QueryDict) -> None:
    transfers.clear_script()


def _switch(form: QueryDict) -> None:
    name = form.get("switch", "")
    if name in switches.SWITCHES:
        switches.turn(name, on=form.get("on") == "1")


_BUTTONS: dict[str, Callable[[QueryDict], None]] = {
    "settle": _settle,
    "dispute": _dispute,
    "fail-refund": _fail_refund,
    "top-up": _top_up,
    "test-money": _add_test_money,
    "end-transfer": _end_transfer,
    "script": _script,
    "clear-script": _clear_script,
    "switch": _switch,
}


def _context(error: str) -> Document:
    paid = [one for one in store.documents("payment") if one["status"] == "success"]
    return {
        "error": error,
        "site_url": settings.SITE_URL,
        "once": store.next_id(),
        "balance_is_empty": money.balance(money.BALANCE) <= 0,
        "places": [
            ("Pending settlement", kobo.naira(money.balance(money.PENDING))),
            ("Balance for transfers", kobo.naira(money.balance(money.BALANCE))),
            ("Bank account", kobo.naira(money.balance(money.BANK))),
        ],
        **_transfers(),
        "switches": [(name, words, switches.is_on(name)) for name, words in switches.SWITCHES.items()],
        "payments": [_line(one) for one in paid[:_SHOWN]],
        "refunds": [_line(one) for one in refunds.newest_first()[:_SHOWN]],
        "disputes": [_line(one) for one in disputes.newest_first()[:_SHOWN]],
        "settlements": [
            _line(one | {"amount": one["net"], "due_at": one["settled_at"]})
            for one in settlements.newest_first()[:_SHOWN]
        ],
    }


def _transfers() -> Document:
    return {
        "transfers": [_transfer_line(sent) for sent in transfer_states.newest_first()[:_TRANSFERS_SHOWN]],
        "scripted": transfers.scripted(),
        "account_names": banks.NAMES,
        "unknown_account": banks.UNKNOWN,
        # The docstring of each outcome says what happens.
        "outcomes": [
            (ending, name, transfers.OUTCOMES[name].__doc__) for ending, name in transfers.ENDINGS.items()
        ],
    }


def _transfer_line(sent: Document) -> Document:
    status = sent["status"]
    colour = "bad" if sent.get("is_returned") else "ok" if status == "success" else "gold"
    buttons = [(name, _BUTTON_WORDS[name]) for name in transfer_states.NEXT.get(status, ())]
    return _line(sent) | {"colour": colour, "buttons": buttons}


def _line(document: Document) -> Document:
    """Return a document with its amount in words and its time on the site's clock."""
    line = dict(document)
    line["shown"] = kobo.naira(document["amount"])
    line["is_disputed"] = "dispute" in document and disputes.open_one(document) is not None
    if document.get("due_at"):
        zone = timezone.get_default_timezone()
        line["due"] = f"{datetime.datetime.fromtimestamp(document['due_at'], tz=zone):%d %B %Y, %H:%M}"
    return line
