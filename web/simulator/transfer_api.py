"""The provider's API for transfers: banks, the name of an account, recipients, and transfers to them."""

from __future__ import annotations

import re

from django.http import HttpRequest, JsonResponse

from web.simulator import banks, recipients, request_bodies, transfer_shapes, transfers
from web.simulator.answering import cursor_page_of, flag, plain_page_of, view, yes
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


@view("POST")
def transfer(request: HttpRequest) -> JsonResponse:
    """Send money to a recipient: pending at first; an event reports the result."""
    body = request_bodies.read(request, request_bodies.TRANSFER)
    recipient = recipients.find(body["recipient"])
    if not _REFERENCE.fullmatch(body["reference"]):
        raise Declined("Invalid transfer reference", code="invalid_reference")
    sent = transfers.send(
        reference=body["reference"],
        amount=request_bodies.amount(body),
        currency=request_bodies.currency(body),
        reason=body.get("reason", ""),
        recipient=recipient,
    )
    return yes("Transfer has been queued", transfer_shapes.created(sent))


@view("GET")
def verify_transfer(request: HttpRequest, reference: str) -> JsonResponse:
    """Return the state of a transfer."""
    return yes("Transfer retrieved", transfer_shapes.verified(_transfer(reference)))


@view("GET")
def fetch_transfer(request: HttpRequest, code: str) -> JsonResponse:
    """Return a transfer with what it cost."""
    return yes("Transfer retrieved", transfer_shapes.fetched(_transfer(code.removeprefix("TRF_"))))


def _transfer(reference: str) -> Document:
    sent = transfers.find(reference)
    if sent is None:
        raise Declined("Transfer not found", status=404)
    return sent
