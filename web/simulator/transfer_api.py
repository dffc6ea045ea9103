"""The provider's API for transfers: banks, the name of an account, recipients, and transfers to them."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse, JsonResponse

from web.simulator import banks, recipients, request_bodies, transfer_shapes, transfer_states, transfers
from web.simulator.answering import cursor_page_of, decline, flag, page_of, plain_page_of, view, yes
from web.simulator.request_bodies import Declined
from web.simulator.store import Document

_REFERENCE = re.compile(r"[a-z0-9_-]{16,100}")
_COUNTRIES = {"", "ghana", "kenya", "nigeria", "south africa"}


@view("GET")
def list_banks(request: HttpRequest) -> JsonResponse:
    """List the banks, all of them Nigerian; by page, or by cursor if `use_cursor` is true."""
    country = request.GET.get("country", "").lower()
    if country not in _COUNTRIES:
        raise Declined("country is not valid", code="invalid_params")
    wanted = {
        "country": country,
        **{name: request.GET.get(name, "").lower() for name in ("currency", "type")},
    }
    every = [
        bank
        for bank in banks.BANKS.values()
        if all(value in {"", bank[name].lower()} for name, value in wanted.items())
    ]
    found, meta = (cursor_page_of if flag(request, "use_cursor") else plain_page_of)(request, every)
    return yes("Banks retrieved", found, meta=meta)


@view("GET")
def resolve_account(request: HttpRequest) -> JsonResponse:
    """Return the name that a bank has for an account."""
    account_number, bank_code = (request.GET.get(name, "") for name in ("account_number", "bank_code"))
    return yes("Account number resolved", banks.resolve(account_number, bank_code))


@view("POST")
def create_recipient(request: HttpRequest) -> JsonResponse:
    """Register a bank account for transfers; the same account again returns the same recipient."""
    body = request_bodies.read(request, request_bodies.TRANSFER_RECIPIENT)
    recipient = recipients.register(
        bank_code=body["bank_code"],
        account_number=body["account_number"],
        name=body["name"],
        kind=body["type"],
        currency=request_bodies.currency(body),
    )
    return yes("Transfer recipient created successfully", transfer_shapes.recipient(recipient), status=201)


@view("DELETE")
def delete_recipient(request: HttpRequest, code: str) -> JsonResponse:
    """Make a recipient inactive: no transfer reaches it until its bank account is registered again."""
    recipients.delete(code)
    return yes("Transfer recipient set as inactive", None)


def transfer(request: HttpRequest) -> HttpResponse:
    """Send money to a recipient, or list the transfers."""
    return list_transfers(request) if request.method in {"GET", "HEAD"} else create_transfer(request)


@view("POST")
def create_transfer(request: HttpRequest) -> HttpResponse:
    """Send money to a recipient: pending at first, in most cases; an event reports the end."""
    body = request_bodies.read(request, request_bodies.TRANSFER)
    recipient = recipients.find(body["recipient"])
    if not _REFERENCE.fullmatch(body["reference"]):
        raise Declined("Invalid transfer reference", code="invalid_reference")
    try:
        sent = transfers.send(
            reference=body["reference"],
            amount=request_bodies.amount(body),
            currency=request_bodies.currency(body),
            reason=body.get("reason", ""),
            recipient=recipient,
        )
    except transfers.Refused as no:
        # Answered here, because raising would store nothing, and the same transfer would be refused for ever.
        return decline(no)
    if sent.get("loses_answer"):
        return HttpResponse("<h1>504 Gateway Time-out</h1>", status=504)
    return yes("Transfer has been queued", transfer_shapes.created(sent))


@view("GET")
def list_transfers(request: HttpRequest) -> JsonResponse:
    """List the transfers, newest first; with `recipient` or `status` some of them."""
    recipient, status = (request.GET.get(name, "") for name in ("recipient", "status"))
    every = [
        sent
        for sent in transfer_states.newest_first()
        if recipient in {"", sent["recipient"]["recipient_code"]} and status in {"", sent["status"]}
    ]
    found, meta = page_of(request, every)
    return yes("Transfers retrieved", [transfer_shapes.listed(sent) for sent in found], meta=meta)


@view("GET")
def verify_transfer(request: HttpRequest, reference: str) -> JsonResponse:
    """Return the state of a transfer."""
    return yes("Transfer retrieved", transfer_shapes.verified(_transfer(reference)))


@view("GET")
def fetch_transfer(request: HttpRequest, code: str) -> JsonResponse:
    """Return a transfer with what it cost."""
    return yes("Transfer retrieved", transfer_shapes.fetched(_transfer(code.removeprefix("TRF_"))))


def _transfer(reference: str) -> Document:
    sent = transfer_states.find(reference)
    if sent is None:
        raise Declined("Transfer not found", status=404)
    return sent
