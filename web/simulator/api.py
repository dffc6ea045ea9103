"""The provider's API: initialize, verify and repeat payments, and transfers to bank accounts."""

from __future__ import annotations

import functools
import re
import secrets
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.utils.crypto import constant_time_compare

from web.simulator import events, payments, request_bodies, shapes, store
from web.simulator.request_bodies import Declined
from web.simulator.store import Document

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_REFERENCE = re.compile(r"[A-Za-z0-9.=-]{1,100}")
_TRANSFER_REFERENCE = re.compile(r"[a-z0-9_-]{16,100}")
_TRANSFER_SECONDS = 4
# Transfers to this account number fail, so that failures can be tested.
FAILING_ACCOUNT = "0000000000"


def _view(method: str) -> Callable[[Callable[..., JsonResponse]], Callable[..., JsonResponse]]:
    """Allow one method, require the secret key, and answer a `Declined` as the provider would."""
    allowed = ["GET", "HEAD"] if method == "GET" else [method]

    def decorate(view: Callable[..., JsonResponse]) -> Callable[..., JsonResponse]:
        @functools.wraps(view)
        def answer(request: HttpRequest, **parts: str) -> JsonResponse:
            if request.method not in allowed:
                return _decline(Declined("Method not allowed", status=405), {"Allow": ", ".join(allowed)})
            try:
                _check_key(request)
                return view(request, **parts)
            except Declined as declined:
                return _decline(declined)

        return answer

    return decorate


def _decline(declined: Declined, headers: dict[str, str] | None = None) -> JsonResponse:
    reason = {"type": "validation_error", "code": declined.code} if declined.code else {}
    return JsonResponse(
        {"status": False, "message": str(declined), **reason}, status=declined.status, headers=headers
    )


@_view("POST")
def initialize(request: HttpRequest) -> JsonResponse:
    """Initialize a payment."""
    body = request_bodies.read(request, request_bodies.INITIALIZE)
    callback = request_bodies.link(body.get("callback_url") or settings.SITE_URL)
    payment = _announce(body, callback=callback)
    return _yes("Authorization URL created", shapes.checkout(payment, settings.SIMULATOR_URL))


@_view("GET")
def verify(request: HttpRequest, reference: str) -> JsonResponse:
    """Return the state of a payment."""
    payment = payments.find(reference)
    if payment is None:
        raise Declined("Transaction reference not found", status=404)
    return _yes("Verification successful", shapes.payment(payment))


@_view("POST")
def charge_authorization(request: HttpRequest) -> JsonResponse:
    """Charge a card that was used before with the same email address."""
    body = request_bodies.read(request, request_bodies.CHARGE_AUTHORIZATION)
    card = store.get("authorization", body["authorization_code"])
    if card is None or card["email"] != body["email"]:
        raise Declined("Authorization code not found for this customer", code="invalid_authorization")
    payment = _announce(body, callback="")
    payments.charge(payment, card)
    payments.save(payment)
    return _yes("Charge attempted", shapes.charged(payment))


@_view("POST")
def create_transfer_recipient(request: HttpRequest) -> JsonResponse:
    """Register a bank account for transfers; the same account again returns the same recipient."""
    body = request_bodies.read(request, request_bodies.TRANSFER_RECIPIENT)
    code = f"RCP_{body['bank_code']}{body['account_number']}"
    recipient = store.get("recipient", code) or {
        "id": store.next_id(),
        "recipient_code": code,
        "type": body["type"],
        "name": body["name"],
        "account_number": body["account_number"],
        "bank_code": body["bank_code"],
        "currency": request_bodies.currency(body),
        "created_at": time.time(),
    }
    store.put("recipient", code, recipient)
    return _yes("Transfer recipient created successfully", shapes.recipient(recipient), status=201)


@_view("POST")
def transfer(request: HttpRequest) -> JsonResponse:
    """Send money to a recipient: pending at first; an event reports the result."""
    body = request_bodies.read(request, request_bodies.TRANSFER)
    recipient = store.get("recipient", body["recipient"])
    if recipient is None:
        raise Declined("Recipient not found", code="invalid_recipient")
    reference = body["reference"]
    if not _TRANSFER_REFERENCE.fullmatch(reference):
        raise Declined("Invalid transfer reference", code="invalid_reference")
    sent: Document = {
        "id": store.next_id(),
        "reference": reference,
        "transfer_code": f"TRF_{reference}",
        "amount": request_bodies.amount(body),
        "currency": request_bodies.currency(body),
        "reason": body.get("reason", ""),
        "recipient": recipient,
        "status": "pending",
        "created_at": time.time(),
        "sent_at": None,
    }
    if not store.add("transfer", reference, sent):
        raise Declined("Transfer reference already exists", code="duplicate_reference")
    told = _finished(sent)
    events.send(f"transfer.{told['status']}", shapes.verified_transfer(told), at=told["sent_at"])
    return _yes("Transfer has been queued", shapes.transfer(sent))


@_view("GET")
def verify_transfer(request: HttpRequest, reference: str) -> JsonResponse:
    """Return the state of a transfer."""
    sent = store.get("transfer", reference)
    if sent is None:
        raise Declined("Transfer not found", status=404)
    told = _finished(sent)
    return _yes(
        "Transfer retrieved", shapes.verified_transfer(told if told["sent_at"] <= time.time() else sent)
    )


def _finished(sent: Document) -> Document:
    status = "failed" if sent["recipient"]["account_number"] == FAILING_ACCOUNT else "success"
    return {**sent, "status": status, "sent_at": sent["created_at"] + _TRANSFER_SECONDS}


def _yes(message: str, data: Document, *, status: int = 200) -> JsonResponse:
    return JsonResponse({"status": True, "message": message, "data": data}, status=status)


def _check_key(request: HttpRequest) -> None:
    given = request.headers.get("Authorization", "")
    if not constant_time_compare(given, f"Bearer {settings.PROVIDER_SECRET_KEY}"):
        raise Declined("Invalid key", status=401)


def _announce(body: Document, *, callback: str) -> Document:
    """Store a requested payment, once per reference; one is generated if missing, as at the provider."""
    if not _EMAIL.fullmatch(body["email"]):
        raise Declined("Invalid Email Address Passed", code="invalid_email_address")
    reference = body.get("reference", secrets.token_hex(5))
    if not _REFERENCE.fullmatch(reference):
        raise Declined("Invalid transaction reference", code="invalid_reference")
    payment = payments.announce(
        reference=reference,
        amount=request_bodies.amount(body),
        currency=request_bodies.currency(body),
        email=body["email"],
        metadata=body.get("metadata") or {},
        callback=callback,
    )
    if payment is None:
        raise Declined("Duplicate Transaction Reference", code="duplicate_reference")
    return payment
