"""The provider's programming interface: announcing, asking about and repeating payments, and sending money out."""

from __future__ import annotations

import functools
import json
import re
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.utils.crypto import constant_time_compare

from web.simulator import events, payments, shapes, store
from web.simulator.store import Document

_REFERENCE = re.compile(r"[A-Za-z0-9.=-]{1,100}")
_TRANSFER_SECONDS = 4
# Money sent to this account number comes back as failed, so that failures can be tried.
FAILING_ACCOUNT = "0000000000"


class _No(Exception):
    """A request the provider declines, with the HTTP status and code of its answer."""

    def __init__(self, message: str, *, status: int = 400, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def _view(method: str) -> Callable[[Callable[..., JsonResponse]], Callable[..., JsonResponse]]:
    """Take one method only, ask for the secret key, and answer what the view declines as the provider would."""

    def decorate(view: Callable[..., JsonResponse]) -> Callable[..., JsonResponse]:
        @functools.wraps(view)
        def answer(request: HttpRequest, **parts: str) -> JsonResponse:
            try:
                if request.method != method:
                    raise _No("Method not allowed", status=405)
                _check_key(request)
                return view(request, **parts)
            except _No as no:
                reason = {"type": "validation_error", "code": no.code} if no.code else {}
                return JsonResponse({"status": False, "message": str(no), **reason}, status=no.status)

        return answer

    return decorate


@_view("POST")
def initialize(request: HttpRequest) -> JsonResponse:
    """Announce a payment."""
    asked = _body(request)
    payment = _announce(
        asked,
        metadata=asked.get("metadata") or {},
        callback=str(asked.get("callback_url") or settings.SITE_URL),
    )
    return _yes("Authorization URL created", shapes.checkout(payment, settings.SIMULATOR_URL))


@_view("GET")
def verify(request: HttpRequest, reference: str) -> JsonResponse:
    """Say what became of a payment."""
    payment = payments.find(reference)
    if payment is None:
        raise _No("Transaction reference not found", status=404)
    return _yes("Verification successful", shapes.payment(payment))


@_view("POST")
def charge_authorization(request: HttpRequest) -> JsonResponse:
    """Charge a card that was used before, by the same e-mail address."""
    asked = _body(request)
    card = store.get("authorization", str(asked.get("authorization_code")))
    if card is None or card["email"] != asked.get("email"):
        raise _No("Authorization code not found for this customer", code="invalid_authorization")
    payment = _announce(asked, metadata={}, callback="")
    payments.charge(payment, card)
    payments.save(payment)
    return _yes("Charge attempted", shapes.charged(payment))


@_view("POST")
def create_transfer_recipient(request: HttpRequest) -> JsonResponse:
    """Register a bank account to send money to; the same account again is the same recipient."""
    asked = _body(request)
    if not all(
        isinstance(asked.get(name), str) and asked[name] for name in ("name", "account_number", "bank_code")
    ):
        raise _No("Name, account number and bank code are required", code="invalid_params")
    code = f"RCP_{asked['bank_code']}{asked['account_number']}"
    recipient = store.get("recipient", code) or {
        "id": store.next_id(),
        "recipient_code": code,
        "name": asked["name"],
        "account_number": asked["account_number"],
        "bank_code": asked["bank_code"],
        "currency": asked.get("currency") or settings.CURRENCY,
        "created_at": time.time(),
    }
    store.put("recipient", code, recipient)
    return _yes("Transfer recipient created successfully", shapes.recipient(recipient), status=201)


@_view("POST")
def transfer(request: HttpRequest) -> JsonResponse:
    """Send money to a recipient: pending at first, then told by an event."""
    asked = _body(request)
    recipient = store.get("recipient", str(asked.get("recipient")))
    if recipient is None:
        raise _No("Recipient not found", code="invalid_recipient")
    reference = str(asked.get("reference") or "")
    if store.get("transfer", reference):
        raise _No("Transfer reference already exists", code="duplicate_reference")
    sent: Document = {
        "id": store.next_id(),
        "reference": reference,
        "transfer_code": f"TRF_{reference}",
        "amount": _amount(asked),
        "currency": asked.get("currency") or settings.CURRENCY,
        "reason": str(asked.get("reason") or ""),
        "recipient": recipient,
        "status": "pending",
        "created_at": time.time(),
        "sent_at": None,
    }
    store.put("transfer", reference, sent)
    told = _finished(sent)
    events.send(f"transfer.{told['status']}", shapes.verified_transfer(told), at=told["sent_at"])
    return _yes("Transfer has been queued", shapes.transfer(sent))


@_view("GET")
def verify_transfer(request: HttpRequest, reference: str) -> JsonResponse:
    """Say what became of money that was sent."""
    sent = store.get("transfer", reference)
    if sent is None:
        raise _No("Transfer not found", status=404)
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
        raise _No("Invalid key", status=401)


def _body(request: HttpRequest) -> Document:
    try:
        asked: Any = json.loads(request.body)
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise _No("Send a JSON object", code="invalid_params")
    return asked


def _announce(asked: Document, *, metadata: Document, callback: str) -> Document:
    """Store the payment that was asked for, once per reference."""
    email, reference = asked.get("email"), asked.get("reference")
    if not isinstance(email, str) or "@" not in email:
        raise _No("Invalid Email Address Passed", code="invalid_email_address")
    if not isinstance(reference, str) or not _REFERENCE.fullmatch(reference):
        raise _No("Invalid transaction reference", code="invalid_reference")
    payment = payments.announce(
        reference=reference,
        amount=_amount(asked),
        currency=str(asked.get("currency") or settings.CURRENCY),
        email=email,
        metadata=metadata,
        callback=callback,
    )
    if payment is None:
        raise _No("Duplicate Transaction Reference", code="duplicate_reference")
    return payment


def _amount(asked: Document) -> int:
    amount = asked.get("amount")
    if type(amount) is not int or amount <= 0:
        raise _No("Invalid Amount Sent", code="invalid_amount")
    return amount
